#include "db/keys.h"

#include "base/bytes.h"

namespace divan::db::keys {
namespace {

std::string with_prefix(std::string_view prefix, std::string_view rest) {
    std::string key;
    key.reserve(prefix.size() + rest.size());
    key.append(prefix).append(rest);
    return key;
}

// A name of any length, also one that is too long to exist: cut behind the longest that may, it equals no
// key that is stored and sorts among them as the whole name does.
std::string with_name(std::string_view prefix, std::string_view name) {
    return with_prefix(prefix, name.substr(0, kNameBytesMax + 1));
}

std::string with_number(std::string_view prefix, std::uint64_t number) {
    std::string key(prefix);
    append_u64(key, number);
    return key;
}

} // namespace

std::string partition_counters(std::string_view partition) {
    return with_name(kPartitionPrefix, partition);
}

std::string head(std::string_view id) {
    return with_name(kHeadPrefix, id);
}

std::string tree(std::uint64_t document_number) {
    return with_number("t", document_number);
}

std::string tree_part(std::uint64_t document_number, std::uint64_t part) {
    auto key = with_number("r", document_number);
    append_u64(key, part);
    return key;
}

std::string bodies(std::uint64_t document_number) {
    return with_number(kBodyPrefix, document_number);
}

std::string body(std::uint64_t document_number, std::uint64_t body) {
    auto key = bodies(document_number);
    append_u64(key, body);
    return key;
}

std::string local(std::string_view id) {
    return with_name(kLocalPrefix, id);
}

std::string purge(std::uint64_t purge_seq) {
    return with_number(kPurgePrefix, purge_seq);
}

std::string pending_upload(const AttachmentId &id) {
    return with_prefix(kPendingUploadPrefix, std::string_view(id.bytes.data(), id.bytes.size()));
}

std::string time_mark(std::uint64_t hour) {
    return with_number(kTimeMarkPrefix, hour);
}

std::string chunk(std::string prefix, std::uint32_t number) {
    append_u32(prefix, number);
    return prefix;
}

Result<BodyKey> parse_body(std::string_view key) {
    ByteReader reader(key);
    reader.bytes(kBodyPrefix.size());
    BodyKey parsed{};
    parsed.document_number = reader.u64();
    parsed.body = reader.u64();
    parsed.chunk = reader.u32();
    DIVAN_TRY_VOID(reader.finish("the key of a body"));
    return parsed;
}

std::string sequence(std::uint64_t sequence) {
    return with_number(kSequencePrefix, sequence);
}

std::string change_count(std::uint8_t level, std::uint64_t block) {
    std::string key = "n";
    append_u8(key, level);
    append_u64(key, block);
    return key;
}

std::uint64_t parse_sequence(std::string_view key) {
    return ByteReader(key.substr(kSequencePrefix.size())).u64();
}

std::string attachment(const AttachmentId &id) {
    return std::string(id.bytes.data(), id.bytes.size());
}

std::string database(std::string_view name) {
    return with_name(kDatabasePrefix, name);
}

std::string pending_erase(kv::ShardId shard) {
    std::string key(kPendingErasePrefix);
    append_u32(key, shard.value);
    return key;
}

} // namespace divan::db::keys
