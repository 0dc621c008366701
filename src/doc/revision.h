#pragma once

// Revision ids: `N-<hash>`.

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace divan::doc {

// The part behind the dash. 32 hex digits are 16 bytes here, as in CouchDB, any other text is kept
// as it is; comparing is bytewise on this form, which decides winners identically on every peer.
class RevHash {
  public:
    RevHash() = default; // 16 zero bytes
    // The text form: 32 hex digits of either case become 16 bytes, anything else stays.
    [[nodiscard]] static RevHash from_text(std::string_view text);
    // The stored form. REQUIRES: what bytes() gave.
    [[nodiscard]] static RevHash from_bytes(std::string_view bytes);

    [[nodiscard]] std::string_view bytes() const;
    [[nodiscard]] std::string text() const; // lower case hex for 16 bytes
    void append_text(std::string &out) const;

    friend bool operator==(const RevHash &a, const RevHash &b) { return a.bytes() == b.bytes(); }
    friend std::strong_ordering operator<=>(const RevHash &a, const RevHash &b) {
        return a.bytes() <=> b.bytes();
    }

  private:
    // 16 raw bytes; or, if `long_` is set, anything else.
    std::array<char, 16> short_{};
    std::shared_ptr<const std::string> long_; // shared by copies, never changed
};

struct RevId {
    std::uint64_t generation = 0; // from 1; 0 = no revision
    RevHash hash;

    // "N-hash". Errors: bad_request "Invalid rev format" (no dash, no number before it, too long).
    [[nodiscard]] static Result<RevId> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    void append_text(std::string &out) const;

    friend bool operator==(const RevId &, const RevId &) = default;
    friend std::strong_ordering operator<=>(const RevId &, const RevId &) = default;
};

} // namespace divan::doc
