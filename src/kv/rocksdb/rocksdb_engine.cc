#include "kv/rocksdb/rocksdb_engine.h"

#include "base/check.h"
#include "kv/page_filler.h"
#include "kv/rocksdb/database.h"
#include "kv/rocksdb/maintenance.h"
#include "kv/shard_locks.h"

#include <rocksdb/cache.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <mutex>

namespace divan::kv {
namespace {

using Values = std::vector<std::optional<std::string>>;

// The last sequence of the shards committed to lately. An entry is read and written only by who
// holds the shard; the mutex guards the map.
class SequenceCache {
  public:
    std::optional<std::uint64_t> find(ShardId shard) {
        std::lock_guard guard(mutex_);
        auto entry = last_.find(shard);
        return entry == last_.end() ? std::nullopt : std::optional(entry->second);
    }
    void put(ShardId shard, std::uint64_t last_sequence) {
        std::lock_guard guard(mutex_);
        if (last_.size() >= kEntriesMax)
            last_.clear();
        last_[shard] = last_sequence;
    }
    void forget(ShardId shard) {
        std::lock_guard guard(mutex_);
        last_.erase(shard);
    }

  private:
    static constexpr std::size_t kEntriesMax = 65'536;
    std::mutex mutex_;
    std::unordered_map<ShardId, std::uint64_t> last_;
};

class RocksdbSnapshot final : public Snapshot {
  public:
    RocksdbSnapshot(rocksdb::DB &db, std::chrono::nanoseconds now)
        : db_(db), snapshot_(db.GetSnapshot()), taken_at_(now) {}
    ~RocksdbSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
    [[nodiscard]] const rocksdb::Snapshot *get() const { return snapshot_; }
    [[nodiscard]] std::chrono::nanoseconds taken_at() const { return taken_at_; }

  private:
    rocksdb::DB &db_;
    const rocksdb::Snapshot *snapshot_;
    std::chrono::nanoseconds taken_at_;
};

class RocksdbEngine final : public Engine {
  public:
    RocksdbEngine(RocksdbOptions options, std::unique_ptr<RocksdbDatabase> database)
        : options_(std::move(options)), database_(std::move(database)) {}

    [[nodiscard]] Capabilities capabilities() const override {
        return {.single_writer = true, .snapshot_age_max = options_.snapshot_age_max};
    }
    Result<Values> read(ShardId shard, std::span<const KeyRef> keys, const Snapshot *snapshot) override;
    bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override;
    Result<Page> scan(const ScanRequest &request) override;
    Result<std::vector<Page>> scan_many(std::span<const ScanRequest> requests) override;
    Result<std::unique_ptr<Snapshot>> snapshot() override;
    Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                          std::uint32_t sequence_count) override;
    Result<void> stage(ShardId shard, WriteBatch batch) override;
    Result<CommitOutcome> stage_if(ShardId shard, KeyRef checkpoint,
                                   const std::optional<std::string> &expected, WriteBatch batch) override;
    Result<Sequence> last_sequence(ShardId shard) override;
    Result<void> erase_shard(ShardId shard) override;
    Result<std::uint64_t> approximate_bytes(ShardId shard) override {
        return approximate_bytes_of_shard(*database_, shard);
    }
    Result<void> compact_shard(ShardId shard) override { return compact_rows_of_shard(*database_, shard); }
    Result<void> sync() override { return database_->sync(); }
    [[nodiscard]] EngineStats stats() override;

    // REQUIRES: the caller holds the shard. `last_sequence` of 0: no sequence was taken.
    Result<void> commit(ShardId shard, const WriteBatch &batch, std::uint64_t last_sequence);

  private:
    // Read options for a snapshot, unless it is too old.
    [[nodiscard]] Result<rocksdb::ReadOptions> read_options(const Snapshot *snapshot) const;
    Result<Values> read_one(const rocksdb::ReadOptions &options, ShardId shard, KeyRef key);
    Result<Values> read_many(const rocksdb::ReadOptions &options, ShardId shard,
                             std::span<const KeyRef> keys);
    void append(rocksdb::WriteBatch &rows, const std::string &prefix, ShardId shard,
                const WriteBatch::Entry &entry);
    rocksdb::WriteBatch to_rocksdb(ShardId shard, const WriteBatch &batch);

