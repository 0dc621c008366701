#include "kv/rocksdb/rocksdb_engine.h"

#include "base/bytes.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "kv/shard_locks.h"

#include <array>
#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <unordered_map>

namespace divan::kv {
namespace {

// The row with the last sequence of a shard: sorts before every key that callers use.
constexpr std::string_view kSequenceRow{"\0", 1};
// An erased shard with more rows than this is removed by one range tombstone a table; fewer rows
// are erased one by one, since many range tombstones slow every read down.
constexpr std::size_t kPointErasesMax = 100'000;
constexpr std::size_t kEraseBatchRows = 1'000;

std::string full_key(ShardId shard, std::string_view key) {
    std::string full;
    full.reserve(4 + key.size());
    append_u32(full, shard.value);
    full.append(key);
    return full;
}

rocksdb::Slice slice(std::string_view bytes) {
    return {bytes.data(), bytes.size()};
}

class RocksdbSnapshot final : public Snapshot {
  public:
    RocksdbSnapshot(rocksdb::DB &db, std::chrono::nanoseconds made)
        : db_(db), snapshot_(db.GetSnapshot()), made_at(made) {}
    ~RocksdbSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
    [[nodiscard]] const rocksdb::Snapshot *get() const { return snapshot_; }

  private:
    rocksdb::DB &db_;
    const rocksdb::Snapshot *snapshot_;

  public:
    const std::chrono::nanoseconds made_at;
};

class RocksdbEngine;

class RocksdbCommit final : public Commit {
  public:
    RocksdbCommit(RocksdbEngine &engine, ShardId shard) : engine_(engine), shard_(shard) {}
    ~RocksdbCommit() override;
    [[nodiscard]] Sequence first_sequence() const override { return first; }
    [[nodiscard]] const std::vector<std::optional<std::string>> &values() const override {
        return read_values;
    }
    Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) override;

    Sequence first;
    std::vector<std::optional<std::string>> read_values;

  private:
    RocksdbEngine &engine_;
    ShardId shard_;
};

class RocksdbEngine final : public Engine {
  public:
    RocksdbEngine(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle *> families,
                  std::shared_ptr<rocksdb::Statistics> statistics, std::shared_ptr<rocksdb::Cache> cache,
                  Clock *clock)
        : db_(std::move(db)), families_(std::move(families)), statistics_(std::move(statistics)),
          cache_(std::move(cache)), clock_(clock) {}

    ~RocksdbEngine() override {
        for (auto *family : families_)
            ignore_error(to_result(db_->DestroyColumnFamilyHandle(family)), "closing");
        ignore_error(to_result(db_->Close()), "closing: the write-ahead log holds what was committed");
    }

