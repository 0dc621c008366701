#pragma once

// What clients and documents put into the headers of parts.

#include <optional>
#include <string>
#include <string_view>

namespace divan::wire {

// Text that a client chose, fit for the value of a header: a name, with control characters and quotes
// percent-encoded; a content type, with control characters as spaces.
[[nodiscard]] std::string header_text(std::string_view name);
[[nodiscard]] std::string header_content_type(std::string_view content_type);

// A parameter of the header Content-Disposition (RFC 6266, and as browsers write it: RFC 7578): "x" for
// `form-data; name="x"`. Nothing if it is not there.
[[nodiscard]] std::optional<std::string> disposition_parameter(std::string_view disposition,
                                                               std::string_view name);

} // namespace divan::wire