    RocksdbOptions options_;
    std::unique_ptr<RocksdbDatabase> database_;
    ShardLocks locks_;
    ShardLocks derived_locks_; // of stage_if(): between its look at the checkpoint and its write
    SequenceCache sequences_;
};

class RocksdbCommit final : public Commit {
  public:
    RocksdbCommit(RocksdbEngine &engine, ShardId shard, ShardLocks::Lock lock, std::uint32_t sequence_count,
                  Sequence first_sequence, Values values)
        : engine_(engine), shard_(shard), lock_(std::move(lock)), sequence_count_(sequence_count),
          first_sequence_(first_sequence), values_(std::move(values)) {}

    [[nodiscard]] Sequence first_sequence() const override { return first_sequence_; }
    [[nodiscard]] const Values &values() const override { return values_; }

    Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) override {
        DIVAN_CHECK(!finished_);
        DIVAN_CHECK(sequences_used <= sequence_count_);
        finished_ = true;
        auto last_sequence = sequences_used == 0 ? 0 : first_sequence_.value + sequences_used - 1;
        auto written = engine_.commit(shard_, batch, last_sequence);
        lock_.release();
        if (!written.ok())
            return written.error();
        return CommitOutcome::committed;
    }

  private:
    RocksdbEngine &engine_;
    ShardId shard_;
    ShardLocks::Lock lock_;
    std::uint32_t sequence_count_;
    Sequence first_sequence_;
    Values values_;
    bool finished_ = false;
};

Result<rocksdb::ReadOptions> RocksdbEngine::read_options(const Snapshot *snapshot) const {
    rocksdb::ReadOptions options;
    if (snapshot == nullptr)
        return options;
    const auto &pinned = static_cast<const RocksdbSnapshot &>(*snapshot);
    if (options_.clock->monotonic() - pinned.taken_at() > options_.snapshot_age_max)
        return Error(ErrorCode::service_unavailable, "The response took too long: its snapshot has expired.");
    options.snapshot = pinned.get();
    return options;
}

Result<Values> RocksdbEngine::read(ShardId shard, std::span<const KeyRef> keys, const Snapshot *snapshot) {
    DIVAN_TRY(auto options, read_options(snapshot));
    if (keys.empty())
        return Values();
    return keys.size() == 1 ? read_one(options, shard, keys.front()) : read_many(options, shard, keys);
}

Result<Values> RocksdbEngine::read_one(const rocksdb::ReadOptions &options, ShardId shard, KeyRef key) {
    check_key(key);
    auto full_key = shard_prefix(shard).append(key.key);
    rocksdb::PinnableSlice value;
    auto status = database_->db().Get(options, database_->family(key.table), full_key, &value);
    Values values(1);
    if (status.ok())
        values.front() = value.ToString();
    else if (!status.IsNotFound())
        return RocksdbDatabase::read_error(status);
    return values;
}

Result<Values> RocksdbEngine::read_many(const rocksdb::ReadOptions &options, ShardId shard,
                                        std::span<const KeyRef> keys) {
    auto prefix = shard_prefix(shard);
    std::vector<std::string> full_keys;
    full_keys.reserve(keys.size()); // the slices below borrow from it
    std::vector<rocksdb::Slice> slices;
    std::vector<rocksdb::ColumnFamilyHandle *> families;
    for (const auto &key : keys) {
        check_key(key);
        slices.emplace_back(full_keys.emplace_back(prefix).append(key.key));
        families.push_back(database_->family(key.table));
    }
    std::vector<rocksdb::PinnableSlice> found(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    // Sorts within each family and looks keys of one block up together.
    database_->db().MultiGet(options, keys.size(), families.data(), slices.data(), found.data(),
                             statuses.data());
    Values values(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (statuses[i].ok())
            values[i] = found[i].ToString();
        else if (!statuses[i].IsNotFound())
            return RocksdbDatabase::read_error(statuses[i]);
    }
    return values;
}

bool RocksdbEngine::read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) {
    check_key(key);
    rocksdb::ReadOptions options;
    options.read_tier = rocksdb::kBlockCacheTier;
    rocksdb::PinnableSlice found;
    auto status = database_->db().Get(options, database_->family(key.table),
                                      shard_prefix(shard).append(key.key), &found);
    if (status.ok())
        value = found.ToString();
    else if (status.IsNotFound())
        value.reset();
    else
        return false;
    return true;
}

