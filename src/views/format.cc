#include "views/format.h"

#include "base/bytes.h"
#include "collation/sort_key.h"
#include "db/value_header.h"

#include <algorithm>

namespace divan::views {
namespace {

constexpr std::size_t kPartBytesMax = 512 << 10;

enum RowFlag : std::uint8_t { kCutKey = 1, kInParts = 2 };
enum RecordFlag : std::uint8_t { kLive = 1 };

// Reads parts 0, 1, ... until `bytes` are there.
template <typename Key>
Result<std::string> read_parts(kv::Engine &engine, kv::ShardId shard, const kv::Snapshot *snapshot,
                               std::uint64_t bytes, Key key) {
    std::string payload;
    auto count = (bytes + kPartBytesMax - 1) / kPartBytesMax;
    for (std::uint32_t part = 0; part < count; ++part) {
        auto name = key(part);
        kv::KeyRef ref{kv::Table::index, name};
        DIVAN_TRY(auto values, engine.read(shard, std::span(&ref, 1), snapshot));
        if (!values.front() || values.front()->size() > kPartBytesMax)
            return Error(ErrorCode::corruption, "Stored data is damaged: a part of an index row is missing");
        payload.append(*values.front());
    }
    if (payload.size() != bytes)
        return Error(ErrorCode::corruption, "Stored data is damaged: parts of an index row do not fit");
    return payload;
}

template <typename Key> void put_parts(kv::WriteBatch &batch, std::string_view payload, Key key) {
    std::uint32_t part = 0;
    for (std::size_t at = 0; at < payload.size(); at += kPartBytesMax)
        batch.put(kv::Table::index, key(part++), std::string(payload.substr(at, kPartBytesMax)));
}

} // namespace

std::uint32_t part_count(std::size_t row_bytes) {
    if (row_bytes <= kPartBytesMax)
        return 0;
    return static_cast<std::uint32_t>((row_bytes + kPartBytesMax - 1) / kPartBytesMax);
}

std::uint32_t put_row(kv::WriteBatch &batch, IndexNumber index, MapNumber map, std::string_view full_key,
                      std::size_t sort_key_bytes, std::string_view key, std::string_view value) {
    bool cut = full_key.size() > kFullKeyBytesMax;
    auto stored = cut ? stored_key(full_key) : std::string();
    auto payload_bytes = key.size() + value.size() + 16 + (cut ? full_key.size() : 0);
    auto append_payload = [&](std::string &out) {
        if (cut)
            append_sized(out, full_key);
        append_sized(out, key);
        out.append(value);
    };
    std::string row;
    auto parts = part_count(payload_bytes);
    if (parts == 0) {
        row.reserve(payload_bytes + 8);
        db::append_value_header(row, cut ? kCutKey : 0);
        append_varint(row, sort_key_bytes);
        append_payload(row);
    } else {
        std::string payload;
        append_payload(payload);
        db::append_value_header(row, static_cast<std::uint8_t>((cut ? kCutKey : 0) | kInParts));
        append_varint(row, sort_key_bytes);
        append_varint(row, payload.size());
        auto name = std::string(cut ? std::string_view(stored) : full_key);
        put_parts(batch, payload, [&](std::uint32_t part) { return row_part(index, map, name, part); });
    }
    auto row_key = row_prefix(index, map);
    row_key.append(cut ? std::string_view(stored) : full_key);
    batch.put(kv::Table::index, std::move(row_key), std::move(row));
    return parts;
}

void erase_row(kv::WriteBatch &batch, IndexNumber index, MapNumber map, std::string_view full_key,
               std::uint32_t parts) {
    auto stored = stored_key(full_key);
    for (std::uint32_t part = 0; part < parts; ++part)
        batch.erase(kv::Table::index, row_part(index, map, stored, part));
    batch.erase(kv::Table::index, row_prefix(index, map).append(stored));
}

Result<StoredRow> read_row(kv::Engine &engine, kv::ShardId shard, const kv::Snapshot *snapshot,
                           IndexNumber index, MapNumber map, std::string_view stored,
                           std::string_view value) {
    StoredRow row;
    ByteReader reader(value);
    auto flags = db::read_value_header(reader);
    row.sort_key_bytes = static_cast<std::size_t>(reader.varint());
    std::string joined;
    if ((flags & kInParts) != 0) {
        auto bytes = reader.varint();
        DIVAN_TRY_VOID(reader.finish("an index row"));
        DIVAN_TRY(joined, read_parts(engine, shard, snapshot, bytes,
                                     [&](std::uint32_t part) { return row_part(index, map, stored, part); }));
        reader = ByteReader(joined);
    }
    if ((flags & kCutKey) != 0)
        row.full_key = reader.sized();
    row.key = reader.sized();
    row.value = reader.rest();
    DIVAN_TRY_VOID(reader.finish("an index row"));
    return row;
}

std::optional<PlainRow> plain_row(std::string_view stored, std::string_view value) {
    if (is_cut(stored))
        return std::nullopt;
    ByteReader reader(value);
    auto flags = db::read_value_header(reader);
    auto sort_key_bytes = static_cast<std::size_t>(reader.varint());
    if ((flags & (kCutKey | kInParts)) != 0 || sort_key_bytes >= stored.size())
        return std::nullopt;
    PlainRow row;
    row.key = reader.sized();
    reader.rest(); // the value
    auto id = collation::plain_bytes(stored.substr(sort_key_bytes));
    if (!id || !reader.finish("an index row").ok())
        return std::nullopt;
    row.id = *id;
    return row;
}

void put_document(kv::WriteBatch &batch, IndexNumber index, const DocumentEntry &entry) {
    std::string payload;
    append_sized(payload, entry.id);
    append_varint(payload, entry.rows.size());
    for (const auto &row : entry.rows) {
        append_varint(payload, row.map);
        append_varint(payload, row.ordinal);
        append_varint(payload, row.parts);
        append_varint(payload, row.bytes);
        append_sized(payload, row.sort_key);
    }
    bool in_parts = payload.size() > kPartBytesMax;
    std::string value;
    db::append_value_header(value, in_parts ? kInParts : 0);
    if (in_parts) {
        append_sized(value, entry.id);
        append_varint(value, payload.size());
        put_parts(batch, payload, [&](std::uint32_t part) { return document_part(index, entry.id, part); });
    } else {
        value.append(payload);
    }
    batch.put(kv::Table::index, document_entry(index, entry.id), std::move(value));
}

void erase_document(kv::WriteBatch &batch, IndexNumber index, const DocumentEntry &entry) {
    std::size_t bytes = entry.id.size() + 20;
    for (const auto &row : entry.rows)
        bytes += row.sort_key.size() + 40;
    // At least as many parts as there are; erasing one that is not there is no harm.
    for (std::uint32_t part = 0; part < part_count(bytes); ++part)
        batch.erase(kv::Table::index, document_part(index, entry.id, part));
    batch.erase(kv::Table::index, document_entry(index, entry.id));
}

Result<DocumentEntry> read_document(kv::Engine &engine, kv::ShardId shard, IndexNumber index,
                                    std::string_view value) {
    ByteReader reader(value);
    std::string joined;
    if ((db::read_value_header(reader) & kInParts) != 0) {
        auto id = reader.sized();
        auto bytes = reader.varint();
        DIVAN_TRY_VOID(reader.finish("a document's index entry"));
        DIVAN_TRY(joined, read_parts(engine, shard, nullptr, bytes,
                                     [&](std::uint32_t part) { return document_part(index, id, part); }));
        reader = ByteReader(joined);
        value = joined;
    }
    DocumentEntry entry;
    entry.id = reader.sized();
    auto count = db::read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        DocumentRow row;
        row.map = static_cast<MapNumber>(reader.varint());
        row.ordinal = reader.varint();
        row.parts = static_cast<std::uint32_t>(reader.varint());
        row.bytes = reader.varint();
        row.sort_key = reader.sized();
        entry.rows.push_back(std::move(row));
    }
    DIVAN_TRY_VOID(reader.finish("a document's index entry"));
    return entry;
}

