#pragma once

// Writes a request: its head as text, then its body. For the files of this module only.

#include "net/link.h"

#include <optional>

namespace divan::net {

// The head with its empty line. Errors: bad_request (bytes that no head may have).
[[nodiscard]] Result<std::string> format_request_head(const Destination &destination,
                                                      const OutgoingRequest &request);

// Runs beside the reading of the answer, which may come first.
class RequestWriter {
  public:
    RequestWriter(Link &link, std::string &head, OutgoingRequest &request)
        : link_(link), head_(head), request_(request), wake_(link.loop()) {}

    // Ends when all is written, something failed, or stop() was called.
    Task<void> run();
    // The server said "100 Continue".
    void go_on();
    // Nobody wants the rest. A call of the stream that is under way is still waited for.
    void stop();

    [[nodiscard]] bool complete() const { return complete_; }
    // What the stream failed with, or did wrong.
    [[nodiscard]] const std::optional<Error> &stream_error() const { return stream_error_; }

  private:
    Task<void> write_stream();
    Task<void> wait_for_continue();
    Task<Result<void>> write_piece(std::string piece);
    void fail(Error error);

    Link &link_;
    std::string &head_;
    OutgoingRequest &request_;
    WaitLine wake_;
    std::uint64_t written_ = 0;
    bool may_go_on_ = false;
    bool stopped_ = false;
    bool writing_ = false;
    bool complete_ = false;
    std::optional<Error> stream_error_;
};

} // namespace divan::net
