#pragma once

// The values of a database's rows. Each begins with a format version, flags and the id of the key
// it is encrypted with (0 = plain). docs/formats/documents.md describes every byte.
// Decoders answer `corruption` for anything they did not write; they are bounded by their input.

#include "db/sequence_token.h"
#include "db/types.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::db::format {

// ---- heads
struct StoredHead {
    kv::Sequence sequence;
    std::uint64_t document_number = 0;
    std::uint64_t leaf_count = 1;
    bool has_tree = false;
    std::uint64_t tree_bytes = 0; // size of the base tree's payload, if it has one
    std::uint64_t first_part = 0; // number of the oldest part
    std::uint64_t part_count = 0;
    std::uint64_t winner_bytes = 0;   // size of the winner's body payload
    std::uint64_t external_bytes = 0; // the winner's JSON and attachment content
    std::vector<doc::Leaf> recent;    // winner and newest ancestors, newest first; not empty
    bool body_inline = false;
    std::string body; // payload, if body_inline
};
[[nodiscard]] std::string encode_head(const StoredHead &head);
[[nodiscard]] Result<StoredHead> decode_head(std::string_view value);
// A head that is read where it lies: borrows the value.
struct HeadView {
    kv::Sequence sequence;
    std::uint64_t document_number = 0;
    std::uint64_t leaf_count = 1;
    bool has_tree = false;
    std::uint64_t tree_bytes = 0;
    std::uint64_t first_part = 0;
    std::uint64_t part_count = 0;
    std::uint64_t winner_bytes = 0;
    std::uint64_t external_bytes = 0;
    bool deleted = false; // the winner
    std::uint64_t winner_generation = 0;
    std::string_view winner_hash;  // stored form
    std::uint64_t winner_body = 0; // RevInfo::body
    std::string_view history;      // encoded
    bool body_inline = false;
    std::string_view body;

    [[nodiscard]] doc::RevId winner() const {
        return {winner_generation, doc::RevHash::from_bytes(winner_hash)};
    }
    // As StoredHead::recent.
    [[nodiscard]] std::vector<doc::Leaf> recent() const;
};
// As decode_head, without an allocation.
[[nodiscard]] Result<HeadView> view_head(std::string_view value);
// As decode_head, for readers.
[[nodiscard]] Result<Head> to_head(std::string id, std::string_view value);
// What stands first in a head, read alone; of a damaged value anything.
[[nodiscard]] RowFacts head_facts(std::string_view value);
// Whether the winner is deleted; false for a damaged value. For scans that skip deleted documents.
[[nodiscard]] bool head_is_deleted(std::string_view value);

// A stretch of a history, newest first, without a gap. REQUIRES: not empty
[[nodiscard]] std::string encode_history(std::span<const doc::Leaf> history);
[[nodiscard]] Result<std::vector<doc::Leaf>> decode_history(std::string_view value);

// ---- bodies: the payload, without header
[[nodiscard]] std::string encode_body(const Body &body);
[[nodiscard]] Result<Body> decode_body(std::string_view payload);
// Body::json where it lies in the payload of a body without attachments; nullopt: decode_body() tells.
[[nodiscard]] std::optional<std::string_view> plain_body(std::string_view payload);
[[nodiscard]] std::uint64_t external_bytes(const Body &body);

// ---- payloads of any size, in chunks of one row each
// The first chunk carries `owner` (the document's id, so that compaction finds it) and the whole size.
inline constexpr std::size_t kChunkBytesMax = 512 << 10;
void put_chunks(kv::WriteBatch &batch, const std::string &prefix, std::string_view owner,
                std::string_view payload);
[[nodiscard]] std::uint32_t chunk_count(std::uint64_t payload_bytes);
void erase_chunks(kv::WriteBatch &batch, const std::string &prefix, std::uint64_t payload_bytes);
struct FirstChunk {
    std::string_view owner;
    std::uint64_t payload_bytes = 0;
    std::string_view part;
};
[[nodiscard]] Result<FirstChunk> decode_first_chunk(std::string_view value);
// The payload of all its chunks, in order; nullopt if one is missing or they do not fit together.
[[nodiscard]] Result<std::optional<std::string>>
join_chunks(std::span<const std::optional<std::string>> chunks);
// Rows of the documents table; no call of the engine for no keys.
[[nodiscard]] Result<std::vector<std::optional<std::string>>>
read_rows(kv::Engine &engine, kv::ShardId shard, const std::vector<std::string> &keys,
          const kv::Snapshot *snapshot = nullptr);
// The payloads under prefixes, in that order; nullopt where there is none. One read for all, and another
// one if any has more than one chunk.
[[nodiscard]] Result<std::vector<std::optional<std::string>>>
read_payloads(kv::Engine &engine, kv::ShardId shard, std::span<const std::string> prefixes,
              const kv::Snapshot *snapshot = nullptr);
// The payload under one prefix.
[[nodiscard]] Result<std::optional<std::string>> read_chunks(kv::Engine &engine, kv::ShardId shard,
                                                             const std::string &prefix);

// ---- changes
// Leaves beyond this many are not in the row: read the tree.
inline constexpr std::size_t kChangeLeavesMax = 8;
[[nodiscard]] std::string encode_change(const Change &change);
// `leaves` is empty if there were too many.
[[nodiscard]] Result<Change> decode_change(kv::Sequence sequence, std::string_view value);

// ---- settings and history of a database
struct Meta {
    std::uint64_t revs_limit = 1'000;
    std::uint64_t purge_seq = 0;
    std::uint64_t purge_infos_max = 1'000;
    std::string security; // empty = the default
    std::string auto_purge;
    RunHistory runs;
};
[[nodiscard]] std::string encode_meta(const Meta &meta);
[[nodiscard]] Result<Meta> decode_meta(std::string_view value);

// ---- local documents
struct StoredLocal {
    std::string rev;
    std::string json; // empty if it lies in chunks
    std::uint64_t chunks_key = 0;
    std::uint64_t chunk_bytes = 0;
};
[[nodiscard]] std::string encode_local(const StoredLocal &local);
[[nodiscard]] Result<StoredLocal> decode_local(std::string_view value);

// ---- purges
[[nodiscard]] std::string encode_purge(const std::string &uuid, const std::string &id,
                                       const std::vector<doc::RevId> &revs);
struct StoredPurge {
    std::string uuid;
    std::string id;
    std::vector<doc::RevId> revs;
};
[[nodiscard]] Result<StoredPurge> decode_purge(std::string_view value);

// ---- the catalog
struct CatalogEntry {
    kv::ShardId shard;
    std::string uuid;
    std::uint64_t created_micros = 0;
    DatabaseOptions options;
};
[[nodiscard]] std::string encode_catalog_entry(const CatalogEntry &entry);
[[nodiscard]] Result<CatalogEntry> decode_catalog_entry(std::string_view value);

} // namespace divan::db::format
