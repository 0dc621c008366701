#pragma once

// Connections that wait for their next request. For the files of this module only.

#include "net/socket_loop.h"
#include "net/wire.h"

#include <chrono>
#include <list>

namespace divan::net {

class ConnectionPool {
  public:
    ConnectionPool(SocketLoop &loop, HttpClientOptions options) : loop_(loop), options_(options) {}
    ~ConnectionPool() { close(); }

    // The one that was used last, so that those that are not needed grow old. Null: there is none.
    [[nodiscard]] std::shared_ptr<Wire> take(const Destination &destination);
    void keep(const Destination &destination, std::shared_ptr<Wire> wire);
    // Closes all; what is kept later is closed.
    void close();

  private:
    struct Idle {
        Destination destination;
        std::shared_ptr<Wire> wire;
        std::chrono::steady_clock::time_point since;
    };
    void drop_oldest();
    void watch();
    void close_old();

    SocketLoop &loop_;
    const HttpClientOptions options_;
    std::list<Idle> idle_; // the newest first
    bool closed_ = false;
    std::unique_ptr<EventLoop::Timer> timer_;
};

} // namespace divan::net