std::string encode_level(const LevelEntry &entry) {
    std::string value;
    db::append_value_header(value, 0);
    append_varint(value, entry.count);
    append_varint(value, entry.summaries.size());
    for (const auto &summary : entry.summaries)
        append_sized(value, summary);
    return value;
}

Result<LevelEntry> decode_level(std::string_view value) {
    LevelEntry entry;
    ByteReader reader(value);
    db::read_value_header(reader);
    entry.count = reader.varint();
    auto count = db::read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i)
        entry.summaries.emplace_back(reader.sized());
    DIVAN_TRY_VOID(reader.finish("a level of an index"));
    return entry;
}

Result<std::uint64_t> decode_level_count(std::string_view value) {
    ByteReader reader(value);
    db::read_value_header(reader);
    auto count = reader.varint();
    if (!reader.ok())
        return Error(ErrorCode::corruption, "Stored data is damaged: a level of an index");
    return count;
}

Result<std::string_view> decode_level_summary(std::string_view value, std::size_t reduce) {
    ByteReader reader(value);
    db::read_value_header(reader);
    reader.varint();
    auto count = db::read_value_count(reader, value);
    for (std::size_t i = 0; i < reduce && i < count; ++i)
        reader.sized();
    auto summary = reduce < count ? reader.sized() : std::string_view();
    if (!reader.ok())
        return Error(ErrorCode::corruption, "Stored data is damaged: a level of an index");
    return summary;
}

std::string encode_record(const IndexRecord &record) {
    std::string value;
    db::append_value_header(value, record.live ? kLive : 0);
    append_sized(value, record.signature);
    append_sized(value, record.collator_version);
    append_varint(value, record.born_at.value);
    append_varint(value, record.sequence.value);
    append_varint(value, record.purge_seq);
    append_varint(value, record.external_bytes);
    append_varint(value, record.stored_bytes);
    append_varint(value, record.maps.size());
    for (const auto &map : record.maps) {
        append_varint(value, map.row_count);
        append_varint(value, map.height);
    }
    return value;
}

Result<IndexRecord> decode_record(std::string_view value) {
    IndexRecord record;
    ByteReader reader(value);
    auto flags = db::read_value_header(reader);
    record.live = (flags & kLive) != 0;
    record.signature = reader.sized();
    record.collator_version = reader.sized();
    record.born_at = kv::Sequence(reader.varint());
    record.sequence = kv::Sequence(reader.varint());
    record.purge_seq = reader.varint();
    record.external_bytes = reader.varint();
    record.stored_bytes = reader.varint();
    auto count = db::read_value_count(reader, value);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        MapState map;
        map.row_count = reader.varint();
        map.height = static_cast<unsigned>(reader.varint());
        record.maps.push_back(map);
    }
    DIVAN_TRY_VOID(reader.finish("an index record"));
    return record;
}

} // namespace divan::views
