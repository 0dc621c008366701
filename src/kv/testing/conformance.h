#pragma once

// The executable form of kv/engine.h: every engine passes the tests of this fixture.
//
// The tests are in conformance_*_test.cc; conformance_test.cc names the engines. Included by tests
// only, since it needs GoogleTest.

#include "base/clock.h"
#include "kv/engine.h"
#include "kv/testing/temporary_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace divan::kv {

struct EngineCase {
    std::string name;
    std::function<std::unique_ptr<Engine>(const std::filesystem::path &directory, const Clock &clock)> open;
    bool survives_reopen = false;
};

inline std::ostream &operator<<(std::ostream &out, const EngineCase &engine) {
    return out << engine.name;
}

class Conformance : public testing::TestWithParam<EngineCase> {
  protected:
    using Rows = std::vector<std::pair<std::string, std::string>>;

    Conformance() : engine_(GetParam().open(directory_.path(), clock_)) {}

    // Closes the engine and opens it again. False: this engine keeps nothing.
    [[nodiscard]] bool reopen() {
        if (!GetParam().survives_reopen)
            return false;
        engine_.reset();
        engine_ = GetParam().open(directory_.path(), clock_);
        return true;
    }

    [[nodiscard]] Engine &engine() { return *engine_; }

    // Commits a batch and returns the first of the sequences it took.
    std::uint64_t commit(ShardId shard, WriteBatch batch, std::uint32_t sequences = 0) {
        auto commit = engine().begin(shard, {}, sequences);
        EXPECT_TRUE(commit.ok());
        auto first = commit.value()->first_sequence().value;
        auto outcome = commit.value()->finish(std::move(batch), sequences);
        EXPECT_TRUE(outcome.ok());
        EXPECT_EQ(outcome.value(), CommitOutcome::committed);
        return first;
    }

    void put(ShardId shard, std::string key, std::string value, Table table = Table::documents) {
        WriteBatch batch;
        batch.put(table, std::move(key), std::move(value));
        commit(shard, std::move(batch));
    }

    [[nodiscard]] std::optional<std::string> get(ShardId shard, std::string_view key,
                                                 Table table = Table::documents,
                                                 const Snapshot *snapshot = nullptr) {
        KeyRef reference{table, key};
        auto values = engine().read(shard, {&reference, 1}, snapshot);
        EXPECT_TRUE(values.ok());
        EXPECT_EQ(values->size(), 1);
        return values->front();
    }

    [[nodiscard]] Rows scan(const ScanRequest &request) {
        auto page = engine().scan(request);
        EXPECT_TRUE(page.ok());
        Rows rows;
        for (std::size_t i = 0; i < page->size(); ++i)
            rows.emplace_back(page->key(i), page->value(i));
        return rows;
    }

    [[nodiscard]] std::vector<std::string> keys(const ScanRequest &request) {
        std::vector<std::string> keys;
        for (auto &[key, value] : scan(request))
            keys.push_back(std::move(key));
        return keys;
    }

    [[nodiscard]] std::optional<std::vector<std::int64_t>> counters(ShardId shard, std::string_view key) {
        auto value = get(shard, key, Table::index);
        return value ? std::optional(decode_counters(*value)) : std::nullopt;
    }

    static constexpr ShardId kShard{7};

    TemporaryDirectory directory_;
    ManualClock clock_;
    std::unique_ptr<Engine> engine_;
};

} // namespace divan::kv
