#pragma once

// Revision ids: `N-<hash>`.

#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace divan::doc {

// The part behind the dash. 32 hex digits are 16 bytes here, as in CouchDB, any other text is kept
// as it is; comparing is bytewise on this form, which decides winners identically on every peer.
class RevHash {
  public:
    RevHash() = default;
    // The text form: 32 hex digits of either case become 16 bytes, anything else stays.
    [[nodiscard]] static RevHash from_text(std::string_view text);
    // The stored form. REQUIRES: what bytes() gave.
    [[nodiscard]] static RevHash from_bytes(std::string_view bytes);

    [[nodiscard]] std::string_view bytes() const;
    [[nodiscard]] std::string text() const; // lower case hex for 16 bytes
    void append_text(std::string &out) const;

    friend bool operator==(const RevHash &, const RevHash &);
    friend std::strong_ordering operator<=>(const RevHash &, const RevHash &);
};

struct RevId {
    std::uint64_t generation = 0; // from 1; 0 = no revision
    RevHash hash;

    // "N-hash". Errors: bad_request "Invalid rev format" (no dash, no integer before it).
    [[nodiscard]] static Result<RevId> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    void append_text(std::string &out) const;

    friend bool operator==(const RevId &, const RevId &) = default;
    friend std::strong_ordering operator<=>(const RevId &, const RevId &) = default;
};

} // namespace divan::doc
