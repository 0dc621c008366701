#include "doc/rev_tree.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace divan::doc {
namespace {

RevHash hash(std::uint32_t number) {
    std::string bytes(16, '\0');
    for (int i = 0; i < 4; ++i)
        bytes[static_cast<std::size_t>(i)] = static_cast<char>(number >> (24 - 8 * i));
    return RevHash::from_bytes(bytes);
}

RevPath path(std::uint64_t start, std::initializer_list<std::uint32_t> hashes) {
    RevPath path{start, {}};
    for (auto number : hashes)
        path.hashes.push_back(hash(number));
    return path;
}

TEST(RevId, ParsesAsCouchDb) {
    for (const char *text : {"1-967a00dff5e02add41819138abb3284d", "1-", "0-a", "1-abc-def", "12-x"}) {
        auto rev = RevId::parse(text);
        ASSERT_TRUE(rev.ok()) << text;
        EXPECT_EQ(rev->text(), text);
    }
    EXPECT_EQ(RevId::parse("1-967A00DFF5E02ADD41819138ABB3284D")->text(),
              "1-967a00dff5e02add41819138abb3284d");
    for (const char *text : {"", "1", "abc", "x-1", "-1", "-1-a", "1.5-a", " 1-a", "99999999999999999999-a"})
        EXPECT_EQ(RevId::parse(text).error().reason(), "Invalid rev format") << text;
}

TEST(RevTree, ExtendsAndBranches) {
    RevTree tree;
    EXPECT_EQ(tree.merge(path(1, {1}), {false, 1}), MergeResult::new_leaf);
    EXPECT_EQ(tree.merge(path(2, {2, 1}), {false, 2}), MergeResult::extended);
    EXPECT_EQ(tree.merge(path(2, {2, 1}), {false, 9}), MergeResult::already_there);
    EXPECT_EQ(tree.merge(path(2, {3, 1}), {false, 3}), MergeResult::new_leaf);
    EXPECT_EQ(tree.winner().rev, (RevId{2, hash(3)}));
    EXPECT_EQ(tree.merge(path(3, {4, 3, 1}), {true, 4}), MergeResult::extended);
    EXPECT_EQ(tree.winner().rev, (RevId{2, hash(2)})) << "live before deleted";
    EXPECT_EQ(tree.find({2, hash(2)})->body, 2u) << "the first body stays";
    EXPECT_EQ(tree.leaves().size(), 2u);
    EXPECT_EQ(tree.leaves_from({1, hash(1)}).size(), 2u);
    EXPECT_EQ(tree.leaves_from({2, hash(3)}).front().rev, (RevId{3, hash(4)}));
    EXPECT_FALSE(tree.is_leaf({1, hash(1)}));
    EXPECT_FALSE(tree.find({7, hash(7)}));
}

TEST(RevTree, JoinsRootsWhenAPathConnectsThem) {
    RevTree tree;
    tree.merge(path(5, {5}), {false, 1});
    tree.merge(path(2, {2, 1}), {false, 2});
    EXPECT_EQ(tree.leaves().size(), 2u);
    tree.merge(path(6, {6, 5, 4, 3, 2, 1}), {false, 3});
    EXPECT_EQ(tree.leaves().size(), 1u);
    EXPECT_EQ(tree.path({6, hash(6)})->hashes.size(), 6u);
}

TEST(RevTree, StemsAndPurges) {
    RevTree tree;
    tree.merge(path(5, {5, 4, 3, 2, 1}), {false, 50});
    tree.merge(path(3, {30, 2, 1}), {false, 30});
    auto removed = tree.stem(2);
    EXPECT_EQ(tree.node_count(), 4u); // 5-5, 4-4, 3-30, 2-2
    EXPECT_TRUE(removed.empty());
    std::vector<std::uint64_t> bodies;
    std::vector<RevId> doomed{{3, hash(30)}, {4, hash(4)}, {9, hash(9)}};
    auto purged = tree.purge(doomed, bodies);
    EXPECT_EQ(purged, (std::vector<RevId>{{3, hash(30)}}));
    EXPECT_EQ(bodies, (std::vector<std::uint64_t>{30}));
    EXPECT_EQ(tree.node_count(), 2u);
}

TEST(RevTree, DecodeRefusesDamage) {
    RevTree tree;
    tree.merge(path(3, {3, 2, 1}), {false, 7});
    auto bytes = tree.encode();
    EXPECT_FALSE(RevTree::decode("").ok());
    for (std::size_t size = 2; size < bytes.size(); ++size) // the first byte alone is the empty tree
        EXPECT_FALSE(RevTree::decode(std::string_view(bytes).substr(0, size)).ok()) << size;
}

// Random paths: each is a chain cut from one random forest, so that paths agree with each other.
class Forest {
  public:
    explicit Forest(std::uint32_t seed) : random_(seed) {
        std::vector<std::vector<std::uint32_t>> levels(1);
        levels[0] = {next_++, next_++};
        for (auto root : levels[0])
            parents_[root] = 0;
        for (std::size_t generation = 1; generation < 12; ++generation) {
            levels.emplace_back();
            for (int i = 0; i < 3; ++i) {
                auto node = next_++;
                parents_[node] = levels[generation - 1][random_() % levels[generation - 1].size()];
                levels[generation].push_back(node);
            }
        }
        levels_ = std::move(levels);
    }

