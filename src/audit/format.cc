#include "audit/format.h"

#include "base/bytes.h"

namespace divan::audit {
namespace {

constexpr std::uint8_t kVersion = 1;

Result<void> check_version(ByteReader &reader, std::string_view what) {
    if (reader.u8() != kVersion)
        return Error(ErrorCode::corruption, std::string(what) + " has an unknown format.");
    return {};
}

PendingPlace read_place(ByteReader &reader) {
    PendingPlace place;
    place.sequence = reader.u64();
    place.part = reader.u32();
    return place;
}

void append_place(std::string &out, PendingPlace place) {
    append_u64(out, place.sequence);
    append_u32(out, place.part);
}

} // namespace

std::string block_key(std::uint64_t first_number) {
    std::string key(kBlockPrefix);
    append_u64(key, first_number);
    return key;
}

std::string cursor_key(kv::ShardId shard) {
    std::string key(kCursorPrefix);
    append_u32(key, shard.value);
    return key;
}

Result<std::uint64_t> parse_block_key(std::string_view key) {
    ByteReader reader(key);
    reader.bytes(kBlockPrefix.size());
    auto number = reader.u64();
    DIVAN_TRY_VOID(reader.finish("the key of a block of the audit log"));
    return number;
}

std::string encode_block(const Block &block) {
    std::string value;
    std::size_t bytes = 16;
    for (const auto &record : block)
        bytes += record.text.size() + 2 * kMacBytes + 16;
    value.reserve(bytes);
    append_u8(value, kVersion);
    append_varint(value, block.size());
    for (const auto &record : block) {
        append_varint(value, record.number);
        value.append(record.tag).append(record.mac);
        append_sized(value, record.text);
    }
    return value;
}

Result<Block> decode_block(std::string_view value) {
    ByteReader reader(value);
    DIVAN_TRY_VOID(check_version(reader, "A block of the audit log"));
    Block block;
    auto count = reader.varint();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        StoredRecord record;
        record.number = reader.varint();
        record.tag = reader.bytes(kMacBytes);
        record.mac = reader.bytes(kMacBytes);
        record.text = reader.sized();
        block.push_back(std::move(record));
    }
    DIVAN_TRY_VOID(reader.finish("a block of the audit log"));
    return block;
}

std::string encode_head(const StoredHead &head) {
    std::string value;
    append_u8(value, kVersion);
    append_varint(value, head.head.count);
    append_sized(value, head.head.uuid);
    append_sized(value, head.head.mac);
    append_sized(value, head.seal);
    return value;
}

Result<StoredHead> decode_head(std::string_view value) {
    ByteReader reader(value);
    DIVAN_TRY_VOID(check_version(reader, "The head of the audit log"));
    StoredHead head;
    head.head.count = reader.varint();
    head.head.uuid = reader.sized();
    head.head.mac = reader.sized();
    head.seal = reader.sized();
    DIVAN_TRY_VOID(reader.finish("the head of the audit log"));
    return head;
}

std::string pending_key(PendingPlace place) {
    std::string key(kPendingPrefix);
    append_place(key, place);
    return key;
}

Result<PendingPlace> parse_pending_key(std::string_view key) {
    ByteReader reader(key);
    reader.bytes(kPendingPrefix.size());
    auto place = read_place(reader);
    DIVAN_TRY_VOID(reader.finish("the key of pending records"));
    return place;
}

std::string encode_cursor(PendingPlace place) {
    std::string value;
    append_u8(value, kVersion);
    append_place(value, place);
    return value;
}

Result<PendingPlace> decode_cursor(std::string_view value) {
    ByteReader reader(value);
    DIVAN_TRY_VOID(check_version(reader, "A cursor of the audit log"));
    auto place = read_place(reader);
    DIVAN_TRY_VOID(reader.finish("a cursor of the audit log"));
    return place;
}

} // namespace divan::audit
