#pragma once

// What proves that records are those that were written, all of them and in their order. Pure.
//
//   tag  = HMAC(key, "record"  | uuid | number | text)          of one record: its text and its place
//   mac  = HMAC(key, "link"    | mac before | number | tag)     of all records up to it
//   seal = HMAC(key, "head"    | uuid | count | mac)            of where the chain ends
//          HMAC(key, "anchor"  | uuid | count | mac | time)     of the same, in another place
//
// The tag names a record that was changed whatever happened to its neighbours; the mac finds what is missing
// or stands in another place. uuid: of the log, so that records of another log of the same key prove nothing.

#include "crypto/hmac.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::audit {

inline constexpr std::size_t kMacBytes = crypto::HmacSha256::kBytes;

// How far a chain has come.
struct Head {
    std::string uuid; // of the log
    std::uint64_t count = 0;
    std::string mac; // of the last record; of none: genesis()
    friend bool operator==(const Head &, const Head &) = default;
};

// One thread at a time.
class Chain {
  public:
    Chain(const crypto::Secret &key, std::string uuid) : hmac_(key), uuid_(std::move(uuid)) {}

    [[nodiscard]] const std::string &uuid() const { return uuid_; }
    // Stands for the mac before the first record.
    [[nodiscard]] std::string genesis();
    [[nodiscard]] std::string tag(std::uint64_t number, std::string_view text);
    [[nodiscard]] std::string link(std::string_view mac_before, std::uint64_t number, std::string_view tag);
    [[nodiscard]] std::string seal_head(const Head &head);
    [[nodiscard]] std::string seal_anchor(const Head &head, std::string_view time);

  private:
    crypto::HmacSha256 hmac_;
    std::string uuid_;
};

} // namespace divan::audit