    RevPath random_path() {
        auto generation = random_() % levels_.size();
        auto node = levels_[generation][random_() % levels_[generation].size()];
        RevPath path{generation + 1, {}};
        auto length = random_() % 3 == 0 ? 1 + random_() % 4 : 100;
        for (; node != 0 && path.hashes.size() < length; node = parents_[node])
            path.hashes.push_back(hash(node));
        return path;
    }

    std::mt19937 &random() { return random_; }

  private:
    std::mt19937 random_;
    std::uint32_t next_ = 1;
    std::map<std::uint32_t, std::uint32_t> parents_;
    std::vector<std::vector<std::uint32_t>> levels_;
};

RevInfo info_of(const RevPath &path) {
    auto first = static_cast<unsigned char>(path.hashes.front().bytes()[3]);
    return {first % 3 == 0, 1000u + first};
}

TEST(RevTreeProperties, OrderOfMergesDoesNotMatter) {
    for (std::uint32_t seed = 0; seed < 400; ++seed) {
        Forest forest(seed);
        std::vector<RevPath> paths;
        for (int i = 0; i < 12; ++i)
            paths.push_back(forest.random_path());
        RevTree first;
        for (const auto &p : paths)
            first.merge(p, info_of(p));
        std::shuffle(paths.begin(), paths.end(), forest.random());
        RevTree second;
        for (const auto &p : paths)
            second.merge(p, info_of(p));
        for (const auto &p : paths)
            EXPECT_EQ(second.merge(p, info_of(p)), MergeResult::already_there);
        EXPECT_EQ(first.leaves(), second.leaves()) << seed;
        EXPECT_EQ(first.winner(), second.winner());
        auto decoded = RevTree::decode(second.encode());
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(decoded->encode(), first.encode()) << "equal trees encode equally";
    }
}

TEST(RevTreeProperties, StemKeepsWhatIsNearALeaf) {
    for (std::uint32_t seed = 0; seed < 400; ++seed) {
        Forest forest(seed);
        RevTree tree;
        for (int i = 0; i < 10; ++i) {
            auto p = forest.random_path();
            tree.merge(p, info_of(p));
        }
        auto limit = 1 + forest.random()() % 6;
        std::set<RevId> expected;
        for (const auto &leaf : tree.leaves()) {
            auto history = *tree.history(leaf.rev);
            for (std::size_t i = 0; i < history.size() && i < limit; ++i)
                expected.insert(history[i].rev);
        }
        auto leaves = tree.leaves();
        tree.stem(limit);
        EXPECT_EQ(tree.leaves(), leaves);
        EXPECT_EQ(tree.node_count(), expected.size());
        for (const auto &rev : expected)
            EXPECT_TRUE(tree.find(rev));
    }
}

TEST(RevTreeProperties, PurgeOfAllLeavesEmpties) {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        Forest forest(seed);
        RevTree tree;
        for (int i = 0; i < 10; ++i) {
            auto p = forest.random_path();
            tree.merge(p, info_of(p));
        }
        std::vector<std::uint64_t> bodies;
        std::vector<RevId> revs;
        for (const auto &leaf : tree.leaves())
            revs.push_back(leaf.rev);
        EXPECT_EQ(tree.purge(revs, bodies).size(), revs.size());
        EXPECT_TRUE(tree.empty());
    }
}

TEST(RevTree, LongHistoriesAndManyLeaves) {
    RevTree tree;
    RevPath longest{1'000, {}};
    for (std::uint32_t i = 1'000; i > 0; --i)
        longest.hashes.push_back(hash(i));
    tree.merge(longest, {false, 1});
    EXPECT_LE(tree.encode().size(), 20'000u);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        RevPath branch{1'001, {hash(100'000 + i)}};
        branch.hashes.insert(branch.hashes.end(), longest.hashes.begin(), longest.hashes.end());
        tree.merge(branch, {false, i});
    }
    EXPECT_EQ(tree.leaves().size(), 10'000u);
    EXPECT_EQ(RevTree::decode(tree.encode())->leaves().size(), 10'000u);
}

} // namespace
} // namespace divan::doc
