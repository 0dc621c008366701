#include "db/format.h"

#include "base/bytes.h"
#include "db/keys.h"
#include "db/value_header.h"

#include <algorithm>

namespace divan::db::format {
namespace {

constexpr std::uint8_t kChangeDeleted = 1;

void append_rev(std::string &out, const doc::RevId &rev) {
    append_varint(out, rev.generation);
    append_sized(out, rev.hash.bytes());
}

doc::RevId read_rev(ByteReader &reader) {
    doc::RevId rev;
    rev.generation = reader.varint();
    rev.hash = doc::RevHash::from_bytes(reader.sized());
    return rev;
}

} // namespace

std::string encode_body(const Body &body) {
    std::string out;
    out.reserve(8 + body.json.size() + body.attachments.size() * 96);
    append_varint(out, body.attachments.size());
    for (const auto &attachment : body.attachments) {
        append_sized(out, attachment.name);
        append_sized(out, attachment.content_type);
        append_varint(out, attachment.revpos);
        out.append(attachment.data.id.bytes.data(), attachment.data.id.bytes.size());
        append_varint(out, attachment.data.stored_bytes);
        append_varint(out, attachment.data.content_bytes);
        append_sized(out, attachment.data.md5);
        append_u8(out, static_cast<std::uint8_t>(attachment.data.encoding));
    }
    out.append(body.json);
    return out;
}

Result<Body> decode_body(std::string_view payload) {
    ByteReader reader(payload);
    Body body;
    auto count = read_value_count(reader, payload);
    body.attachments.reserve(count);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        Attachment attachment;
        attachment.name = reader.sized();
        attachment.content_type = reader.sized();
        attachment.revpos = reader.varint();
        auto id = reader.bytes(attachment.data.id.bytes.size());
        std::copy(id.begin(), id.end(), attachment.data.id.bytes.begin());
        attachment.data.stored_bytes = reader.varint();
        attachment.data.content_bytes = reader.varint();
        attachment.data.md5 = reader.sized();
        attachment.data.encoding = reader.u8() == 0 ? Encoding::identity : Encoding::gzip;
        body.attachments.push_back(std::move(attachment));
    }
    body.json = reader.rest();
    DIVAN_TRY_VOID(reader.finish("a document's body"));
    return body;
}

std::optional<std::string_view> plain_body(std::string_view payload) {
    if (payload.empty() || payload.front() != '\0') // the count of attachments
        return std::nullopt;
    return payload.substr(1);
}

std::uint64_t external_bytes(const Body &body) {
    std::uint64_t bytes = body.json.size();
    for (const auto &attachment : body.attachments)
        bytes += attachment.data.content_bytes;
    return bytes;
}

std::uint32_t chunk_count(std::uint64_t payload_bytes) {
    return payload_bytes == 0
               ? 1
               : static_cast<std::uint32_t>((payload_bytes + kChunkBytesMax - 1) / kChunkBytesMax);
}

void put_chunks(kv::WriteBatch &batch, const std::string &prefix, std::string_view owner,
                std::string_view payload) {
    for (std::uint32_t i = 0; i < chunk_count(payload.size()); ++i) {
        auto part = payload.substr(i * kChunkBytesMax, kChunkBytesMax);
        std::string value;
        value.reserve(part.size() + owner.size() + 16);
        append_value_header(value, 0);
        if (i == 0) {
            append_sized(value, owner);
            append_varint(value, payload.size());
        }
        value.append(part);
        batch.put(kv::Table::documents, keys::chunk(prefix, i), std::move(value));
    }
}

void erase_chunks(kv::WriteBatch &batch, const std::string &prefix, std::uint64_t payload_bytes) {
    for (std::uint32_t i = 0; i < chunk_count(payload_bytes); ++i)
        batch.erase(kv::Table::documents, keys::chunk(prefix, i));
}

