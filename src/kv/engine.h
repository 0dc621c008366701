#pragma once

// The engine contract: ordered keys and values in shards, committed atomically and durably.
//
// It is shaped by the weaker engine (PostgreSQL), so that both fit below the same code:
// a call is a round trip, so reads are batched or bounded ranges, and a commit is two-phase.
// Engines: kv/rocksdb (production), kv/memory (tests, `divan serve --memory`). The conformance suite
// in kv/testing runs against each; it is the executable form of this page.
//
// Limits: keys of 1 to 2,048 bytes (kKeyBytesMax), values up to 1 MiB (kValueBytesMax). Exceeding
// them is a programming error of the caller (checked).
//
// Threads: an Engine may be called from any thread at once. Snapshots and pages may be read from
// any thread; a commit may be finished on another thread than it was begun on. Calls may block on
// disk: never call from a network thread, except read_cached.
//
// Lifetime: commits and snapshots are destroyed before their engine.

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_id.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::kv {

inline constexpr std::size_t kKeyBytesMax = 2'048;
inline constexpr std::size_t kValueBytesMax = 1 << 20;

// A shard is the unit of ordering and of commits. Ids are never reused. Shard 0 is the catalog's.
struct ShardTag;
using ShardId = StrongId<ShardTag, std::uint32_t>;
inline constexpr ShardId kCatalogShard{0};

// Numbers commits within a shard, from 1, without reuse.
struct SequenceTag;
using Sequence = StrongId<SequenceTag>;

// Four tables for all shards; rows with a different life get a different table, so that each can
// be tuned for it.
enum class Table : std::uint8_t {
    documents,   // heads, trees, bodies, local documents, metadata: read by key and by range
    sequences,   // by-seq entries: written once, deleted once, scanned forwards
    index,       // view rows and what derived data needs
    attachments, // large values, written once
};
inline constexpr std::size_t kTableCount = 4;

// A key inside a shard; the shard is always passed beside it. Borrowed.
struct KeyRef {
    Table table;
    std::string_view key;
};

// Stops the process if the key is empty or longer than kKeyBytesMax. For engines, on every key
// they are asked to read; a WriteBatch checks its own.
void check_key(KeyRef key);

// The writes of one commit, applied in order and atomically.
class WriteBatch {
  public:
    enum class Kind : std::uint8_t { put, erase, erase_once, erase_range, add };
    struct Entry {
        Kind kind;
        Table table;
        std::string key;   // for erase_range: first key
        std::string value; // for erase_range: the first key after the range; for add: encoded deltas
    };

    void put(Table table, std::string key, std::string value);
    void erase(Table table, std::string key);
    // As erase, for a key that was put exactly once since it was last erased: cheaper where an
    // engine keeps tombstones. REQUIRES: put once, never overwritten.
    void erase_once(Table table, std::string key);
    // Erases keys in [begin, end); an empty `end` means to the end of the table in this shard.
    // Meant for rare, large removals.
    void erase_range(Table table, std::string begin, std::string end);

    // Adds to a row of counters without reading it: element by element, a missing row or element is
    // 0. A counter row is only ever written by add() and erase().
    void add(Table table, std::string key, std::span<const std::int64_t> deltas);

    // Orders entries by table and key, which makes large batches cheaper to write; those of one key stay in
    // their order. REQUIRES: no erase_range().
    void sort();

    [[nodiscard]] const std::vector<Entry> &entries() const { return entries_; }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    // Bytes of keys and values.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    void clear();

  private:
    void append(Kind kind, Table table, std::string key, std::string value);

    std::vector<Entry> entries_;
    std::size_t bytes_ = 0;
};

// Counter rows are 8 big-endian bytes a counter, two's complement.
[[nodiscard]] std::string encode_counters(std::span<const std::int64_t> counters);
[[nodiscard]] std::vector<std::int64_t> decode_counters(std::string_view value);
// The sum of two encoded rows, as long as the longer one.
[[nodiscard]] std::string add_counters(std::string_view left, std::string_view right);

// A fixed state of all shards. Releasing it is cheap; keeping it long is not: engines may refuse
// reads (ErrorCode::service_unavailable) through one older than Capabilities::snapshot_age_max.
class Snapshot {
  public:
    virtual ~Snapshot() = default;
};

// Rows of one scan, in the order of the scan, in one allocation.
class Page {
  public:
    void add(std::string_view key, std::string_view value);
    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::string_view key(std::size_t row) const;
    [[nodiscard]] std::string_view value(std::size_t row) const;
    [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }

    // The scan stopped at a limit and the range has more rows.
    bool more = false;

  private:
    struct Row {
        std::uint32_t begin, key_size, value_size;
    };
    std::string bytes_;
    std::vector<Row> rows_;
};

struct ScanRequest {
    ShardId shard;
    Table table = Table::documents;
    std::string begin = {}; // first key of the range
    std::string end = {};   // first key after the range; empty = to the end of the table
    bool reverse = false;   // from the last key of the range to the first
    bool keys_only = false; // values come back empty
    std::size_t rows_max = 1'000;
    std::size_t bytes_max = 4 << 20;    // of keys and values; at least one row is returned
    const Snapshot *snapshot = nullptr; // null = the newest committed state
};

enum class CommitOutcome : std::uint8_t {
    committed, // durable
    conflict,  // another writer was faster: nothing was written, start again
    unknown,   // the answer was lost: read again to find out
};

// The second phase of a commit. Between begin() and finish() the shard is locked against other
// commits, so it must be short: no I/O of the caller's, no JavaScript. Destroying it unfinished
// writes nothing and uses no sequence.
class Commit {
  public:
    virtual ~Commit() = default;
    // The first of the sequences asked for; they are consecutive.
    [[nodiscard]] virtual Sequence first_sequence() const = 0;
    // The states of the keys given to begin(), in that order.
    [[nodiscard]] virtual const std::vector<std::optional<std::string>> &values() const = 0;
    // Writes everything or nothing, and has it on stable storage before it answers `committed`.
    // The first `sequences_used` of the reserved sequences are taken; engines give the others to the
    // next commit or leave a gap.
    // After a failed write or sync the engine refuses every later write
    // (ErrorCode::storage_failed); whether the failed batch is there shows only after reopening.
    // REQUIRES: sequences_used <= the number reserved. Call once.
    virtual Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) = 0;
};

