#include "base/event_loop.h"

#include "base/result.h"

namespace divan {

void Cancellation::cancel() {
    cancelled_ = true;
    auto callbacks = std::exchange(callbacks_, {});
    // The registrations still point to these: they go back, empty, and are erased by their owners.
    for (auto &callback : callbacks)
        if (auto run = std::exchange(callback, nullptr))
            run();
    callbacks_.splice(callbacks_.end(), callbacks);
}

Cancellation::Registration &Cancellation::Registration::operator=(Registration &&other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(at_, other.at_);
    return *this;
}

Cancellation::Registration::~Registration() {
    if (owner_ != nullptr)
        owner_->callbacks_.erase(at_);
}

Cancellation::Registration Cancellation::on_cancel(std::function<void()> callback) {
    Registration registration;
    if (cancelled_)
        return registration;
    registration.owner_ = this;
    registration.at_ = callbacks_.insert(callbacks_.end(), std::move(callback));
    return registration;
}

namespace {

struct Waiting {
    std::optional<Resume<WaitEnd>> resume;
    std::shared_ptr<Event> event;
    std::unique_ptr<EventLoop::Timer> timer;
    Cancellation::Registration registration;

    void finish(WaitEnd end) {
        auto resuming = std::exchange(resume, std::nullopt);
        if (!resuming)
            return;
        if (event)
            event->on_notify({});
        timer.reset();
        registration = {};
        (*resuming)(end);
    }
};

} // namespace

Task<WaitEnd> wait_for(EventLoop &loop, std::shared_ptr<Event> event, Millis timeout,
                       Cancellation &cancellation) {
    if (cancellation.cancelled())
        co_return WaitEnd::cancelled;
    auto waiting = std::make_shared<Waiting>();
    waiting->event = event;
    co_return co_await suspend<WaitEnd>([&](Resume<WaitEnd> resume) {
        // The coroutine may go on, and end, before the last of these lines.
        auto held = waiting;
        auto &home = loop;
        held->resume = resume;
        held->timer = home.after(timeout, [held] { held->finish(WaitEnd::timeout); });
        held->registration = cancellation.on_cancel(
            [held, &home] { home.post([held] { held->finish(WaitEnd::cancelled); }); });
        if (held->event)
            held->event->on_notify([held, &home] { home.post([held] { held->finish(WaitEnd::event); }); });
    });
}

Task<Result<void>> pause_for(EventLoop &loop, Millis time, Cancellation &cancellation) {
    auto end = co_await wait_for(loop, std::shared_ptr<Event>(), time, cancellation);
    if (end == WaitEnd::cancelled)
        co_return ErrorCode::cancelled;
    co_return Result<void>();
}

void WaitLine::wake_one() {
    if (handles_.empty())
        return;
    auto handle = handles_.front();
    handles_.pop_front();
    loop_.post([handle] { handle.resume(); });
}

void WaitLine::wake_all() {
    while (!handles_.empty())
        wake_one();
}

Task<void> Semaphore::acquire() {
    while (free_ == 0)
        co_await line_.wait();
    --free_;
}

void Semaphore::release() {
    ++free_;
    line_.wake_one();
}

void TaskGroup::start(Task<void> task) {
    ++running_;
    spawn(std::move(task), [this] {
        if (--running_ == 0)
            ended_.wake_all();
    });
}

Task<void> TaskGroup::join() {
    while (running_ > 0)
        co_await ended_.wait();
}

} // namespace divan
