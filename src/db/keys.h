#pragma once

// The keys of a database's rows inside its shard. docs/formats/documents.md describes them all.

#include "db/types.h"

#include <string>
#include <string_view>

namespace divan::db::keys {

// The longest id: with its prefix, and a byte more for bounds of scans, it fits into a key.
// head(), local(), database() and partition_counters() take any length: what is longer names nothing that is
// stored.
inline constexpr std::size_t kNameBytesMax = kv::kKeyBytesMax - 16;

// documents table
inline constexpr std::string_view kCounters = "C"; // document counts and sizes
inline constexpr std::string_view kMeta = "M";     // settings and history
[[nodiscard]] std::string partition_counters(std::string_view partition);
[[nodiscard]] std::string head(std::string_view id);
[[nodiscard]] std::string tree(std::uint64_t document_number); // prefix of chunks
[[nodiscard]] std::string tree_part(std::uint64_t document_number, std::uint64_t part);
[[nodiscard]] std::string bodies(std::uint64_t document_number);                   // prefix of bodies
[[nodiscard]] std::string body(std::uint64_t document_number, std::uint64_t body); // prefix of chunks
[[nodiscard]] std::string local(std::string_view id);
[[nodiscard]] std::string purge(std::uint64_t purge_seq);
[[nodiscard]] std::string pending_upload(const AttachmentId &id);
[[nodiscard]] std::string time_mark(std::uint64_t hour);
inline constexpr std::string_view kPartitionPrefix = "c";
inline constexpr std::string_view kHeadPrefix = "h";
inline constexpr std::string_view kBodyPrefix = "b";
inline constexpr std::string_view kLocalPrefix = "l";
inline constexpr std::string_view kPurgePrefix = "p";
inline constexpr std::string_view kPendingUploadPrefix = "u";
inline constexpr std::string_view kTimeMarkPrefix = "T";
inline constexpr std::string_view kAuditPrefix = "a"; // rows of CommitAudit

// Adds the number of a chunk to a prefix.
[[nodiscard]] std::string chunk(std::string prefix, std::uint32_t number);

// What a body's key says.
struct BodyKey {
    std::uint64_t document_number;
    std::uint64_t body;
    std::uint32_t chunk;
};
[[nodiscard]] Result<BodyKey> parse_body(std::string_view key);

// sequences table
[[nodiscard]] std::string sequence(std::uint64_t sequence);
inline constexpr std::string_view kSequencePrefix = "s";
// Rows of `change_counter`: how many changes lie in a block of sequences.
[[nodiscard]] std::string change_count(std::uint8_t level, std::uint64_t block);
[[nodiscard]] std::uint64_t parse_sequence(std::string_view key);

// attachments table
[[nodiscard]] std::string attachment(const AttachmentId &id); // prefix of chunks

// catalog shard
[[nodiscard]] std::string database(std::string_view name);
[[nodiscard]] std::string pending_erase(kv::ShardId shard);
inline constexpr std::string_view kDatabasePrefix = "d";
inline constexpr std::string_view kPendingErasePrefix = "x";

} // namespace divan::db::keys
