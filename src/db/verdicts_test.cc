#include "db/verdicts.h"

#include <gtest/gtest.h>

namespace divan::db {
namespace {

std::string find(const Verdicts &verdicts, const std::string &digest,
                 std::initializer_list<std::uint64_t> sequences) {
    std::vector<kv::Sequence> asked;
    for (auto sequence : sequences)
        asked.emplace_back(sequence);
    std::string text;
    for (const auto &verdict : verdicts.find(digest, asked))
        text += !verdict ? '?' : *verdict ? '+' : '-';
    return text;
}

TEST(Verdicts, AreKeptByDigestAndSequence) {
    Verdicts verdicts;
    std::vector<Verdicts::Verdict> some;
    for (std::uint64_t sequence : {1u, 2u, 3u, 4u, 4095u, 4096u, 1'000'000u})
        some.push_back({kv::Sequence(sequence), sequence % 2 == 0});
    verdicts.keep("a", some, 1 << 20);
    EXPECT_EQ(find(verdicts, "a", {0, 1, 2, 3, 4, 5, 4095, 4096, 1'000'000, 1'000'001}), "?-+-+?-++?");
    EXPECT_EQ(find(verdicts, "b", {1, 2}), "??");
}

TEST(Verdicts, AreForgottenBeyondTheirLimit) {
    Verdicts verdicts;
    Verdicts::Verdict one[] = {{kv::Sequence(1), true}};
    verdicts.keep("a", one, 1'024);
    EXPECT_EQ(find(verdicts, "a", {1}), "+");
    verdicts.keep("b", one, 1'024);
    EXPECT_EQ(find(verdicts, "a", {1}), "?");
    EXPECT_EQ(find(verdicts, "b", {1}), "+");
}

} // namespace
} // namespace divan::db
