// Examples of docs/formats/documents.md as bytes. A test that fails here says that the format changed:
// data that was written before cannot be read any more, or reads as something else.

#include "base/encoding.h"
#include "db/change_counts.h"
#include "db/edit_operation.h"
#include "db/format.h"
#include "db/keys.h"

#include <gtest/gtest.h>

namespace divan::db {
namespace {

constexpr std::string_view kHash = "000102030405060708090a0b0c0d0e0f";
constexpr std::string_view kParentHash = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

doc::Leaf leaf(std::uint64_t generation, std::string_view hash, std::uint64_t body, bool deleted = false) {
    return {{generation, doc::RevHash::from_text(hash)}, {deleted, body}};
}

AttachmentId attachment_id() {
    AttachmentId id;
    id.bytes.fill('\x5a');
    return id;
}

Body body_with_attachment() {
    Body body;
    body.json = R"({"a":1.0})";
    Attachment attachment;
    attachment.name = "n.txt";
    attachment.content_type = "text/plain";
    attachment.revpos = 3;
    attachment.data = {attachment_id(), 300, 1'000, std::string(16, '\x11'), Encoding::gzip};
    body.attachments.push_back(std::move(attachment));
    return body;
}

std::string joined(std::initializer_list<std::string_view> fields) {
    std::string all;
    for (auto field : fields)
        all.append(field);
    return all;
}

// What a batch writes, as "key=value" in hex.
std::vector<std::string> rows(const kv::WriteBatch &batch) {
    std::vector<std::string> rows;
    for (const auto &entry : batch.entries())
        rows.push_back(hex_encode(entry.key) + "=" + hex_encode(entry.value));
    return rows;
}

TEST(FormatTest, Keys) {
    EXPECT_EQ(keys::head("id"), "hid");
    EXPECT_EQ(keys::local("checkpoint"), "lcheckpoint");
    EXPECT_EQ(keys::database("name"), "dname");
    EXPECT_EQ(keys::kCounters, "C");
    EXPECT_EQ(keys::kMeta, "M");
    EXPECT_EQ(keys::partition_counters("name"), "cname");
    EXPECT_EQ(hex_encode(keys::tree(258)), "740000000000000102");
    EXPECT_EQ(hex_encode(keys::tree_part(258, 3)), "7200000000000001020000000000000003");
    EXPECT_EQ(hex_encode(keys::body(1, 2)), "6200000000000000010000000000000002");
    EXPECT_EQ(hex_encode(keys::chunk(keys::body(1, 2), 3)), "620000000000000001000000000000000200000003");
    EXPECT_EQ(hex_encode(keys::purge(7)), "700000000000000007");
    EXPECT_EQ(hex_encode(keys::time_mark(9)), "540000000000000009");
    EXPECT_EQ(hex_encode(keys::pending_upload(attachment_id())), "755a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    EXPECT_EQ(hex_encode(keys::attachment(attachment_id())), "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    EXPECT_EQ(hex_encode(keys::sequence(65'536)), "730000000000010000");
    EXPECT_EQ(hex_encode(keys::change_count(1, 2)), "6e010000000000000002");
    EXPECT_EQ(hex_encode(keys::pending_erase(kv::ShardId(66))), "7800000042");
    EXPECT_EQ(change_block(127, 0), 0u);
    EXPECT_EQ(change_block(128, 0), 1u);
    EXPECT_EQ(change_block(16'384, 1), 1u);
}

TEST(FormatTest, HeadWithInlineBody) {
    format::StoredHead head;
    head.sequence = kv::Sequence(300);
    head.document_number = 5;
    head.winner_bytes = 3;
    head.external_bytes = 2;
    head.recent = {leaf(2, kHash, 300), leaf(1, kParentHash, 5)};
    head.body_inline = true;
    head.body = format::encode_body({"{}", {}});
    auto bytes = format::encode_head(head);
    EXPECT_EQ(hex_encode(bytes), joined({"010400",                             // header: body inline
                                         "ac02", "05", "01", "00", "00", "00", // sequence ... parts
                                         "03", "02",                           // winner and external bytes
                                         "02", "02", // two revisions from generation 2
                                         "10000102030405060708090a0b0c0d0e0f", "d804", // body 300
                                         "10f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "0a",   // body 5
                                         "007b7d"}));
    auto read = format::decode_head(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_head(*read), bytes);
    EXPECT_EQ(read->recent, head.recent);
    EXPECT_FALSE(format::head_is_deleted(bytes));
}

TEST(FormatTest, PartOfAHistory) {
    std::vector<doc::Leaf> history{leaf(2, "y", 7), leaf(1, "x", 5, true)};
    auto bytes = format::encode_history(history);
    EXPECT_EQ(hex_encode(bytes), joined({"010000", "02", "02", "0179", "0e", "0178", "0b"}));
    EXPECT_EQ(format::decode_history(bytes).value(), history);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(format::decode_history(bytes.substr(0, size)).ok()) << size;
}

TEST(FormatTest, HeadOfDeletedDocumentWithTree) {
    format::StoredHead head;
    head.sequence = kv::Sequence(9);
    head.document_number = 1;
    head.leaf_count = 2;
    head.has_tree = true;
    head.tree_bytes = 40;
    head.first_part = 2;
    head.part_count = 3;
    head.winner_bytes = 3;
    head.external_bytes = 2;
    head.recent = {leaf(3, "x", 9, true)};
    auto bytes = format::encode_head(head);
    EXPECT_EQ(hex_encode(bytes),
              joined({"010300", "09", "01", "02", "28", "02", "03", "03", "02", "01", "03", "0178", "13"}));
    auto read = format::decode_head(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_head(*read), bytes);
    EXPECT_TRUE(format::head_is_deleted(bytes));
}

TEST(FormatTest, Body) {
    auto body = body_with_attachment();
    auto bytes = format::encode_body(body);
    EXPECT_EQ(hex_encode(bytes), joined({"01", "056e2e747874", "0a746578742f706c61696e", "03",
                                         "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "ac02", "e807",
                                         "1011111111111111111111111111111111", "01", "7b2261223a312e307d"}));
    auto read = format::decode_body(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, body);
}

TEST(FormatTest, Chunks) {
    kv::WriteBatch small;
    format::put_chunks(small, "t", "id", "abc");
    EXPECT_EQ(rows(small),
              (std::vector<std::string>{joined({"7400000000=010000", "026964", "03", "616263"})}));

    kv::WriteBatch large;
    format::put_chunks(large, "t", "id", std::string(format::kChunkBytesMax + 1, 'a'));
    ASSERT_EQ(large.entries().size(), 2u);
    EXPECT_EQ(hex_encode(large.entries()[0].value.substr(0, 10)),
              joined({"010000", "026964", "818020", "61"}));
    EXPECT_EQ(large.entries()[0].value.size(), 9 + format::kChunkBytesMax);
    EXPECT_EQ(rows(large)[1], joined({"7400000001=010000", "61"}));

    kv::WriteBatch empty;
    format::put_chunks(empty, "t", "", "");
    EXPECT_EQ(rows(empty), (std::vector<std::string>{joined({"7400000000=010000", "00", "00"})}));
}

TEST(FormatTest, RevisionTree) {
    doc::RevTree tree;
    auto path = [](std::uint64_t start, std::vector<std::string_view> hashes) {
        doc::RevPath made{start, {}};
        for (auto hash : hashes)
            made.hashes.push_back(doc::RevHash::from_text(hash));
        return made;
    };
    tree.merge(path(2, {"b", "a"}), {false, 2});
    tree.merge(path(3, {"d", "c", "a"}), {true, 3});
    EXPECT_EQ(hex_encode(tree.encode()),
              joined({"01", "00", "01", "01", "0161", "00",            // the root 1-a
                      "01", "02", "01", "0162", "04",                  // 2-b, body 2
                      "01", "02", "02", "0163", "00", "0164", "07"})); // 2-c, 3-d deleted, body 3
    auto read = doc::RevTree::decode(tree.encode());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, tree);
}

TEST(FormatTest, Change) {
    Change change{kv::Sequence(7), "id", false, {leaf(2, kHash, 0), leaf(1, "z", 0, true)}};
    auto bytes = format::encode_change(change);
    EXPECT_EQ(hex_encode(bytes),
              joined({"010000", "026964", "02", "04", "10000102030405060708090a0b0c0d0e0f", "03", "017a"}));
    auto read = format::decode_change(change.sequence, bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_change(*read), bytes);

    change.deleted = true;
    change.leaves.assign(format::kChangeLeavesMax + 1, leaf(1, "z", 0, true));
    EXPECT_EQ(hex_encode(format::encode_change(change)), joined({"010100", "026964", "00"}));
}

TEST(FormatTest, Meta) {
    format::Meta meta;
    meta.security = "{}";
    meta.purge_seq = 4;
    meta.runs = {{0x0102030405060708, 1}, {9, 300}};
    auto bytes = format::encode_meta(meta);
    EXPECT_EQ(hex_encode(bytes), joined({"010000", "e807", "04", "e807", "027b7d", "00", "02",
                                         "0102030405060708", "01", "0000000000000009", "ac02"}));
    auto read = format::decode_meta(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_meta(*read), bytes);
    EXPECT_EQ(read->runs, meta.runs);
}

TEST(FormatTest, LocalDocuments) {
    auto bytes = format::encode_local({"0-1", "{}", 0, 0});
    EXPECT_EQ(hex_encode(bytes), joined({"010000", "03302d31", "00", "00", "7b7d"}));
    auto read = format::decode_local(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_local(*read), bytes);
    EXPECT_EQ(hex_encode(format::encode_local({"0-1", "", 128, 300'000})),
              joined({"010000", "03302d31", "8001", "e0a712"}));
}

TEST(FormatTest, Purge) {
    auto bytes = format::encode_purge("00ff", "id", {{3, doc::RevHash::from_text("x")}});
    EXPECT_EQ(hex_encode(bytes), joined({"010000", "0430306666", "026964", "01", "03", "0178"}));
    auto read = format::decode_purge(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_purge(read->uuid, read->id, read->revs), bytes);
}

TEST(FormatTest, CatalogEntry) {
    format::CatalogEntry entry{kv::ShardId(200), "00ff", 1'000, {8, 1, true}};
    auto bytes = format::encode_catalog_entry(entry);
    EXPECT_EQ(hex_encode(bytes), joined({"010100", "c801", "0430306666", "e807", "08", "01"}));
    auto read = format::decode_catalog_entry(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(format::encode_catalog_entry(*read), bytes);
}

TEST(FormatTest, SequenceTokens) {
    EXPECT_EQ(encode_sequence(kv::Sequence(0), {}), "0-g1AQAAAAAAAAAAAA");
    EXPECT_EQ(encode_sequence(kv::Sequence(5), {{1, 1}, {2, 4}, {3, 6}}), "5-g1AQIAAAAAAAAAAgQAAAAAAAAAAQE");
}

TEST(FormatTest, RevisionIds) {
    EXPECT_EQ(revision_of(std::nullopt, false, {"{}", {}}).text(), "1-e4f7cf3d7301f0de5d3bd9ca89cf7f13");
    doc::RevId parent{1, doc::RevHash::from_text(kHash)};
    EXPECT_EQ(revision_of(parent, true, body_with_attachment()).text(), "2-4ce05cc454896c49a452d756c273743c");
}

TEST(FormatTest, UnknownVersionsAndKeysAreDamage) {
    auto change = format::encode_change({kv::Sequence(1), "id", false, {leaf(1, "z", 0)}});
    for (std::size_t field : {0u, 2u}) {
        auto other = change;
        other[field] = 2;
        EXPECT_FALSE(format::decode_change(kv::Sequence(1), other).ok());
    }
    for (std::size_t size = 0; size < change.size(); ++size)
        EXPECT_FALSE(format::decode_change(kv::Sequence(1), change.substr(0, size)).ok()) << size;
}

} // namespace
} // namespace divan::db
