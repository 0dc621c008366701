#pragma once

// A connection of the simulated network, with one request and its answer: bytes arrive after a latency and in
// order, a writer waits for a slow reader, and either direction may be cut somewhere in its middle.
//
// Shared (shared_ptr) by its two ends and the network. Used on one thread.

#include "base/event_loop.h"
#include "net/http.h"
#include "simulation/dice.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace divan::simulation {

// How a connection behaves.
struct LinkPlan {
    Millis latency_max{5};                        // of a piece of some kilobytes
    std::optional<std::uint64_t> cut_request_at;  // the connection breaks behind so many bytes of the body
    std::optional<std::uint64_t> cut_response_at; // the same; 0 = before the head
};

class Link {
  public:
    struct Stream {
        std::string buffered; // has arrived, is not read
        bool ended = false;
        bool stopped = false; // nobody reads any more; the writer gives up
        std::optional<std::uint64_t> cut_at;
        std::shared_ptr<Event> readable = std::make_shared<Event>();
        std::shared_ptr<Event> writable = std::make_shared<Event>();
    };

    Link(EventLoop &loop, Dice dice, const LinkPlan &plan);
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // Resumes when the bytes have arrived and there is room for more. Errors: cancelled (broken, stopped).
    Task<Result<void>> write(Stream &stream, std::string bytes);
    void end(Stream &stream);
    // Nothing comes any more in this direction: its writer gives up.
    static void stop(Stream &stream);
    // The next bytes; empty = the end. Errors: request_timeout (no byte moved in either direction),
    // cancelled (broken). What arrived before is read first.
    Task<Result<std::string>> read(Stream &stream, std::size_t bytes_max, Millis idle_timeout);

    // The head of the answer. Errors: as write().
    Task<Result<void>> send_head(net::ResponseHead head);
    // Waits for it. Errors: as read().
    Task<Result<void>> await_head(Millis idle_timeout);
    [[nodiscard]] const std::optional<net::ResponseHead> &head() const { return head_; }

    // Both ends notice at once. May be called anywhere: nobody is resumed inside.
    void break_off() { broken_.cancel(); }
    [[nodiscard]] Cancellation &broken() { return broken_; }

    Stream to_server;
    Stream to_client;

  private:
    Task<Result<void>> travel();
    // Waits for `event`. Errors: as read().
    Task<Result<void>> await(std::shared_ptr<Event> event, Millis idle_timeout);

    EventLoop &loop_;
    Dice dice_;
    const LinkPlan plan_;
    std::optional<net::ResponseHead> head_;
    std::shared_ptr<Event> head_arrived_ = std::make_shared<Event>();
    std::chrono::microseconds moved_at_; // a byte, in either direction
    Cancellation broken_;
};

} // namespace divan::simulation
