#include "views/level_writer.h"

#include "base/bytes.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <random>

namespace divan::views {
namespace {

constexpr kv::ShardId kShard{7};
constexpr IndexNumber kIndex = 3;
constexpr MapNumber kMap = 1;

// Adds whole numbers up; a summary is the sum as text.
class SumReducer final : public Reducer {
  public:
    Result<std::vector<std::string>> summarise(std::span<const Segment> segments) override {
        std::vector<std::string> sums;
        for (const auto &segment : segments) {
            std::int64_t sum = 0;
            for (const auto &row : segment.rows)
                sum += number(row.value);
            for (auto summary : segment.summaries)
                sum += number(summary);
            sums.push_back(std::to_string(sum));
        }
        return sums;
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        return std::string(summary);
    }
    static std::int64_t number(std::string_view text) {
        std::int64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }
};

class Levels : public testing::Test {
  protected:
    Levels() { reducers_.push_back(std::make_unique<SumReducer>()); }

    MapRows rows() { return {engine_, kShard, kIndex, kMap, height_, nullptr}; }

    void write(kv::WriteBatch batch) { ASSERT_TRUE(engine_.stage(kShard, std::move(batch)).ok()); }

    // Applies puts and erases to the rows and repairs the levels. An empty value erases.
    void change(const std::map<std::string, std::optional<std::int64_t>> &changes) {
        kv::WriteBatch batch;
        RowChanges row_changes;
        for (const auto &[key, value] : changes) {
            auto full = full_row_key(key, "id", 0);
            if (!value) {
                erase_row(batch, kIndex, kMap, full, 0);
                row_changes[stored_key(full)] = std::nullopt;
                model_.erase(full);
                continue;
            }
            auto text = std::to_string(*value);
            put_row(batch, kIndex, kMap, full, key.size(), "null", text);
            row_changes[stored_key(full)] = LoadedRow{stored_key(full), full, "id", "null", text, key.size()};
            model_[full] = *value;
        }
        auto view = rows();
        LevelWriter writer(view, reducers_);
        ASSERT_TRUE(writer.repair(row_changes, batch).ok());
        write(std::move(batch));
    }

    void grow() {
        while (height_ < height_for(model_.size())) {
            auto view = rows();
            LevelWriter writer(view, reducers_);
            ASSERT_TRUE(writer
                            .build(height_ + 1,
                                   [&](kv::WriteBatch batch) {
                                       write(std::move(batch));
                                       return Result<void>();
                                   })
                            .ok());
            ++height_;
        }
    }

    std::int64_t sum(const Span &span) {
        auto pieces = pieces_of(rows(), span, 0);
        EXPECT_TRUE(pieces.ok());
        std::int64_t sum = 0;
        for (const auto &row : pieces->rows)
            sum += SumReducer::number(row.value);
        for (const auto &summary : pieces->summaries)
            sum += SumReducer::number(summary);
        return sum;
    }

    std::string random_key() { return std::to_string(random_() % 1'000'000); }

    // Every level as it would be if it were built now.
    void expect_levels_as_built() {
        for (unsigned level = 1; level <= height_; ++level) {
            auto stored = engine_.scan(scan_level(rows(), level, {}));
            ASSERT_TRUE(stored.ok());
            kv::WriteBatch built;
            auto view = rows();
            LevelWriter writer(view, reducers_);
            ASSERT_TRUE(writer
                            .build(level,
                                   [&](const kv::WriteBatch &batch) {
                                       for (const auto &entry : batch.entries())
                                           built.put(entry.table, entry.key, entry.value);
                                       return Result<void>();
                                   })
                            .ok());
            ASSERT_EQ(stored->size(), built.entries().size()) << "level " << level;
            for (std::size_t i = 0; i < stored->size(); ++i) {
                EXPECT_EQ(stored->key(i), built.entries()[i].key);
                EXPECT_EQ(stored->value(i), built.entries()[i].value) << "level " << level << " entry " << i;
            }
        }
    }

    void expect_ranges_as_counted(int ranges) {
        for (int i = 0; i < ranges; ++i) {
            Span span{i % 3 == 0 ? "" : random_key(), i % 4 == 0 ? "" : random_key()};
            if (!span.end.empty() && span.end < span.begin)
                std::swap(span.begin, span.end);
            auto begin = model_.lower_bound(span.begin);
            auto end = span.end.empty() ? model_.end() : model_.lower_bound(span.end);
            std::int64_t expected = 0;
            for (auto row = begin; row != end; ++row)
                expected += row->second;
            EXPECT_EQ(sum(span), expected);
            EXPECT_EQ(count_rows(rows(), span).value(),
                      static_cast<std::uint64_t>(std::distance(begin, end)));
        }
    }