struct Capabilities {
    // No other process writes: what was read in this process after its last commit to a shard,
    // by the one that commits to it, is still true, and need not be read again under the lock.
    bool single_writer = false;
    Millis snapshot_age_max{600'000};
};

// What an engine can say about itself, for _stats, _system and the benchmarks.
struct EngineStats {
    std::uint64_t bytes_on_disk = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t block_reads = 0; // blocks read from files since the engine was opened
};

class Engine {
  public:
    virtual ~Engine() = default;

    [[nodiscard]] virtual Capabilities capabilities() const = 0;

    // The values of `keys`, in that order; nullopt where there is none.
    virtual Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                                 const Snapshot *snapshot = nullptr) = 0;

    // As read() for one key, answered only if that needs no I/O: true and the value (or nullopt)
    // in `value`; false = ask read(). The one call a network thread may make.
    virtual bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) = 0;

    virtual Result<Page> scan(const ScanRequest &request) = 0;

    // A page for each request, in that order: one call for many small ranges.
    virtual Result<std::vector<Page>> scan_many(std::span<const ScanRequest> requests) = 0;

    virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;

    // Locks the shard, reads the states of `reads` and reserves `sequence_count` sequences
    // (0 is allowed: then first_sequence() is the next one to be given).
    // Waits for the commit that holds the shard. REQUIRES: this thread holds no commit of it.
    virtual Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                                  std::uint32_t sequence_count) = 0;

    // Writes rows that a later commit will refer to (chunks of an upload). Atomic, not durable by
    // itself; durable at the latest when the next commit to the same shard is.
    virtual Result<void> stage(ShardId shard, WriteBatch batch) = 0;

    // As stage(), for derived rows, which follow a checkpoint: only if the row `checkpoint` holds `expected`
    // (nullopt = there is no such row); otherwise `conflict`, and nothing is written. The batch moves the
    // checkpoint, so of two who derive the same rows one is refused. Does not wait for commits of the shard.
    // A crash takes back the newest of such writes at most, each as a whole; never the documents that they
    // were derived from.
    virtual Result<CommitOutcome> stage_if(ShardId shard, KeyRef checkpoint,
                                           const std::optional<std::string> &expected, WriteBatch batch) = 0;

    // The last sequence given in a shard; 0 for a new one.
    virtual Result<Sequence> last_sequence(ShardId shard) = 0;

    // Removes every row of a shard, in all tables. Not atomic: may be interrupted and called again.
    // Meant for the background: it must not slow other shards' reads. The shard is never used again;
    // snapshots may lose it at once. Durable when it returns.
    virtual Result<void> erase_shard(ShardId shard) = 0;

    // Bytes a shard takes on disk and in memory tables, approximately. Cheap.
    virtual Result<std::uint64_t> approximate_bytes(ShardId shard) = 0;

    // Rewrites the shard's files without what was erased. May take long; for the background.
    virtual Result<void> compact_shard(ShardId shard) = 0;

    // Makes everything committed and staged durable.
    virtual Result<void> sync() = 0;

    [[nodiscard]] virtual EngineStats stats() = 0;
};

} // namespace divan::kv
