#pragma once

// gzip (RFC 1952) over zlib, as streams; DEFLATE (RFC 1951) of short texts.

#include "net/http.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::net {

// Compresses a stream. One thread at a time.
class GzipWriter {
  public:
    explicit GzipWriter(int level); // 1 (fast) to 9 (small)
    ~GzipWriter();
    // The compressed bytes that are ready; may be empty.
    [[nodiscard]] std::string write(std::string_view bytes);
    // What was written so far, so that the other side can read all of it; costs a few bytes.
    [[nodiscard]] std::string flush();
    [[nodiscard]] std::string finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Inflates a stream. One thread at a time. Output is bounded by the caller's handling: each call
// gives what its input inflates to.
class GzipReader {
  public:
    GzipReader();
    ~GzipReader();
    // Inflates `bytes`, at most `output_bytes_max` of output. Errors: bad_request (not gzip), too_large.
    [[nodiscard]] Result<std::string> read(std::string_view bytes, std::size_t output_bytes_max);
    // The same in steps: takes from `bytes` what it inflates to at most `output_bytes_max`, and leaves the
    // rest for the next call; streams behind each other are one. Empty: it needs more bytes.
    // Errors: bad_request.
    [[nodiscard]] Result<std::string> read_some(std::string_view &bytes, std::size_t output_bytes_max);
    // Whether the end of the gzip stream was seen.
    [[nodiscard]] bool finished() const;
    // How many bytes of the last call lie behind the end.
    [[nodiscard]] std::size_t surplus_bytes() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// A whole gzip text inflated; what follows its end is passed over. Errors: bad_request, too_large beyond
// `output_bytes_max`.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t output_bytes_max);

// Without a frame, as SAML has it in URLs.
[[nodiscard]] std::string deflate_raw(std::string_view bytes);

} // namespace divan::net