    [[nodiscard]] Capabilities capabilities() const override { return {.single_writer = true}; }

    Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                         const Snapshot *snapshot) override {
        rocksdb::ReadOptions options;
        DIVAN_TRY_VOID(use_snapshot(options, snapshot));
        std::vector<std::optional<std::string>> values(keys.size());
        if (keys.size() == 1) {
            std::string value;
            auto status = db_->Get(options, family(keys[0].table), full_key(shard, keys[0].key), &value);
            if (status.ok())
                values[0] = std::move(value);
            else if (!status.IsNotFound())
                return to_result(status).error();
            return values;
        }
        std::vector<std::string> full_keys;
        std::vector<rocksdb::ColumnFamilyHandle *> families;
        full_keys.reserve(keys.size());
        families.reserve(keys.size());
        for (const auto &key : keys) {
            full_keys.push_back(full_key(shard, key.key));
            families.push_back(family(key.table));
        }
        std::vector<rocksdb::Slice> slices(full_keys.begin(), full_keys.end());
        std::vector<rocksdb::PinnableSlice> found(keys.size());
        std::vector<rocksdb::Status> statuses(keys.size());
        db_->MultiGet(options, keys.size(), families.data(), slices.data(), found.data(), statuses.data(),
                      false);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (statuses[i].ok())
                values[i] = found[i].ToString();
            else if (!statuses[i].IsNotFound())
                return to_result(statuses[i]).error();
        }
        return values;
    }

    bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override {
        rocksdb::ReadOptions options;
        options.read_tier = rocksdb::kBlockCacheTier;
        std::string found;
        auto status = db_->Get(options, family(key.table), full_key(shard, key.key), &found);
        if (status.ok()) {
            value = std::move(found);
            return true;
        }
        value.reset();
        return status.IsNotFound();
    }

    Result<Page> scan(const ScanRequest &request) override {
        rocksdb::ReadOptions options;
        DIVAN_TRY_VOID(use_snapshot(options, request.snapshot));
        auto begin = full_key(request.shard, request.begin);
        auto end = request.end.empty() ? full_key(ShardId(request.shard.value + 1), {})
                                       : full_key(request.shard, request.end);
        Page page;
        if (begin >= end)
            return page;
        rocksdb::Slice lower(begin);
        rocksdb::Slice upper(end);
        options.iterate_lower_bound = &lower;
        options.iterate_upper_bound = &upper;
        options.auto_prefix_mode = false;
        std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options, family(request.table)));
        if (request.reverse)
            iterator->SeekToLast();
        else
            iterator->Seek(lower);
        for (; iterator->Valid(); request.reverse ? iterator->Prev() : iterator->Next()) {
            auto key = iterator->key().ToStringView().substr(4);
            if (key == kSequenceRow && request.table == Table::documents)
                continue;
            if (page.size() == request.rows_max || (!page.empty() && page.bytes() >= request.bytes_max)) {
                page.more = true;
                break;
            }
            page.add(key, request.keys_only ? std::string_view() : iterator->value().ToStringView());
        }
        DIVAN_TRY_VOID(to_result(iterator->status()));
        return page;
    }

    Result<std::unique_ptr<Snapshot>> snapshot() override {
        return std::unique_ptr<Snapshot>(std::make_unique<RocksdbSnapshot>(*db_, now()));
    }

    Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                          std::uint32_t /*sequence_count*/) override {
        DIVAN_TRY_VOID(check_writable());
        locks_.lock(shard);
        auto commit = std::make_unique<RocksdbCommit>(*this, shard); // unlocks, whatever happens
        DIVAN_TRY(auto last, last_sequence(shard));
        commit->first = Sequence(last.value + 1);
        if (!reads.empty()) {
            DIVAN_TRY(commit->read_values, read(shard, reads, nullptr));
        }
        return std::unique_ptr<Commit>(std::move(commit));
    }

    Result<CommitOutcome> finish(ShardId shard, Sequence first, const WriteBatch &batch, std::uint32_t used) {
        DIVAN_TRY_VOID(check_writable());
        rocksdb::WriteBatch writes(batch.bytes() + batch.entries().size() * 16);
        DIVAN_TRY_VOID(fill(writes, shard, batch));
        if (used > 0) {
            std::string value;
            append_u64(value, first.value + used - 1);
            DIVAN_TRY_VOID(
                to_result(writes.Put(family(Table::documents), full_key(shard, kSequenceRow), value)));
        }
        rocksdb::WriteOptions options;
        options.sync = true;
        DIVAN_TRY_VOID(write(options, writes));
        if (used > 0) {
            std::lock_guard lock(sequences_mutex_);
            sequences_[shard.value] = first.value + used - 1;
        }
        return CommitOutcome::committed;
    }

    Result<void> stage(ShardId shard, WriteBatch batch) override {
        DIVAN_TRY_VOID(check_writable());
        rocksdb::WriteBatch writes(batch.bytes() + batch.entries().size() * 16);
        DIVAN_TRY_VOID(fill(writes, shard, batch));
        return write(rocksdb::WriteOptions(), writes);
    }

    Result<Sequence> last_sequence(ShardId shard) override {
        {
            std::lock_guard lock(sequences_mutex_);
            if (auto found = sequences_.find(shard.value); found != sequences_.end())
                return Sequence(found->second);
        }
        std::string value;
        auto status =
            db_->Get(rocksdb::ReadOptions(), family(Table::documents), full_key(shard, kSequenceRow), &value);
        if (!status.ok() && !status.IsNotFound())
            return to_result(status).error();
        std::uint64_t last = status.ok() ? ByteReader(value).u64() : 0;
        std::lock_guard lock(sequences_mutex_);
        if (sequences_.size() >= kSequencesCachedMax)
            sequences_.clear();
        // Another thread may have committed since the row was read.
        auto &cached = sequences_[shard.value];
        cached = std::max(cached, last);
        return Sequence(cached);
    }

    Result<void> erase_shard(ShardId shard) override {
        DIVAN_TRY_VOID(check_writable());
        auto begin = full_key(shard, {});
        auto end = full_key(ShardId(shard.value + 1), {});
        for (auto *family : families_) {
            rocksdb::Slice first(begin);
            rocksdb::Slice last(end);
            rocksdb::RangePtr range(&first, &last);
            DIVAN_TRY_VOID(to_result(rocksdb::DeleteFilesInRanges(db_.get(), family, &range, 1, false)));
            DIVAN_TRY_VOID(erase_rest(family, begin, end));
        }
        std::lock_guard lock(sequences_mutex_);
        sequences_.erase(shard.value);
        return {};
    }

    Result<std::uint64_t> approximate_bytes(ShardId shard) override {
        auto begin = full_key(shard, {});
        auto end = full_key(ShardId(shard.value + 1), {});
        rocksdb::Range range(begin, end);
        rocksdb::SizeApproximationOptions options;
        options.include_files = true;
        options.include_memtables = true;
        options.files_size_error_margin = 0.1;
        std::uint64_t sum = 0;
        for (auto *family : families_) {
            std::uint64_t bytes = 0;
            DIVAN_TRY_VOID(to_result(db_->GetApproximateSizes(options, family, &range, 1, &bytes)));
            sum += bytes;
        }
        return sum;
    }

    Result<void> compact_shard(ShardId shard) override {
        auto begin = full_key(shard, {});
        auto end = full_key(ShardId(shard.value + 1), {});
        rocksdb::CompactRangeOptions options;
        options.exclusive_manual_compaction = false;
        for (auto *family : families_) {
            rocksdb::Slice first(begin);
            rocksdb::Slice last(end);
            DIVAN_TRY_VOID(to_result(db_->CompactRange(options, family, &first, &last)));
        }
        return {};
    }

    Result<void> sync() override {
        DIVAN_TRY_VOID(check_writable());
        return poison_if_failed(db_->SyncWAL());
    }

    EngineStats stats() override {
        EngineStats stats;
        for (auto *family : families_) {
            std::uint64_t number = 0;
            if (db_->GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &number))
                stats.bytes_on_disk += number;
            if (db_->GetIntProperty(family, "rocksdb.total-blob-file-size", &number))
                stats.bytes_on_disk += number;
            if (db_->GetIntProperty(family, rocksdb::DB::Properties::kSizeAllMemTables, &number))
                stats.memory_bytes += number;
        }
        stats.memory_bytes += cache_->GetUsage();
        stats.block_reads = statistics_->getTickerCount(rocksdb::BLOCK_CACHE_DATA_MISS);
        return stats;
    }

    void release(ShardId shard) { locks_.unlock(shard); }

  private:
    static constexpr std::size_t kSequencesCachedMax = 100'000;

    [[nodiscard]] rocksdb::ColumnFamilyHandle *family(Table table) const {
        return families_[static_cast<std::size_t>(table)];
    }

    [[nodiscard]] std::chrono::nanoseconds now() const {
        return clock_ == nullptr ? std::chrono::nanoseconds(0) : clock_->monotonic();
    }

    Result<void> use_snapshot(rocksdb::ReadOptions &options, const Snapshot *snapshot) const {
        if (snapshot == nullptr)
            return {};
        const auto *ours = static_cast<const RocksdbSnapshot *>(snapshot);
        if (now() - ours->made_at > capabilities().snapshot_age_max)
            return Error(ErrorCode::service_unavailable,
                         "This answer took too long to read: ask for the rest anew.");
        options.snapshot = ours->get();
        return {};
    }

    [[nodiscard]] Result<void> check_writable() const {
        if (poisoned_)
            return ErrorCode::storage_failed;
        return {};
    }

    Result<void> write(const rocksdb::WriteOptions &options, rocksdb::WriteBatch &writes) {
        return poison_if_failed(db_->Write(options, &writes));
    }

    // After a failed write nobody knows what the file holds: nothing more is acknowledged.
    Result<void> poison_if_failed(const rocksdb::Status &status) {
        if (status.ok())
            return {};
        poisoned_ = true;
        return Error(ErrorCode::storage_failed,
                     fmt::format("{} ({})", default_reason(ErrorCode::storage_failed), status.ToString()));
    }

    Result<void> fill(rocksdb::WriteBatch &writes, ShardId shard, const WriteBatch &batch) const {
        for (const auto &entry : batch.entries()) {
            auto *table = family(entry.table);
            auto key = full_key(shard, entry.key);
            rocksdb::Status status;
            switch (entry.kind) {
            case WriteBatch::Kind::put:
                status = writes.Put(table, key, entry.value);
                break;
            case WriteBatch::Kind::erase:
                status = writes.Delete(table, key);
                break;
            case WriteBatch::Kind::erase_once:
                status = writes.SingleDelete(table, key);
                break;
            case WriteBatch::Kind::erase_range:
                status = writes.DeleteRange(table, key,
                                            entry.value.empty() ? full_key(ShardId(shard.value + 1), {})
                                                                : full_key(shard, entry.value));
                break;
            case WriteBatch::Kind::add:
                status = writes.Merge(table, key, entry.value);
                break;
            }
            DIVAN_TRY_VOID(to_result(status));
        }
        return {};
    }

    Result<void> erase_rest(rocksdb::ColumnFamilyHandle *family, const std::string &begin,
                            const std::string &end) {
        rocksdb::ReadOptions options;
        rocksdb::Slice lower(begin);
        rocksdb::Slice upper(end);
        options.iterate_lower_bound = &lower;
        options.iterate_upper_bound = &upper;
        options.fill_cache = false;
        std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options, family));
        std::size_t erased = 0;
        rocksdb::WriteBatch writes;
        for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
            if (++erased > kPointErasesMax) {
                rocksdb::WriteBatch range;
                DIVAN_TRY_VOID(to_result(range.DeleteRange(family, slice(begin), slice(end))));
                return write(rocksdb::WriteOptions(), range);
            }
            DIVAN_TRY_VOID(to_result(writes.Delete(family, iterator->key())));
            if (writes.Count() >= static_cast<int>(kEraseBatchRows)) {
                DIVAN_TRY_VOID(write(rocksdb::WriteOptions(), writes));
                writes.Clear();
            }
        }
        DIVAN_TRY_VOID(to_result(iterator->status()));
        return writes.Count() == 0 ? Result<void>() : write(rocksdb::WriteOptions(), writes);
    }

    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle *> families_;
    std::shared_ptr<rocksdb::Statistics> statistics_;
    std::shared_ptr<rocksdb::Cache> cache_;
    Clock *clock_;
    ShardLocks locks_;
    std::atomic<bool> poisoned_ = false;
    std::mutex sequences_mutex_;
    std::unordered_map<std::uint32_t, std::uint64_t> sequences_;
};

