#include "kv/testing/conformance.h"

namespace divan::kv {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;

TEST_P(Conformance, ReadAnswersInTheOrderOfTheKeys) {
    put(kShard, "a", "1");
    put(kShard, "b", "2");
    put(kShard, "b", "in the index", Table::index);
    std::vector<KeyRef> wanted = {{Table::documents, "b"},
                                  {Table::index, "b"},
                                  {Table::documents, "missing"},
                                  {Table::documents, "a"},
                                  {Table::documents, "b"}};
    auto values = engine().read(kShard, wanted);
    ASSERT_TRUE(values.ok());
    EXPECT_THAT(values.value(),
                ElementsAre(Optional(std::string("2")), Optional(std::string("in the index")), std::nullopt,
                            Optional(std::string("1")), Optional(std::string("2"))));
    EXPECT_THAT(engine().read(kShard, {}).value(), IsEmpty());
}

TEST_P(Conformance, TablesAndShardsAreApart) {
    put(ShardId(1), "k", "one");
    put(ShardId(2), "k", "two");
    put(ShardId(1), "k", "attachment", Table::attachments);
    EXPECT_EQ(get(ShardId(1), "k"), "one");
    EXPECT_EQ(get(ShardId(2), "k"), "two");
    EXPECT_EQ(get(ShardId(1), "k", Table::attachments), "attachment");
    EXPECT_EQ(get(ShardId(1), "k", Table::sequences), std::nullopt);
    EXPECT_EQ(get(ShardId(3), "k"), std::nullopt);
}

TEST_P(Conformance, CachedReadsTellTheTruth) {
    put(kShard, "k", "v");
    std::optional<std::string> value = "before";
    ASSERT_TRUE(engine().read_cached(kShard, {Table::documents, "k"}, value));
    EXPECT_EQ(value, "v");
    ASSERT_TRUE(engine().read_cached(kShard, {Table::documents, "none"}, value));
    EXPECT_EQ(value, std::nullopt);
}

TEST_P(Conformance, SizesAtTheirLimits) {
    std::string long_key(kKeyBytesMax, '\xff');
    std::string long_value(kValueBytesMax, 'v');
    for (auto table : {Table::documents, Table::attachments}) {
        put(kShard, long_key, long_value, table);
        put(kShard, "empty", "", table);
        EXPECT_EQ(get(kShard, long_key, table), long_value);
        EXPECT_EQ(get(kShard, "empty", table), "");
        EXPECT_THAT(scan({.shard = kShard, .table = table}),
                    ElementsAre(Pair("empty", ""), Pair(long_key, long_value)));
    }
}

TEST_P(Conformance, KeysSortAsBytes) {
    std::string zero(1, '\0');
    std::string zeros(2, '\0');
    for (const auto &key : {std::string("b"), zeros, std::string("\xff\xff"), std::string("a\xff"), zero,
                            std::string("\xff"), std::string("a"), std::string("a") + zero})
        put(kShard, key, "v");
    std::vector<std::string> sorted = {zero,    zeros, "a",    std::string("a") + zero,
                                       "a\xff", "b",   "\xff", "\xff\xff"};
    EXPECT_EQ(keys({.shard = kShard}), sorted);
    std::reverse(sorted.begin(), sorted.end());
    EXPECT_EQ(keys({.shard = kShard, .reverse = true}), sorted);
}

TEST_P(Conformance, ScansKeepInsideTheirShard) {
    for (auto shard : {0U, 1U, 2U, 255U, 256U, 257U, 65'535U, 65'536U})
        for (const std::string &key : {std::string(1, '\0'), std::string("k"), std::string("\xff\xff\xff")})
            put(ShardId(shard), key, std::to_string(shard), Table::sequences);
    for (auto shard : {0U, 1U, 2U, 255U, 256U, 257U, 65'535U, 65'536U})
        for (bool reverse : {false, true}) {
            auto rows = scan({.shard = ShardId(shard), .table = Table::sequences, .reverse = reverse});
            ASSERT_EQ(rows.size(), 3);
            for (const auto &row : rows)
                EXPECT_EQ(row.second, std::to_string(shard));
        }
    EXPECT_THAT(keys({.shard = ShardId(3), .table = Table::sequences}), IsEmpty());
}

TEST_P(Conformance, RangesIncludeTheirBeginAndNotTheirEnd) {
    for (const char *key : {"a", "b", "c", "d"})
        put(kShard, key, "v");
    auto range = [&](std::string begin, std::string end, bool reverse = false) {
        return keys({.shard = kShard, .begin = std::move(begin), .end = std::move(end), .reverse = reverse});
    };
    EXPECT_THAT(range("b", "d"), ElementsAre("b", "c"));
    EXPECT_THAT(range("b", "d", true), ElementsAre("c", "b"));
    EXPECT_THAT(range("bb", "cc"), ElementsAre("c"));
    EXPECT_THAT(range("", "b"), ElementsAre("a"));
    EXPECT_THAT(range("c", ""), ElementsAre("c", "d"));
    EXPECT_THAT(range("c", "", true), ElementsAre("d", "c"));
    EXPECT_THAT(range("c", "c"), IsEmpty());
    EXPECT_THAT(range("d", "a"), IsEmpty());
    EXPECT_THAT(range("e", "", true), IsEmpty());
}

TEST_P(Conformance, ScansStopAtTheirLimits) {
    for (const char *key : {"a", "b", "c"})
        put(kShard, key, std::string(99, 'v')); // 100 bytes a row
    auto page = [&](std::size_t rows_max, std::size_t bytes_max, bool keys_only = false) {
        auto result = engine().scan(
            {.shard = kShard, .keys_only = keys_only, .rows_max = rows_max, .bytes_max = bytes_max});
        EXPECT_TRUE(result.ok());
        return std::pair(result->size(), result->more);
    };
    EXPECT_EQ(page(2, 1'000), std::pair(2UL, true));
    EXPECT_EQ(page(3, 1'000), std::pair(3UL, false)) << "more is false when the last row is in the page";
    EXPECT_EQ(page(4, 1'000), std::pair(3UL, false));
    EXPECT_EQ(page(4, 200), std::pair(2UL, true));
    EXPECT_EQ(page(4, 300), std::pair(3UL, false));
    EXPECT_EQ(page(4, 1), std::pair(1UL, true)) << "at least one row";
    EXPECT_EQ(page(4, 3, true), std::pair(3UL, false)) << "values that are not returned do not count";
    auto last = engine().scan({.shard = kShard, .begin = "b", .end = "c", .rows_max = 1});
    EXPECT_FALSE(last->more) << "rows behind the range are not more";
}

TEST_P(Conformance, KeysOnlyLeavesValuesOut) {
    put(kShard, "a", "value");
    EXPECT_THAT(scan({.shard = kShard, .keys_only = true}), ElementsAre(Pair("a", "")));
}

TEST_P(Conformance, SnapshotsKeepTheirState) {
    put(kShard, "changed", "old");
    put(kShard, "erased", "old");
    put(ShardId(8), "other", "old");
    auto snapshot = engine().snapshot().value();
    put(kShard, "changed", "new");
    put(kShard, "changed", "newer");
    put(kShard, "added", "new");
    put(ShardId(8), "other", "new");
    WriteBatch batch;
    batch.erase(Table::documents, "erased");
    commit(kShard, std::move(batch));

    EXPECT_EQ(get(kShard, "changed", Table::documents, snapshot.get()), "old");
    EXPECT_EQ(get(ShardId(8), "other", Table::documents, snapshot.get()), "old");
    EXPECT_THAT(scan({.shard = kShard, .snapshot = snapshot.get()}),
                ElementsAre(Pair("changed", "old"), Pair("erased", "old")));
    EXPECT_THAT(scan({.shard = kShard}), ElementsAre(Pair("added", "new"), Pair("changed", "newer")));
}

TEST_P(Conformance, SnapshotsAreIndependent) {
    put(kShard, "k", "1");
    auto first = engine().snapshot().value();
    put(kShard, "k", "2");
    auto second = engine().snapshot().value();
    WriteBatch batch;
    batch.erase(Table::documents, "k");
    commit(kShard, std::move(batch));
    auto third = engine().snapshot().value();
    put(kShard, "k", "4");

    EXPECT_EQ(get(kShard, "k", Table::documents, second.get()), "2");
    second.reset();
    EXPECT_EQ(get(kShard, "k", Table::documents, first.get()), "1");
    first.reset();
    EXPECT_EQ(get(kShard, "k", Table::documents, third.get()), std::nullopt);
    third.reset();
    EXPECT_EQ(get(kShard, "k"), "4");
}

TEST_P(Conformance, OldSnapshotsAreRefusedOrTrue) {
    put(kShard, "k", "old");
    auto snapshot = engine().snapshot().value();
    put(kShard, "k", "new");
    clock_.advance(engine().capabilities().snapshot_age_max + Millis(1));
    KeyRef key{Table::documents, "k"};
    auto values = engine().read(kShard, {&key, 1}, snapshot.get());
    auto page = engine().scan({.shard = kShard, .snapshot = snapshot.get()});
    if (values.ok()) {
        EXPECT_EQ(values->front(), "old");
        EXPECT_EQ(page->value(0), "old");
    } else {
        EXPECT_EQ(values.error().code(), ErrorCode::service_unavailable);
        EXPECT_EQ(page.error().code(), ErrorCode::service_unavailable);
    }
}

} // namespace
} // namespace divan::kv
