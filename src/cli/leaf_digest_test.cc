#include "cli/leaf_digest.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::cli {
namespace {

DocumentLeaves document(std::string id, std::vector<std::string> revs, bool deleted = false) {
    return {std::move(id), std::move(revs), deleted};
}

std::size_t differing(const LeafDigest &a, const LeafDigest &b) {
    auto buckets = a.differing(b);
    return static_cast<std::size_t>(std::count(buckets.begin(), buckets.end(), true));
}

TEST(LeafDigest, TheOrderOfRowsAndLeavesDoesNotCount) {
    LeafDigest a;
    LeafDigest b;
    for (int i = 0; i < 1'000; ++i) {
        a.add(document(fmt::format("d{}", i), {"1-a", "2-b"}));
        b.add(document(fmt::format("d{}", 999 - i), {"2-b", "1-a"}));
    }
    EXPECT_EQ(differing(a, b), 0U);
    EXPECT_EQ(a.documents(), 1'000U);
}

TEST(LeafDigest, EveryDifferenceIsSeen) {
    const auto base = document("a", {"1-a", "2-b"});
    for (const auto &other : {document("a", {"1-a"}), document("a", {"1-a", "2-c"}),
                              document("b", {"1-a", "2-b"}), document("a", {"1-a", "2-b"}, true)}) {
        LeafDigest a;
        LeafDigest b;
        a.add(base);
        b.add(other);
        EXPECT_GE(differing(a, b), 1U) << other.text();
    }
    LeafDigest twice;
    twice.add(base);
    twice.add(base);
    LeafDigest none;
    EXPECT_EQ(differing(twice, none), 1U);
}

TEST(LeafComparison, ListsWhatDiffersById) {
    LeafComparison comparison(std::vector<bool>(LeafDigest::kBuckets, true));
    comparison.add_source(document("same", {"2-b", "1-a"}));
    comparison.add_target(document("same", {"1-a", "2-b"}));
    comparison.add_source(document("z", {"1-a"}));
    comparison.add_target(document("m", {"1-m"}, true));
    comparison.add_source(document("d", {"1-a"}));
    comparison.add_source(document("d", {"2-b"})); // it changed meanwhile
    comparison.add_target(document("d", {"3-c", "2-x"}));
    std::vector<std::string> texts;
    for (const auto &difference : comparison.differences())
        texts.push_back(difference.text());
    EXPECT_EQ(texts, (std::vector<std::string>{"`d` differs: 2-b at the old server, 2-x 3-c at the new one",
                                               "`m` is only at the new server: 1-m deleted",
                                               "`z` is only at the old server: 1-a"}));
    EXPECT_FALSE(comparison.overflowed());
}

TEST(LeafComparison, LooksOnlyAtBucketsThatDifferAndIsBounded) {
    std::vector<bool> buckets(LeafDigest::kBuckets);
    buckets[LeafDigest::bucket_of("a")] = true;
    LeafComparison comparison(buckets);
    comparison.add_source(document("a", {"1-a"}));
    comparison.add_source(document("b", {"1-a"}));
    ASSERT_EQ(comparison.differences().size(), 1U);
    EXPECT_EQ(comparison.differences().front().id, "a");

    LeafComparison small(std::vector<bool>(LeafDigest::kBuckets, true), 2);
    for (const char *id : {"a", "b", "a", "c"})
        small.add_source(document(id, {"1-a"}));
    EXPECT_TRUE(small.overflowed());
    EXPECT_TRUE(small.differences().empty());
}

} // namespace
} // namespace divan::cli