Result<FirstChunk> decode_first_chunk(std::string_view value) {
    ByteReader reader(value);
    FirstChunk chunk;
    read_value_header(reader);
    chunk.owner = reader.sized();
    chunk.payload_bytes = reader.varint();
    chunk.part = reader.rest();
    DIVAN_TRY_VOID(reader.finish("the first part of a large value"));
    return chunk;
}

Result<std::vector<std::optional<std::string>>> read_rows(kv::Engine &engine, kv::ShardId shard,
                                                          const std::vector<std::string> &keys,
                                                          const kv::Snapshot *snapshot) {
    std::vector<kv::KeyRef> refs;
    refs.reserve(keys.size());
    for (const auto &key : keys)
        refs.push_back({kv::Table::documents, key});
    if (refs.empty())
        return std::vector<std::optional<std::string>>();
    return engine.read(shard, refs, snapshot);
}

Result<std::optional<std::string>> join_chunks(std::span<const std::optional<std::string>> chunks) {
    std::optional<std::string> payload;
    std::uint64_t payload_bytes = 0;
    for (const auto &chunk : chunks) {
        if (!chunk)
            return std::optional<std::string>();
        if (!payload) {
            DIVAN_TRY(auto first, decode_first_chunk(*chunk));
            payload_bytes = first.payload_bytes;
            payload = first.part;
            continue;
        }
        ByteReader reader(*chunk);
        read_value_header(reader);
        payload->append(reader.rest());
    }
    if (payload && payload->size() != payload_bytes)
        payload.reset();
    return payload;
}

Result<std::vector<std::optional<std::string>>> read_payloads(kv::Engine &engine, kv::ShardId shard,
                                                              std::span<const std::string> prefixes,
                                                              const kv::Snapshot *snapshot) {
    std::vector<std::string> first_keys;
    for (const auto &prefix : prefixes)
        first_keys.push_back(keys::chunk(prefix, 0));
    DIVAN_TRY(auto firsts, read_rows(engine, shard, first_keys, snapshot));
    std::vector<std::string> rest_keys;
    std::vector<std::size_t> rest_ends; // of each payload in `rest_keys`
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        if (firsts[i]) {
            DIVAN_TRY(auto chunk, decode_first_chunk(*firsts[i]));
            for (std::uint32_t number = 1; number < chunk_count(chunk.payload_bytes); ++number)
                rest_keys.push_back(keys::chunk(prefixes[i], number));
        }
        rest_ends.push_back(rest_keys.size());
    }
    DIVAN_TRY(auto rest, read_rows(engine, shard, rest_keys, snapshot));
    std::vector<std::optional<std::string>> payloads;
    std::size_t at = 0;
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        std::vector<std::optional<std::string>> chunks{std::move(firsts[i])};
        for (; at < rest_ends[i]; ++at)
            chunks.push_back(std::move(rest[at]));
        DIVAN_TRY(auto payload, join_chunks(chunks));
        payloads.push_back(std::move(payload));
    }
    return payloads;
}

Result<std::optional<std::string>> read_chunks(kv::Engine &engine, kv::ShardId shard,
                                               const std::string &prefix) {
    DIVAN_TRY(auto payloads, read_payloads(engine, shard, std::span(&prefix, 1)));
    return std::move(payloads.front());
}

std::string encode_change(const Change &change) {
    std::string out;
    append_value_header(out, change.deleted ? kChangeDeleted : 0);
    append_sized(out, change.id);
    bool fits = change.leaves.size() <= kChangeLeavesMax;
    append_varint(out, fits ? change.leaves.size() : 0);
    if (fits) {
        for (const auto &leaf : change.leaves) {
            append_varint(out, leaf.rev.generation << 1 | (leaf.info.deleted ? 1 : 0));
            append_sized(out, leaf.rev.hash.bytes());
        }
    }
    return out;
}

