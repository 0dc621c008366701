#include "net/socket_loop.h"

#include "net/socket_loop_impl.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace divan::net {

// A timer that has neither run nor been withdrawn.
struct SocketLoop::Impl::Pending {
    Pending(asio::io_context &io, Millis delay, UniqueFunction<void()> later)
        : timer(io, delay), work(std::move(later)) {}
    asio::steady_timer timer;
    UniqueFunction<void()> work; // empty: ran, withdrawn or dropped
    std::list<Pending *> *list = nullptr;
    std::list<Pending *>::iterator at;

    // The work, for the one who asks first.
    UniqueFunction<void()> take() {
        if (list != nullptr)
            std::exchange(list, nullptr)->erase(at);
        return std::move(work);
    }
};

class SocketLoop::Impl::SocketTimer final : public EventLoop::Timer {
  public:
    explicit SocketTimer(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
    SocketTimer(const SocketTimer &) = delete;
    SocketTimer &operator=(const SocketTimer &) = delete;
    ~SocketTimer() override {
        auto dropped = pending_->take();
        if (dropped)
            pending_->timer.cancel();
    }

  private:
    std::shared_ptr<Pending> pending_;
};

SocketLoop::Impl::Impl(SocketLoop &loop, Clock &clock)
    : clock_(clock), guard_(asio::make_work_guard(io_)), resolver_(loop), thread_([this] { io_.run(); }) {}

SocketLoop::Impl::~Impl() {
    stop();
}

void SocketLoop::Impl::stop() {
    stopped_ = true;
    resolver_.stop();
    io_.stop();
    if (thread_.joinable())
        thread_.join();
    // What is dropped may own timers and post: outside of the lock, one after the other.
    std::deque<UniqueFunction<void()>> dropped;
    {
        std::lock_guard lock(mutex_);
        dropped.swap(queue_);
    }
    dropped.clear();
    while (!pending_.empty())
        auto work = pending_.front()->take();
}

void SocketLoop::Impl::post(UniqueFunction<void()> work) {
    if (stopped_)
        return;
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        first = queue_.empty();
        queue_.push_back(std::move(work));
    }
    if (first)
        asio::post(io_, [this] { drain(); });
}

// What is posted meanwhile waits for the next turn, so that sockets are looked at in between.
void SocketLoop::Impl::drain() {
    std::deque<UniqueFunction<void()>> batch;
    {
        std::lock_guard lock(mutex_);
        batch.swap(queue_);
    }
    for (auto &work : batch) {
        if (stopped_)
            return;
        auto now = std::move(work);
        now();
    }
}

std::unique_ptr<EventLoop::Timer> SocketLoop::Impl::after(Millis delay, UniqueFunction<void()> work) {
    auto pending = std::make_shared<Pending>(io_, delay, std::move(work));
    if (!stopped_) {
        pending->list = &pending_;
        pending->at = pending_.insert(pending_.end(), pending.get());
        pending->timer.async_wait([pending](boost::system::error_code error) {
            if (error)
                return;
            auto now = pending->take();
            if (now)
                now();
        });
    }
    return std::make_unique<SocketTimer>(std::move(pending));
}

SocketLoop::SocketLoop(Clock &clock) : impl_(std::make_unique<Impl>(*this, clock)) {}

SocketLoop::~SocketLoop() = default;

void SocketLoop::stop() {
    impl_->stop();
}

void SocketLoop::post(UniqueFunction<void()> work) {
    impl_->post(std::move(work));
}

std::unique_ptr<EventLoop::Timer> SocketLoop::after(Millis delay, UniqueFunction<void()> work) {
    return impl_->after(delay, std::move(work));
}

Clock &SocketLoop::clock() {
    return impl_->clock();
}

} // namespace divan::net
