#pragma once

// Reads the heads of answers. For the files of this module only.

#include "net/link.h"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <string_view>
#include <vector>

namespace divan::net {

namespace http = boost::beast::http;

// Bytes that have come and are not used yet; keeps its storage.
class InputBuffer {
  public:
    [[nodiscard]] std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const { return begin_ == end_; }
    void consume(std::size_t count) { begin_ += count; }
    // Reads once, so that at most `bytes_max` are here. 0 = the other side has ended. Errors: those of the
    // link; bad_request if there is no room.
    Task<Result<std::size_t>> fill(Link &link, std::size_t bytes_max);

  private:
    std::vector<char> bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

using ResponseParser = http::response_parser<http::buffer_body>;

class ResponseHeadReader {
  public:
    ResponseHeadReader(Link &link, InputBuffer &input, std::size_t header_bytes_max)
        : link_(link), input_(input), header_bytes_max_(header_bytes_max) {}

    // Waits for a head that is not of an interim answer; `on_continue` is called for 100. `bodiless`: of HEAD
    // and CONNECT, whose answers have heads only.
    // Errors: service_unavailable and those of the link.
    Task<Result<void>> read(bool bodiless, const std::function<void()> &on_continue);
    [[nodiscard]] ResponseParser &parser() { return *parser_; }

  private:
    Task<Result<void>> read_one(bool bodiless);
    [[nodiscard]] Error no_http(std::string_view why) const;

    Link &link_;
    InputBuffer &input_;
    const std::size_t header_bytes_max_;
    std::optional<ResponseParser> parser_;
};

} // namespace divan::net