Result<Change> decode_change(kv::Sequence sequence, std::string_view value) {
    ByteReader reader(value);
    Change change;
    change.sequence = sequence;
    change.deleted = (read_value_header(reader) & kChangeDeleted) != 0;
    change.id = reader.sized();
    auto count = read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        doc::Leaf leaf;
        auto packed = reader.varint();
        leaf.rev.generation = packed >> 1;
        leaf.info.deleted = (packed & 1) != 0;
        leaf.rev.hash = doc::RevHash::from_bytes(reader.sized());
        change.leaves.push_back(std::move(leaf));
    }
    DIVAN_TRY_VOID(reader.finish("a row of the changes feed"));
    return change;
}

std::string encode_meta(const Meta &meta) {
    std::string out;
    append_value_header(out, 0);
    append_varint(out, meta.revs_limit);
    append_varint(out, meta.purge_seq);
    append_varint(out, meta.purge_infos_max);
    append_sized(out, meta.security);
    append_sized(out, meta.auto_purge);
    append_varint(out, meta.runs.size());
    for (const auto &run : meta.runs) {
        append_u64(out, run.id);
        append_varint(out, run.first_sequence);
    }
    return out;
}

Result<Meta> decode_meta(std::string_view value) {
    ByteReader reader(value);
    Meta meta;
    read_value_header(reader);
    meta.revs_limit = reader.varint();
    meta.purge_seq = reader.varint();
    meta.purge_infos_max = reader.varint();
    meta.security = reader.sized();
    meta.auto_purge = reader.sized();
    auto count = read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        Run run;
        run.id = reader.u64();
        run.first_sequence = reader.varint();
        meta.runs.push_back(run);
    }
    DIVAN_TRY_VOID(reader.finish("a database's settings"));
    return meta;
}

std::string encode_local(const StoredLocal &local) {
    std::string out;
    append_value_header(out, 0);
    append_sized(out, local.rev);
    append_varint(out, local.chunks_key);
    append_varint(out, local.chunk_bytes);
    out.append(local.json);
    return out;
}

Result<StoredLocal> decode_local(std::string_view value) {
    ByteReader reader(value);
    StoredLocal local;
    read_value_header(reader);
    local.rev = reader.sized();
    local.chunks_key = reader.varint();
    local.chunk_bytes = reader.varint();
    local.json = reader.rest();
    DIVAN_TRY_VOID(reader.finish("a local document"));
    return local;
}

std::string encode_purge(const std::string &uuid, const std::string &id,
                         const std::vector<doc::RevId> &revs) {
    std::string out;
    append_value_header(out, 0);
    append_sized(out, uuid);
    append_sized(out, id);
    append_varint(out, revs.size());
    for (const auto &rev : revs)
        append_rev(out, rev);
    return out;
}

Result<StoredPurge> decode_purge(std::string_view value) {
    ByteReader reader(value);
    StoredPurge purge;
    read_value_header(reader);
    purge.uuid = reader.sized();
    purge.id = reader.sized();
    auto count = read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i)
        purge.revs.push_back(read_rev(reader));
    DIVAN_TRY_VOID(reader.finish("a purge"));
    return purge;
}

std::string encode_catalog_entry(const CatalogEntry &entry) {
    std::string out;
    append_value_header(out, entry.options.partitioned ? 1 : 0);
    append_varint(out, entry.shard.value);
    append_sized(out, entry.uuid);
    append_varint(out, entry.created_micros);
    append_varint(out, entry.options.q);
    append_varint(out, entry.options.n);
    return out;
}

Result<CatalogEntry> decode_catalog_entry(std::string_view value) {
    ByteReader reader(value);
    CatalogEntry entry;
    entry.options.partitioned = (read_value_header(reader) & 1) != 0;
    entry.shard = kv::ShardId(static_cast<std::uint32_t>(reader.varint()));
    entry.uuid = reader.sized();
    entry.created_micros = reader.varint();
    entry.options.q = reader.varint();
    entry.options.n = reader.varint();
    DIVAN_TRY_VOID(reader.finish("an entry of the catalog"));
    return entry;
}

} // namespace divan::db::format
