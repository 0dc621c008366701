#pragma once

// What a SocketLoop is made of. For the files of this module only.

#include "net/resolver.h"
#include "net/socket_loop.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace divan::net {

namespace asio = boost::asio;

class SocketLoop::Impl {
  public:
    Impl(SocketLoop &loop, Clock &clock);
    ~Impl();

    void stop();
    void post(UniqueFunction<void()> work);
    std::unique_ptr<Timer> after(Millis delay, UniqueFunction<void()> work);

    [[nodiscard]] Clock &clock() { return clock_; }
    [[nodiscard]] asio::io_context &io() { return io_; }
    [[nodiscard]] Resolver &resolver() { return resolver_; }

  private:
    class SocketTimer;
    struct Pending;
    void drain();

    Clock &clock_;
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::atomic<bool> stopped_ = false;
    std::mutex mutex_;
    std::deque<UniqueFunction<void()>> queue_; // guarded by mutex_
    std::list<Pending *> pending_;             // timers, so that stop() can drop their work
    Resolver resolver_;
    std::thread thread_;
};

} // namespace divan::net
