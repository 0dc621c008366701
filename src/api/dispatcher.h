#pragma once

// From a request to its route: the one way in. Authentication, authorisation, errors, logging and
// metrics happen here, so that no handler can forget them.

#include "api/router.h"

#include <map>
#include <memory>

namespace divan::api {

// All routes of the server.
[[nodiscard]] std::vector<Route> all_routes();

class Dispatcher {
  public:
    Dispatcher(const Services &services, std::vector<Route> routes);

    // Serves one exchange; never fails.
    Task<void> handle(net::Exchange &exchange) const;

    [[nodiscard]] const std::vector<Route> &routes() const { return routes_; }

  private:
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
        std::unique_ptr<Node> parameter;
        std::vector<const Route *> routes;      // that end here
        std::vector<const Route *> rest_routes; // that take the rest of the path
    };
    struct Match {
        const std::vector<const Route *> *routes = nullptr;
        std::vector<std::string> values;
    };

    void add(const Route &route);
    [[nodiscard]] static bool find(const Node &node, const std::vector<net::PathPart> &parts, std::size_t at,
                                   Match &match);
    Task<void> answer(net::Exchange &exchange) const;
    Task<Result<void>> serve(Call &call) const;
    // From the path on: authentication is done.
    Task<Result<void>> route(Call &call) const;
    // Serves the request that a handler made of the call's.
    Task<Result<void>> follow_rewrite(Call &call) const;
    Task<Result<access::Principal>> authenticate(Call &call) const;
    Task<Result<void>> run(Call &call, const Route &route) const;
    [[nodiscard]] Result<void> show_document(Call &call) const;
    Task<Result<void>> refuse_method(Call &call, const std::vector<const Route *> &routes) const;

    const Services &services_;
    const std::vector<Route> routes_;
    Node root_;
};

} // namespace divan::api
