#pragma once

// MIME multipart bodies (RFC 2046) as streams, in both directions.

#include "net/http.h"

namespace divan::net {

// The `boundary` parameter of a multipart content type; nullopt if it is not multipart.
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

// Reads the parts of a body one after the other, in bounded memory, however the bytes arrive.
// Nested multiparts come back as one part's bytes.
class MultipartReader {
  public:
    MultipartReader(RequestBody &body, std::string boundary);

    // The headers of the next part; nullopt behind the last. Skips what is left of the part before.
    // Errors: bad_request (no boundary, malformed or over-long part headers, a body that ends early).
    Task<Result<std::optional<Headers>>> next_part();
    // The next bytes of the current part, at most `bytes_max`; empty = the end of the part.
    Task<Result<std::string>> read_some(std::size_t bytes_max);
    Task<Result<std::string>> read_all(std::size_t bytes_max);

  private:
    RequestBody &body_;
    std::string boundary_;
    std::string buffer_;
};

} // namespace divan::net
