#pragma once

// MIME multipart bodies (RFC 2046) as streams, in both directions.

#include "net/http.h"

namespace divan::net {

// The `boundary` parameter of a multipart content type; nullopt if it is not multipart.
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

// Reads the parts of a body one after the other, in bounded memory, however the bytes arrive.
// A part that is itself multipart comes back as its bytes.
class MultipartReader {
  public:
    // `body` outlives the reader.
    MultipartReader(BodyReader &body, std::string_view boundary);

    // The headers of the next part; nullopt behind the last. Skips what is left of the part before.
    // Errors: bad_request (no boundary, malformed or over-long part headers, a body that ends early).
    Task<Result<std::optional<Headers>>> next_part();
    // The next bytes of the current part, at most `bytes_max`; empty = the end of the part.
    Task<Result<std::string>> read_some(std::size_t bytes_max);
    // The rest of the current part. Errors: too_large beyond `bytes_max`.
    Task<Result<std::string>> read_all(std::size_t bytes_max);

  private:
    // Reads until the buffer has at least `bytes` or the body ends.
    Task<Result<void>> fill(std::size_t bytes);

    BodyReader &body_;
    const std::string delimiter_; // CRLF, two dashes, the boundary
    std::string buffer_;
    std::size_t at_ = 0; // consumed bytes of the buffer
    bool body_ended_ = false;
    bool in_part_ = false;
};

// ---- writing, as CouchDB does

// "\r\n--B\r\nName: value\r\n...\r\n\r\n"
[[nodiscard]] std::string multipart_part_head(std::string_view boundary, const Headers &headers);
// "\r\n--B--"
[[nodiscard]] std::string multipart_end(std::string_view boundary);

} // namespace divan::net
