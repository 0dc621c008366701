#include "api/testing/in_process_exchange.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace divan::api {

struct InProcessExchange::Queue {
    using Time = std::chrono::steady_clock::time_point;

    void push(UniqueFunction<void()> piece) {
        std::lock_guard lock(mutex);
        work.push_back(std::move(piece));
        ready.notify_one();
    }
    // The next piece of work; nothing when the deadline has passed.
    std::optional<UniqueFunction<void()>> take() {
        std::unique_lock lock(mutex);
        auto has_work = [&] { return !work.empty(); };
        if (!deadline)
            ready.wait(lock, has_work);
        else if (!ready.wait_until(lock, *deadline, has_work))
            return std::nullopt;
        auto piece = std::move(work.front());
        work.pop_front();
        return piece;
    }

    std::mutex mutex;
    std::condition_variable ready;
    std::deque<UniqueFunction<void()>> work;
    std::optional<Time> deadline; // of wait(); used by the serving thread only
};

InProcessExchange::InProcessExchange(net::RequestHead head, std::string body)
    : head_(std::move(head)), body_(std::move(body)), queue_(std::make_shared<Queue>()) {}

Answer InProcessExchange::serve(const Handler &handler) {
    bool done = false;
    spawn(handler(*this), [&done] { done = true; });
    while (!done) {
        if (auto work = queue_->take())
            (*work)();
        else
            wake(net::Wake::timeout);
    }
    return std::move(answer_);
}

void InProcessExchange::post(UniqueFunction<void()> work) {
    auto queue = queue_;
    queue->push(std::move(work));
}

Task<net::Wake> InProcessExchange::wait(std::shared_ptr<Event> event, Millis timeout) {
    co_return co_await suspend<net::Wake>([this, &event, timeout](Resume<net::Wake> resume) {
        waiting_.emplace(resume);
        awaited_ = event;
        queue_->deadline = std::chrono::steady_clock::now() + timeout;
        event->on_notify([this, queue = queue_] { queue->push([this] { wake(net::Wake::event); }); });
    });
}

// A notification that comes after the time was over finds nobody waiting, or wakes the next wait: that is
// what events are for.
void InProcessExchange::wake(net::Wake why) {
    queue_->deadline.reset();
    if (!waiting_)
        return;
    auto resume = *waiting_;
    waiting_.reset();
    std::exchange(awaited_, nullptr)->on_notify({});
    resume(why);
}

Task<Result<std::string>> InProcessExchange::read_some(std::size_t bytes_max) {
    auto part = body_.substr(read_bytes_, bytes_max);
    read_bytes_ += part.size();
    co_return part;
}

Task<Result<void>> InProcessExchange::send(net::ResponseHead head, std::string body) {
    answer_.status = head.status;
    answer_.headers = std::move(head.headers);
    if (head_.method != "HEAD")
        answer_.body = std::move(body);
    co_return Result<void>();
}

Task<Result<void>> InProcessExchange::start(net::ResponseHead head, std::optional<std::uint64_t> /*length*/) {
    answer_.status = head.status;
    answer_.headers = std::move(head.headers);
    co_return Result<void>();
}

Task<Result<void>> InProcessExchange::write(std::string bytes) {
    if (head_.method != "HEAD")
        answer_.body.append(bytes);
    co_return Result<void>();
}

Task<Result<void>> InProcessExchange::finish() {
    co_return Result<void>();
}

} // namespace divan::api
