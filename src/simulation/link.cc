#include "simulation/link.h"

namespace divan::simulation {
namespace {

constexpr std::size_t kWindowBytes = 16'384; // that wait for a reader
constexpr std::size_t kPieceBytesMin = 512;
constexpr std::size_t kPieceBytesMax = 8'192;

} // namespace

Link::Link(EventLoop &loop, Dice dice, const LinkPlan &plan)
    : loop_(loop), dice_(std::move(dice)), plan_(plan), moved_at_(loop.clock().now()) {
    to_server.cut_at = plan.cut_request_at;
    to_client.cut_at = plan.cut_response_at;
}

Task<Result<void>> Link::travel() {
    auto latency = dice_.between(Millis(0), plan_.latency_max);
    co_return co_await pause_for(loop_, latency, broken_);
}

Task<Result<void>> Link::write(Stream &stream, std::string bytes) {
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, dice_.between(kPieceBytesMin, kPieceBytesMax));
        bytes.erase(0, piece.size());
        auto travelled = co_await travel();
        if (!travelled.ok() || stream.stopped)
            co_return ErrorCode::cancelled;
        moved_at_ = loop_.clock().now();
        bool cut = stream.cut_at && *stream.cut_at <= piece.size();
        if (cut)
            piece.resize(*stream.cut_at);
        else if (stream.cut_at)
            *stream.cut_at -= piece.size();
        stream.buffered.append(piece);
        stream.readable->notify();
        if (cut) {
            break_off();
            co_return ErrorCode::cancelled;
        }
        while (stream.buffered.size() > kWindowBytes && !stream.stopped) {
            constexpr Millis kLong{600'000};
            auto woken = co_await wait_for(loop_, stream.writable, kLong, broken_);
            if (woken == WaitEnd::cancelled)
                co_return ErrorCode::cancelled;
        }
    }
    co_return Result<void>();
}

void Link::end(Stream &stream) {
    stream.ended = true;
    stream.readable->notify();
}

void Link::stop(Stream &stream) {
    stream.stopped = true;
    stream.writable->notify();
    stream.readable->notify();
}

Task<Result<void>> Link::await(std::shared_ptr<Event> event, Millis idle_timeout) {
    auto idle = std::chrono::duration_cast<Millis>(loop_.clock().now() - moved_at_);
    auto woken = co_await wait_for(loop_, event, std::max(Millis(1), idle_timeout - idle), broken_);
    if (woken == WaitEnd::cancelled)
        co_return ErrorCode::cancelled;
    if (woken == WaitEnd::timeout && loop_.clock().now() - moved_at_ >= idle_timeout)
        co_return ErrorCode::request_timeout;
    co_return Result<void>();
}

Task<Result<std::string>> Link::read(Stream &stream, std::size_t bytes_max, Millis idle_timeout) {
    while (stream.buffered.empty() && !stream.ended) {
        if (stream.stopped)
            co_return ErrorCode::cancelled;
        auto waited = co_await await(stream.readable, idle_timeout);
        if (!waited.ok() && stream.buffered.empty())
            co_return waited.error();
    }
    auto bytes = stream.buffered.substr(0, bytes_max);
    stream.buffered.erase(0, bytes.size());
    if (!bytes.empty())
        stream.writable->notify();
    co_return bytes;
}

Task<Result<void>> Link::send_head(net::ResponseHead head) {
    auto travelled = co_await travel();
    if (!travelled.ok())
        co_return ErrorCode::cancelled;
    if (to_client.cut_at == 0U) {
        break_off();
        co_return ErrorCode::cancelled;
    }
    moved_at_ = loop_.clock().now();
    head_ = std::move(head);
    head_arrived_->notify();
    co_return Result<void>();
}

Task<Result<void>> Link::await_head(Millis idle_timeout) {
    while (!head_) {
        auto waited = co_await await(head_arrived_, idle_timeout);
        if (!waited.ok())
            co_return waited;
    }
    co_return Result<void>();
}

} // namespace divan::simulation
