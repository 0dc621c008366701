#pragma once

// One request of a client of a simulation, with its whole answer.

#include "simulation/simulated_network.h"
#include "json/value.h"

#include <memory>
#include <string>

namespace divan::simulation {

struct Answered {
    int status = 0;   // 0: no whole answer came
    json::Value body; // null if it is no JSON
    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
    // What was asked for was not done: the server says so.
    [[nodiscard]] bool refused() const { return status >= 400 && status < 500 && status != 408; }
    // A text member of the answer; empty: it has none.
    [[nodiscard]] std::string text(const char *member) const;
};

// Somebody who asks nodes, from a host of his own.
class Asker {
  public:
    Asker(EventLoop &loop, SimulatedNetwork &network, const std::string &host)
        : loop_(loop), client_(network.client(host)) {}

    // As the admin. `body` is JSON unless a type is given.
    Task<Answered> ask(std::string node, std::string method, std::string target, std::string body,
                       std::string content_type);
    // Waits; ends early when it is told to stop.
    Task<void> pause(Millis time);
    void stop() { stopped_.cancel(); }
    [[nodiscard]] bool stopped() const { return stopped_.cancelled(); }

  private:
    EventLoop &loop_;
    std::unique_ptr<net::HttpClient> client_;
    Cancellation stopped_;
};

} // namespace divan::simulation