Result<Page> RocksdbEngine::scan(const ScanRequest &request) {
    DIVAN_TRY(auto options, read_options(request.snapshot));
    PageFiller filler(request);
    if (range_is_empty(request.begin, request.end))
        return filler.take();
    auto range = bounds(request.shard, request.begin, request.end);
    rocksdb::Slice lower = range.lower;
    rocksdb::Slice upper = range.upper;
    options.iterate_lower_bound = &lower;
    options.iterate_upper_bound = &upper;
    options.total_order_seek = true;
    std::unique_ptr<rocksdb::Iterator> row(
        database_->db().NewIterator(options, database_->family(request.table)));
    constexpr std::size_t kPrefixBytes = sizeof(request.shard.value);
    request.reverse ? row->SeekToLast() : row->SeekToFirst();
    while (row->Valid()) {
        auto key = row->key();
        key.remove_prefix(kPrefixBytes);
        if (!filler.add(key.ToStringView(), row->value().ToStringView()))
            break;
        request.reverse ? row->Prev() : row->Next();
    }
    if (!row->status().ok())
        return RocksdbDatabase::read_error(row->status());
    return filler.take();
}

Result<std::vector<Page>> RocksdbEngine::scan_many(std::span<const ScanRequest> requests) {
    std::vector<Page> pages;
    pages.reserve(requests.size());
    for (const auto &request : requests) {
        DIVAN_TRY(auto page, scan(request));
        pages.push_back(std::move(page));
    }
    return pages;
}

Result<std::unique_ptr<Snapshot>> RocksdbEngine::snapshot() {
    return std::unique_ptr<Snapshot>(
        std::make_unique<RocksdbSnapshot>(database_->db(), options_.clock->monotonic()));
}

Result<std::unique_ptr<Commit>> RocksdbEngine::begin(ShardId shard, std::span<const KeyRef> reads,
                                                     std::uint32_t sequence_count) {
    DIVAN_TRY_VOID(database_->check_writable());
    auto lock = locks_.lock(shard);
    // The commit waited for may have been the one that failed.
    DIVAN_TRY_VOID(database_->check_writable());
    DIVAN_TRY(auto values, read(shard, reads, nullptr));
    auto last = sequences_.find(shard);
    if (!last) {
        DIVAN_TRY(auto stored, last_sequence(shard));
        last = stored.value;
        sequences_.put(shard, *last);
    }
    return std::unique_ptr<Commit>(std::make_unique<RocksdbCommit>(
        *this, shard, std::move(lock), sequence_count, Sequence(*last + 1), std::move(values)));
}

Result<void> RocksdbEngine::commit(ShardId shard, const WriteBatch &batch, std::uint64_t last_sequence) {
    if (batch.empty() && last_sequence == 0)
        return database_->sync(); // what was staged before must still be durable after it
    auto rows = to_rocksdb(shard, batch);
    if (last_sequence != 0)
        rows.Put(database_->family(Table::documents), sequence_row_key(shard),
                 encode_sequence_row(last_sequence))
            .PermitUncheckedError();
    DIVAN_TRY_VOID(database_->write(rows, true));
    if (last_sequence != 0)
        sequences_.put(shard, last_sequence);
    return {};
}

Result<void> RocksdbEngine::stage(ShardId shard, WriteBatch batch) {
    DIVAN_TRY_VOID(database_->check_writable());
    auto rows = to_rocksdb(shard, batch);
    return database_->write(rows, false);
}

