#pragma once

// The network between the nodes and clients of a simulation: hosts by name, latencies, and faults that are
// drawn for each request.
//
// Used on the loop's thread. Outlives its clients and what they got.

#include "net/http_client.h"
#include "simulation/link.h"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace divan::simulation {

// Of a thousand requests so many meet it.
struct NetworkFaults {
    std::uint64_t refused = 0;      // no connection
    std::uint64_t answered = 0;     // 429, 500 or 503, by something before the server
    std::uint64_t cut_request = 0;  // breaks in the body
    std::uint64_t lost_answer = 0;  // the server does it, and nobody is told
    std::uint64_t cut_response = 0; // breaks in the body
    std::uint64_t slow = 0;         // seconds for a piece
    std::uint64_t silent = 0;       // gets lost, and the connection stays
};

class SimulatedNetwork {
  public:
    // Its argument lives until the task has ended.
    using Handler = std::function<Task<void>(net::Exchange &)>;

    SimulatedNetwork(EventLoop &loop, Dice dice) : loop_(loop), dice_(std::move(dice)) {}

    void set_faults(const NetworkFaults &faults) { faults_ = faults; }

    // Requests to `host` go to `handler` from now on, and its own requests go out.
    void attach(const std::string &host, Handler handler);
    // Breaks all connections of a host and refuses new ones, in both directions. The handler is still used by
    // requests that run: see running().
    void detach(const std::string &host);
    // Requests that the host's handler works on.
    [[nodiscard]] std::size_t running(const std::string &host) const;
    // Breaks all connections between two hosts, and refuses new ones until they are joined again.
    void part(const std::string &a, const std::string &b);
    void join(const std::string &a, const std::string &b);

    // What `host` sends requests with. Destinations are the names of hosts.
    [[nodiscard]] std::unique_ptr<net::HttpClient> client(std::string host);

    // Is told each request in a line: for people.
    void on_request(std::function<void(const std::string &)> told) { told_ = std::move(told); }
    // A digest of all requests so far, with their times: equal for equal runs.
    [[nodiscard]] std::uint64_t trace() const { return trace_; }

  private:
    class Client;
    class Answer;
    struct Fate {
        LinkPlan plan;
        bool refused = false;
        bool silent = false;
        int answered = 0; // a status
    };
    struct Entry {
        std::string from;
        std::string to;
        std::weak_ptr<Link> link;
    };

    Task<Result<std::unique_ptr<net::IncomingResponse>>>
    send(std::string from, std::string to, net::OutgoingRequest request, Cancellation &cancellation);
    [[nodiscard]] Fate draw_fate();
    [[nodiscard]] bool reaches(const std::string &from, const std::string &to) const;
    std::shared_ptr<Link> connect(const std::string &from, const std::string &to, const LinkPlan &plan);
    void serve(const std::string &to, std::shared_ptr<Link> link, const net::OutgoingRequest &request,
               int answered);
    template <typename Which> void break_links(Which which);
    void note(const std::string &from, const std::string &to, const net::OutgoingRequest &request);

    EventLoop &loop_;
    Dice dice_;
    NetworkFaults faults_;
    std::map<std::string, std::shared_ptr<Handler>> hosts_;
    std::set<std::string> detached_;
    std::map<std::string, std::size_t> running_;
    std::set<std::pair<std::string, std::string>> parted_; // names in order
    std::list<Entry> links_;                               // some are gone
    std::uint64_t trace_ = 1'469'598'103'934'665'603U;     // FNV-1a
    std::function<void(const std::string &)> told_;
};

} // namespace divan::simulation
