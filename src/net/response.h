#pragma once

// The answer to a request: framing taken off, inflated. For the files of this module only.

#include "net/connection_pool.h"
#include "net/gzip.h"
#include "net/response_head.h"

#include <memory>
#include <optional>

namespace divan::net {

class SocketResponse final : public IncomingResponse {
  public:
    // `link` is connected. `bodiless`: the request is a HEAD.
    SocketResponse(std::unique_ptr<Link> link, bool bodiless)
        : link_(std::move(link)), reader_(*link_, input_, kHeaderBytesMax), bodiless_(bodiless) {}

    // Waits for the head. Errors: those of ResponseHeadReader.
    Task<Result<void>> read_head(const std::function<void()> &on_continue);
    // After the head: `pool` gets the connection when the body has ended; null: it cannot be kept.
    Result<void> begin_body(std::shared_ptr<ConnectionPool> pool, const Destination &destination);

    // ---- IncomingResponse
    [[nodiscard]] int status() const override { return status_; }
    [[nodiscard]] const Headers &headers() const override { return headers_; }
    [[nodiscard]] std::uint64_t received_bytes() const override { return link_->received_bytes(); }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override;
    [[nodiscard]] std::optional<std::uint64_t> length() const override;

  private:
    static constexpr std::size_t kHeaderBytesMax = 64 << 10;
    enum class Framing : std::uint8_t { none, length, chunks, until_close };

    void take_head();
    Task<Result<std::string>> read_raw(std::size_t bytes_max);
    Task<Result<std::string>> read_plain(std::size_t bytes_max);
    Task<Result<std::string>> read_chunks(std::size_t bytes_max);
    Task<Result<std::string>> read_inflated(std::size_t bytes_max);
    [[nodiscard]] Error failed(Error error);
    [[nodiscard]] Error cut_off();
    void finish();

    std::unique_ptr<Link> link_;
    InputBuffer input_;
    ResponseHeadReader reader_;
    std::shared_ptr<ConnectionPool> pool_;
    Destination destination_;
    int status_ = 0;
    Headers headers_;
    const bool bodiless_;
    Framing framing_ = Framing::none;
    std::uint64_t length_ = 0;    // with Framing::length
    std::uint64_t remaining_ = 0; // the same, what has not come
    std::size_t step_ = 4 << 10;  // bytes to read at once: grows while they come
    bool ended_ = false;          // the framing's end was seen
    std::optional<Error> error_;
    std::optional<GzipReader> inflater_;
    std::string compressed_; // what is not inflated yet, from compressed_at_
    std::size_t compressed_at_ = 0;
    bool inflating_ = false;
};

} // namespace divan::net
