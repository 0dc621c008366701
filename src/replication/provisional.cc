// Stands in for what is written elsewhere.

#include "replication/provisional.h"

#include "base/encoding.h"
#include "net/socket_loop.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace divan::replication {

std::string session_result_json(const SessionResult & /*result*/) {
    return R"({"ok":true})";
}

Task<Result<ReplicationId>> identify(Context &context, const Replication &replication,
                                     Cancellation & /*cancellation*/) {
    co_return replication_id(replication, context.server_uuid, "");
}

Task<SessionEnd> replicate(Context &context, const Replication &replication, const ReplicationId & /*id*/,
                           Progress &progress, Cancellation &cancellation) {
    progress.updated_on = context.clock.now();
    if (!replication.continuous)
        co_return Failure{Error(ErrorCode::not_implemented), Cause::source};
    auto slept = co_await sleep_for(context.loop, Millis(86'400'000), cancellation);
    static_cast<void>(slept);
    co_return Failure{Error(ErrorCode::cancelled), Cause::none};
}

} // namespace divan::replication

namespace divan::net {

class SocketLoop::Impl {
  public:
    explicit Impl(Clock &given) : clock(given), thread([this] { run(); }) {}
    void run() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            if (!queue.empty()) {
                auto work = std::move(queue.front());
                queue.pop_front();
                lock.unlock();
                work();
                lock.lock();
                continue;
            }
            if (timers.empty()) {
                changed.wait(lock);
                continue;
            }
            auto wait = timers.begin()->first.first - clock.monotonic();
            if (wait.count() > 0) {
                changed.wait_for(lock, wait);
                continue;
            }
            auto node = timers.extract(timers.begin());
            lock.unlock();
            node.mapped()();
            lock.lock();
        }
    }
    Clock &clock;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<UniqueFunction<void()>> queue;
    std::map<std::pair<std::chrono::nanoseconds, std::uint64_t>, UniqueFunction<void()>> timers;
    std::uint64_t made = 0;
    bool stopping = false;
    std::thread thread;
};

namespace {
class LoopTimer final : public EventLoop::Timer {
  public:
    explicit LoopTimer(std::function<void()> withdraw) : withdraw_(std::move(withdraw)) {}
    ~LoopTimer() override { withdraw_(); }

  private:
    std::function<void()> withdraw_;
};
} // namespace

SocketLoop::SocketLoop(Clock &clock) : impl_(std::make_unique<Impl>(clock)) {}
SocketLoop::~SocketLoop() {
    stop();
}
void SocketLoop::stop() {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
        impl_->changed.notify_all();
    }
    if (impl_->thread.joinable())
        impl_->thread.join();
}
void SocketLoop::post(UniqueFunction<void()> work) {
    std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(work));
    impl_->changed.notify_all();
}
std::unique_ptr<EventLoop::Timer> SocketLoop::after(Millis delay, UniqueFunction<void()> work) {
    std::lock_guard lock(impl_->mutex);
    std::pair key{impl_->clock.monotonic() + delay, ++impl_->made};
    impl_->timers.emplace(key, std::move(work));
    return std::make_unique<LoopTimer>([this, key] {
        std::unique_lock inner(impl_->mutex);
        auto node = impl_->timers.extract(key);
        inner.unlock();
    });
}
Clock &SocketLoop::clock() {
    return impl_->clock;
}

class NoClient final : public HttpClient {
    Task<Result<std::unique_ptr<IncomingResponse>>> send(const Destination & /*destination*/,
                                                         OutgoingRequest /*request*/,
                                                         Cancellation & /*cancellation*/) override {
        co_return ErrorCode::service_unavailable;
    }
};

std::unique_ptr<HttpClient> make_http_client(SocketLoop & /*loop*/, HttpClientOptions /*options*/) {
    return std::make_unique<NoClient>();
}

} // namespace divan::net
