#pragma once

// Request targets: path parts and query parameters.

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace divan::net {

struct PathPart {
    std::string raw;     // as sent
    std::string decoded; // percent-decoded; '+' is a space unless told otherwise
};

// Splits at '/' before decoding, as CouchDB does (a db name may hold %2F). The leading slash gives no
// part; a trailing one gives an empty last part. Errors: bad_request for a malformed escape.
[[nodiscard]] Result<std::vector<PathPart>> split_path(std::string_view raw_path, bool plus_is_space);

// Parameters in order, decoded ('+' is a space).
class Query {
  public:
    [[nodiscard]] static Result<Query> parse(std::string_view raw_query);
    // The last value of that name (later ones win, as in CouchDB); names are case-sensitive.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    // The same, to be changed in place; null: there is none.
    [[nodiscard]] std::string *find_value(std::string_view name);
    [[nodiscard]] auto begin() const { return parameters_.begin(); }
    [[nodiscard]] auto end() const { return parameters_.end(); }
    void add(std::string name, std::string value);

  private:
    std::vector<std::pair<std::string, std::string>> parameters_;
};

// One range of a Range header (RFC 9110, section 14): first and last byte, inclusive.
struct ByteRange {
    std::uint64_t first;
    std::uint64_t last;
};

// The ranges of a `Range: bytes=...` header for a body of `length` bytes, clipped to it.
// nullopt: the header cannot be parsed and is ignored. Errors: range_not_satisfiable.
[[nodiscard]] Result<std::optional<std::vector<ByteRange>>> parse_range(std::string_view header,
                                                                        std::uint64_t length);

} // namespace divan::net