Result<CommitOutcome> RocksdbEngine::stage_if(ShardId shard, KeyRef checkpoint,
                                              const std::optional<std::string> &expected, WriteBatch batch) {
    auto lock = derived_locks_.lock(shard);
    DIVAN_TRY(auto values, read(shard, std::span(&checkpoint, 1), nullptr));
    if (values.front() != expected)
        return CommitOutcome::conflict;
    DIVAN_TRY_VOID(stage(shard, std::move(batch)));
    return CommitOutcome::committed;
}

rocksdb::WriteBatch RocksdbEngine::to_rocksdb(ShardId shard, const WriteBatch &batch) {
    constexpr std::size_t kEntryOverheadBytes = 16;
    rocksdb::WriteBatch rows(batch.bytes() + kEntryOverheadBytes * (batch.entries().size() + 4));
    auto prefix = shard_prefix(shard);
    for (const auto &entry : batch.entries())
        append(rows, prefix, shard, entry);
    return rows;
}

void RocksdbEngine::append(rocksdb::WriteBatch &rows, const std::string &prefix, ShardId shard,
                           const WriteBatch::Entry &entry) {
    auto *family = database_->family(entry.table);
    std::array<rocksdb::Slice, 2> key_slices{prefix, entry.key};
    rocksdb::Slice value_slice = entry.value;
    rocksdb::SliceParts key(key_slices.data(), 2);
    rocksdb::SliceParts value(&value_slice, 1);
    rocksdb::Status status;
    switch (entry.kind) {
    case WriteBatch::Kind::put:
        status = rows.Put(family, key, value);
        break;
    case WriteBatch::Kind::erase:
        status = rows.Delete(family, key);
        break;
    case WriteBatch::Kind::erase_once:
        status = rows.SingleDelete(family, key);
        break;
    case WriteBatch::Kind::add:
        status = rows.Merge(family, key, value);
        break;
    case WriteBatch::Kind::erase_range:
        if (!range_is_empty(entry.key, entry.value)) {
            auto range = bounds(shard, entry.key, entry.value);
            status = rows.DeleteRange(family, range.lower, range.upper);
        }
        break;
    }
    DIVAN_CHECK(status.ok()); // fails only for sizes that kv::WriteBatch does not let through
}

Result<Sequence> RocksdbEngine::last_sequence(ShardId shard) {
    std::string value;
    auto status = database_->db().Get(rocksdb::ReadOptions(), database_->family(Table::documents),
                                      sequence_row_key(shard), &value);
    if (status.IsNotFound())
        return Sequence(0);
    if (!status.ok())
        return RocksdbDatabase::read_error(status);
    DIVAN_TRY(auto last, decode_sequence_row(value));
    return Sequence(last);
}

Result<void> RocksdbEngine::erase_shard(ShardId shard) {
    sequences_.forget(shard);
    return erase_rows_of_shard(*database_, shard);
}

EngineStats RocksdbEngine::stats() {
    const auto &shared = database_->shared();
    EngineStats stats;
    stats.block_reads = shared.statistics->getTickerCount(rocksdb::BLOCK_CACHE_MISS);
    std::uint64_t table_reader_bytes = 0;
    database_->db().GetAggregatedIntProperty(rocksdb::DB::Properties::kEstimateTableReadersMem,
                                             &table_reader_bytes);
    stats.memory_bytes = shared.cache->GetUsage() + table_reader_bytes;
    std::error_code error;
    for (std::filesystem::directory_iterator file(options_.directory, error), end; !error && file != end;
         file.increment(error)) {
        std::error_code vanished; // files come and go
        auto bytes = file->file_size(vanished);
        stats.bytes_on_disk += vanished ? 0 : bytes;
    }
    return stats;
}

} // namespace

Result<std::unique_ptr<Engine>> open_rocksdb_engine(RocksdbOptions options) {
    DIVAN_CHECK(options.clock != nullptr);
    DIVAN_TRY(auto database, RocksdbDatabase::open(options));
    return std::unique_ptr<Engine>(std::make_unique<RocksdbEngine>(std::move(options), std::move(database)));
}

std::string rocksdb_version() {
    return rocksdb::GetRocksVersionAsString();
}

} // namespace divan::kv