    void fill(std::size_t count) {
        std::map<std::string, std::optional<std::int64_t>> changes;
        while (changes.size() < count)
            changes[random_key()] = static_cast<std::int64_t>(random_() % 1'000);
        change(changes);
        grow();
    }

    std::unique_ptr<kv::Engine> memory_ = kv::make_memory_engine();
    kv::CountingEngine engine_{*memory_};
    std::vector<std::unique_ptr<Reducer>> reducers_;
    std::map<std::string, std::int64_t> model_; // by full key
    std::mt19937_64 random_{42};
    unsigned height_ = 0;
};

TEST_F(Levels, HeightsKeepTheTopmostLevelSmall) {
    EXPECT_EQ(height_for(0), 0u);
    EXPECT_EQ(height_for(63), 0u);
    EXPECT_EQ(height_for(64), 1u);
    EXPECT_EQ(height_for(2'047), 1u);
    EXPECT_EQ(height_for(2'048), 2u);
    EXPECT_EQ(height_for(1'000'000), 3u);
}

TEST_F(Levels, AboutEvery32ndRowStandsHigher) {
    std::size_t higher = 0;
    for (int i = 0; i < 32'000; ++i)
        higher += rank_of(std::to_string(i)) >= 1;
    EXPECT_NEAR(static_cast<double>(higher), 1'000, 150);
}

TEST_F(Levels, SumsAndCountsOfAnyRange) {
    fill(5'000);
    ASSERT_EQ(height_, 2u);
    expect_ranges_as_counted(200);
}

TEST_F(Levels, RepairedLevelsAreWhatBuildingGives) {
    fill(3'000);
    for (int round = 0; round < 60; ++round) {
        std::map<std::string, std::optional<std::int64_t>> changes;
        auto wanted = 1 + random_() % (round % 5 == 0 ? 400 : 20);
        for (std::uint64_t i = 0; i < wanted; ++i) {
            bool erase = random_() % 2 == 0 && !model_.empty();
            if (!erase) {
                changes[random_key()] = static_cast<std::int64_t>(random_() % 1'000);
                continue;
            }
            auto row = model_.lower_bound(random_key());
            if (row == model_.end())
                row = model_.begin();
            std::string id;
            std::string_view full = row->first;
            changes[std::string(full.substr(0, full.size() - 3))] = std::nullopt; // "id" and its end
        }
        change(changes);
        if (round % 6 == 0)
            expect_levels_as_built();
    }
    expect_levels_as_built();
    expect_ranges_as_counted(100);
}

TEST_F(Levels, AllRowsMayGoAndComeBack) {
    fill(3'000);
    std::map<std::string, std::optional<std::int64_t>> none;
    for (const auto &[full, value] : model_)
        none[full.substr(0, full.size() - 3)] = std::nullopt;
    change(none);
    EXPECT_TRUE(model_.empty());
    for (unsigned level = 1; level <= height_; ++level)
        EXPECT_TRUE(engine_.scan(scan_level(rows(), level, {}))->empty()) << level;
    EXPECT_EQ(count_rows(rows(), Span{}).value(), 0u);
    change({{"5", 5}, {"6", 6}});
    expect_levels_as_built();
    EXPECT_EQ(sum({}), 11);
}

TEST_F(Levels, FindsTheRowOfARank) {
    fill(3'000);
    for (std::uint64_t rank : {0, 1, 31, 32, 500, 2'999})
        EXPECT_EQ(key_at(rows(), rank).value(),
                  std::next(model_.begin(), static_cast<std::ptrdiff_t>(rank))->first);
    EXPECT_EQ(key_at(rows(), 3'000).value(), "");
}

TEST_F(Levels, TouchesFewRowsHoweverManyThereAre) {
    fill(100'000);
    ASSERT_EQ(height_, 3u);
    auto touched = [&](auto call) {
        auto before = engine_.calls();
        call();
        return (engine_.calls() - before).scan_rows;
    };
    for (int i = 0; i < 20; ++i) {
        Span span{random_key(), random_key()};
        if (span.end < span.begin)
            std::swap(span.begin, span.end);
        EXPECT_LT(touched([&] { sum(span); }), 800u);
        EXPECT_LT(touched([&] { EXPECT_TRUE(count_rows(rows(), span).ok()); }), 800u);
        EXPECT_LT(touched([&] { EXPECT_TRUE(key_at(rows(), 4'000 * i).ok()); }), 800u);
        EXPECT_LT(touched([&] { change({{random_key(), 1}}); }), 800u);
    }
}

TEST_F(Levels, ACommitCostsTheSameCallsHoweverManyRowsItChanges) {
    fill(20'000);
    auto calls = [&](std::size_t count) {
        std::map<std::string, std::optional<std::int64_t>> changes;
        while (changes.size() < count)
            changes[random_key()] = 1;
        auto before = engine_.calls();
        change(changes);
        return (engine_.calls() - before).round_trips();
    };
    EXPECT_LE(calls(1), 12u);
    EXPECT_LE(calls(200), 20u);
}

// Each removed entry was stepped over by every search that came upon it.
TEST_F(Levels, RemovingManyEntriesAtOnceCostsNoMoreCalls) {
    fill(20'000);
    std::map<std::string, std::optional<std::int64_t>> half;
    for (const auto &[full, value] : model_)
        if (half.size() < 10'000)
            half[full.substr(0, full.size() - 3)] = std::nullopt;
    auto before = engine_.calls();
    change(half);
    EXPECT_LE((engine_.calls() - before).round_trips(), 20u);
    expect_levels_as_built();
}

} // namespace
} // namespace divan::views
