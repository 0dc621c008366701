#pragma once

// A wire, and the limits of what happens on it: times, cancellation, counted bytes. For the files of this
// module only. On the loop's thread.

#include "net/socket_loop.h"
#include "net/wire.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace divan::net {

// Ends what waits when its time is over or nobody wants it any more, by closing the wire. One timer, armed
// anew only when it runs out: activity is a note of the time.
class Link {
  public:
    using Time = std::chrono::steady_clock::time_point;
    enum class End : std::uint8_t { none, cancelled, connect_timeout, idle_timeout };

    // `shown`: the other side, for errors. Both references outlive it.
    Link(SocketLoop &loop, Cancellation &cancellation, std::string shown);
    ~Link(); // closes the wire, if it still has one
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // ---- The wire
    [[nodiscard]] Wire *wire() { return wire_.get(); }
    void use(std::shared_ptr<Wire> wire) { wire_ = std::move(wire); }
    // Gives the wire away; the limits end.
    [[nodiscard]] std::shared_ptr<Wire> release();

    // At most `size` bytes; 0 = the other side has ended. Errors: as failure().
    Task<Result<std::size_t>> read_some(char *bytes, std::size_t size);
    Task<Result<void>> write(std::string_view first, std::string_view second);
    [[nodiscard]] std::uint64_t received_bytes() const { return received_bytes_; }

    // ---- Limits
    // Until begin_exchange(): the whole time of connecting, and one address's part of it.
    void connect_until(Time whole, Millis limit);
    void attempt_until(Time attempt);
    // From now on: the time without any byte, while a read or a write is under way.
    void begin_exchange(Millis idle);
    // While it is held, what is under way waits for the caller, not for the other side.
    void hold();
    void unhold();
    // Calls `work` after a while, once; together with the limits' timer. An empty one withdraws.
    void remind(Time at, std::function<void()> work);
    // Besides the wire: what to do when it ends early. Must not resume a coroutine.
    void on_end(std::function<void()> work) { on_end_ = std::move(work); }

    [[nodiscard]] End end() const { return end_; }
    [[nodiscard]] SocketLoop &loop() { return loop_; }
    [[nodiscard]] const std::string &shown() const { return shown_; }
    // Why something with the wire failed: the limits' reason, or the error's. `what`: "Cannot connect to".
    [[nodiscard]] Error failure(std::string_view what, const ErrorNumber &error);

  private:
    void give_up(End end);
    void arm();
    void check();
    void begin_io();
    void end_io();
    [[nodiscard]] Time next() const;

    SocketLoop &loop_;
    std::string shown_;
    std::shared_ptr<Wire> wire_;
    std::uint64_t received_bytes_ = 0;
    End end_ = End::none;

    Time connect_until_ = Time::max();
    Time attempt_until_ = Time::max();
    Time remind_at_ = Time::max();
    Time active_at_;
    Millis connect_limit_{0};
    Millis idle_{0}; // 0: not watched
    int under_way_ = 0;
    int held_ = 0;
    std::function<void()> reminder_;
    std::function<void()> on_end_;
    Time armed_for_ = Time::max();
    std::unique_ptr<EventLoop::Timer> timer_;
    Cancellation::Registration registration_;
};

} // namespace divan::net
