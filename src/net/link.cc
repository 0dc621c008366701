#include "net/link.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <fmt/format.h>

namespace divan::net {
namespace {

Link::Time now() {
    return std::chrono::steady_clock::now();
}

} // namespace

Link::Link(SocketLoop &loop, Cancellation &cancellation, std::string shown)
    : loop_(loop), shown_(std::move(shown)), active_at_(now()) {
    if (cancellation.cancelled())
        end_ = End::cancelled;
    registration_ = cancellation.on_cancel([this] { give_up(End::cancelled); });
}

Link::~Link() {
    if (wire_)
        wire_->close();
}

std::shared_ptr<Wire> Link::release() {
    timer_.reset();
    registration_ = {};
    return std::move(wire_);
}

Task<Result<std::size_t>> Link::read_some(char *bytes, std::size_t size) {
    if (end_ != End::none)
        co_return failure("Cannot read from", asio::error::operation_aborted);
    begin_io();
    auto read = co_await wire_->read_some(bytes, size);
    end_io();
    received_bytes_ += read.bytes;
    if (end_ != End::none || (read.error && read.error != asio::error::eof))
        co_return failure("Cannot read from", read.error);
    co_return read.bytes;
}

Task<Result<void>> Link::write(std::string_view first, std::string_view second) {
    while (!first.empty() || !second.empty()) {
        if (end_ != End::none)
            co_return failure("Cannot write to", asio::error::operation_aborted);
        std::array<asio::const_buffer, 2> buffers{asio::buffer(first), asio::buffer(second)};
        begin_io();
        auto written = co_await wire_->write_some(buffers);
        end_io();
        if (written.error)
            co_return failure("Cannot write to", written.error);
        auto of_first = std::min(written.bytes, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(written.bytes - of_first);
    }
    co_return Result<void>();
}

Error Link::failure(std::string_view what, const ErrorNumber &error) {
    switch (end_) {
    case End::cancelled:
        return ErrorCode::cancelled;
    case End::connect_timeout:
        return {ErrorCode::request_timeout,
                fmt::format("Cannot connect to {} within {} ms.", shown_, connect_limit_.count())};
    case End::idle_timeout:
        return {ErrorCode::request_timeout,
                fmt::format("{} does not answer in time: not a byte for {} ms.", shown_, idle_.count())};
    case End::none:
        break;
    }
    return {ErrorCode::service_unavailable,
            fmt::format("{} {}: {}.", what, shown_, wire_ ? wire_->failure(error) : error.message())};
}

void Link::connect_until(Time whole, Millis limit) {
    connect_until_ = whole;
    connect_limit_ = limit;
    arm();
}

void Link::attempt_until(Time attempt) {
    attempt_until_ = attempt;
    arm();
}

void Link::begin_exchange(Millis idle) {
    connect_until_ = Time::max();
    attempt_until_ = Time::max();
    idle_ = idle;
}

void Link::hold() {
    ++held_;
}

void Link::unhold() {
    --held_;
    active_at_ = now();
    arm();
}

void Link::remind(Time at, std::function<void()> work) {
    reminder_ = std::move(work);
    remind_at_ = reminder_ ? at : Time::max();
    arm();
}

void Link::begin_io() {
    if (under_way_++ == 0)
        active_at_ = now();
    arm();
}

void Link::end_io() {
    --under_way_;
    active_at_ = now();
}

Link::Time Link::next() const {
    auto at = std::min({connect_until_, attempt_until_, remind_at_});
    if (idle_.count() > 0 && under_way_ > 0 && held_ == 0)
        at = std::min(at, active_at_ + idle_);
    return at;
}

// A timer that runs out too early is armed again then, and most never run out.
void Link::arm() {
    auto at = next();
    if (at == Time::max() || end_ != End::none || (timer_ && armed_for_ <= at))
        return;
    armed_for_ = at;
    auto delay = std::chrono::ceil<Millis>(at - now());
    timer_ = loop_.after(std::max(delay, Millis(0)), [this] {
        auto ran = std::move(timer_);
        check();
    });
}

void Link::check() {
    auto time = now();
    if (connect_until_ <= time)
        return give_up(End::connect_timeout);
    if (idle_.count() > 0 && under_way_ > 0 && held_ == 0 && active_at_ + idle_ <= time)
        return give_up(End::idle_timeout);
    if (attempt_until_ <= time) {
        attempt_until_ = Time::max();
        if (wire_)
            wire_->close();
    }
    if (remind_at_ <= time) {
        remind_at_ = Time::max();
        std::exchange(reminder_, nullptr)();
    }
    arm();
}

void Link::give_up(End end) {
    if (end_ != End::none)
        return;
    end_ = end;
    if (wire_)
        wire_->close();
    if (on_end_)
        on_end_();
}

} // namespace divan::net
