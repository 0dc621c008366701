#pragma once

// The rows of the log, as bytes: docs/formats/audit.md. Pure.

#include "audit/chain.h"
#include "base/result.h"
#include "kv/engine.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace divan::audit {

// ---- shard kv::kAuditShard, table documents
inline constexpr std::string_view kHeadKey = "H";
inline constexpr std::string_view kBlockPrefix = "r";
inline constexpr std::string_view kCursorPrefix = "s";
[[nodiscard]] std::string block_key(std::uint64_t first_number);
[[nodiscard]] std::string cursor_key(kv::ShardId shard);
// The number in the key of a block. Errors: corruption.
[[nodiscard]] Result<std::uint64_t> parse_block_key(std::string_view key);

// A record as it lies in its block.
struct StoredRecord {
    std::uint64_t number = 0;
    std::string tag;
    std::string mac;
    std::string text;
};
// Several records, so that each costs no row of its own.
using Block = std::vector<StoredRecord>;

[[nodiscard]] std::string encode_block(const Block &block);
[[nodiscard]] Result<Block> decode_block(std::string_view value);

struct StoredHead {
    Head head;
    std::string seal;
};
[[nodiscard]] std::string encode_head(const StoredHead &head);
[[nodiscard]] Result<StoredHead> decode_head(std::string_view value);

// ---- shards of databases, table documents: what commits have left to be chained
inline constexpr std::string_view kPendingPrefix = "a";

// The place of a pending row: of its commit, and in it. Also how far those of a shard are chained.
struct PendingPlace {
    std::uint64_t sequence = 0;
    std::uint32_t part = 0;
    friend auto operator<=>(const PendingPlace &, const PendingPlace &) = default;
};
[[nodiscard]] std::string pending_key(PendingPlace place);
[[nodiscard]] Result<PendingPlace> parse_pending_key(std::string_view key);
[[nodiscard]] std::string encode_cursor(PendingPlace place);
[[nodiscard]] Result<PendingPlace> decode_cursor(std::string_view value);

} // namespace divan::audit
