#pragma once

// Finds the addresses of a host's name on threads of its own, because the system's resolver blocks. For the
// files of this module only.

#include "base/event_loop.h"

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

namespace divan::net {

struct Addresses {
    std::vector<boost::asio::ip::tcp::endpoint> endpoints;
    std::string error; // why there are none
};

class Resolver {
  public:
    explicit Resolver(EventLoop &loop);
    ~Resolver(); // stops
    // Calls `found` on the loop, once; an address is found at once, a name on another thread. At most 1,024
    // names wait: the next is told that there are too many. Returns what withdraw() takes.
    std::uint64_t find(std::string host, std::uint16_t port, UniqueFunction<void(Addresses)> found);
    // Forgets a lookup that still waits for a thread: `found` is not called. Others go on.
    void withdraw(std::uint64_t lookup);
    // Any thread: lookups under way end alone, and nobody hears of them.
    void stop();

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

} // namespace divan::net