RocksdbCommit::~RocksdbCommit() {
    engine_.release(shard_);
}

Result<CommitOutcome> RocksdbCommit::finish(WriteBatch batch, std::uint32_t sequences_used) {
    return engine_.finish(shard_, first, batch, sequences_used);
}

} // namespace

Result<std::unique_ptr<Engine>> open_rocksdb_engine(const RocksdbOptions &options) {
    auto tuning = make_rocksdb_tuning(options);
    std::vector<rocksdb::ColumnFamilyHandle *> families;
    rocksdb::DB *raw = nullptr;
    auto status = rocksdb::DB::Open(tuning.database, options.directory, tuning.families, &families, &raw);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos)
        return Error(ErrorCode::service_unavailable,
                     fmt::format("The data directory {} is in use by another process.", options.directory));
    DIVAN_TRY_VOID(to_result(status));
    std::unique_ptr<rocksdb::DB> db(raw);
    // The default family is made by RocksDB and holds nothing.
    DIVAN_TRY_VOID(to_result(db->DestroyColumnFamilyHandle(families.front())));
    families.erase(families.begin());
    return std::unique_ptr<Engine>(std::make_unique<RocksdbEngine>(
        std::move(db), std::move(families), tuning.statistics, tuning.cache, options.clock));
}

} // namespace divan::kv
