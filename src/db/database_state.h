#pragma once

// The insides of a Database, shared by the files of this module.

#include "db/commit_group.h"
#include "db/database.h"
#include "db/format.h"
#include "db/store.h"
#include "db/verdicts.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

namespace divan::db {

struct ExpectedStates;

// What all databases of a store share. Outlives them.
struct Context {
    Context(const Store::Services &services, StoreOptions options);

    kv::Engine &engine;
    Executor &pool;
    Clock &clock;
    Random &random;
    const std::uint64_t run_id; // of this life of the process
    const bool single_writer;
    WriteValidator *const validator; // or null
    CommitAudit *const audit;        // or null
    std::atomic<bool> disk_full = false;

    [[nodiscard]] std::shared_ptr<const StoreOptions> options() const { return std::atomic_load(&options_); }
    void set_options(StoreOptions options) {
        std::atomic_store(&options_, std::make_shared<const StoreOptions>(std::move(options)));
    }
    // Hours since 1970.
    [[nodiscard]] std::uint64_t hour() const;
    // A random number that does not occur twice.
    [[nodiscard]] std::uint64_t random_number() const;

    // A number that no state of a database had before; see Database::design_version().
    [[nodiscard]] std::uint64_t next_design_version() { return ++design_versions_; }

    std::function<void(const DatabaseEvent &)> on_event;

  private:
    std::shared_ptr<const StoreOptions> options_;
    std::atomic<std::uint64_t> design_versions_ = 0;
};

// The element of a counter row.
enum class Counter : std::uint8_t {
    documents,
    deleted,
    design_documents,
    external_bytes, // of winners: JSON and attachment content
    active_bytes,   // stored for leaves
    replaced_bytes, // stored for replaced revisions
    kCount,
};
inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::kCount);

struct Database::State : std::enable_shared_from_this<Database::State> {
    State(Context &shared_context, std::string database_name, format::CatalogEntry catalog_entry);

    // Reads the settings and the newest time mark. Call once before anything else.
    Result<void> load();
    // Removes what uploads left behind whose edit was refused or never came.
    Result<void> sweep_uploads();

    [[nodiscard]] Result<void> check_open() const;
    // As check_open, and the disk has space.
    [[nodiscard]] Result<void> check_writable() const;

    [[nodiscard]] std::shared_ptr<const format::Meta> meta() const { return std::atomic_load(&meta_); }
    void set_meta(format::Meta meta) {
        std::atomic_store(&meta_, std::make_shared<const format::Meta>(std::move(meta)));
    }

    Result<std::vector<std::int64_t>> counters();
    // The same of a partition.
    Result<std::vector<std::int64_t>> counters(std::string_view partition);
    // Whether a document may be looked for under `id`. Errors: illegal_docid.
    [[nodiscard]] Result<void> check_known_id(std::string_view id) const;
    Result<std::optional<std::string>> read(kv::Table table, std::string_view key);
    // A document's whole tree as it is at one moment, whoever writes it meanwhile; nullopt if there is no
    // document.
    Result<std::optional<doc::RevTree>> current_tree(std::string_view id);
    // Decodes a change and fills in leaves that did not fit into its row.
    Result<Change> complete_change(kv::Sequence sequence, std::string_view value);

    // Puts operations into the commit queue, all or none; their answers come on pool threads. Never blocks.
    void submit(std::vector<std::unique_ptr<Operation>> operations);
    // The same for edits; `expected` may be null.
    void submit_edits(std::vector<Edit> edits, const WriteContext &author,
                      std::shared_ptr<ExpectedStates> expected, WriteDone done);

    // Runs an operation and waits for its answer. `make` gets the callback to answer with. Safe on the engine
    // pool however many wait there: who waits leads groups himself.
    template <typename Answer, typename Make> Answer run(Make make) {
        std::optional<Answer> answer;
        std::atomic<bool> answered = false;
        std::vector<std::unique_ptr<Operation>> operations;
        operations.push_back(make([&](Answer given) {
            answer.emplace(std::move(given));
            answered = true;
        }));
        enqueue(std::move(operations));
        while (!answered)
            lead_or_wait(answered);
        return std::move(*answer);
    }

    void notify();

    // The last sequence as far as it is known in memory; 0 = it is not. Only grows.
    void note_sequence(kv::Sequence sequence) {
        auto known = newest_sequence_.load();
        while (known < sequence.value && !newest_sequence_.compare_exchange_weak(known, sequence.value)) {
        }
    }
    [[nodiscard]] kv::Sequence newest_sequence() const { return kv::Sequence(newest_sequence_); }

    Context &context;
    const std::string name;
    const format::CatalogEntry entry;
    const std::string instance_start_time;
    // Of this database in this life of the process: one that is deleted and made again has another history.
    const std::uint64_t run_id;

    // See Database::design_version(). How many design documents there are, known without a read.
    std::atomic<std::uint64_t> design_version = 0;
    std::atomic<std::int64_t> design_document_count = 0;

    std::atomic<bool> deleted = false;
    std::atomic<bool> compacting = false;
    std::atomic<std::uint64_t> compaction_done = 0;
    std::atomic<std::uint64_t> compaction_total = 0;
    std::atomic<std::int64_t> compaction_started_micros = 0;
    // Hour of the newest time mark; see expire_tombstones in maintenance.h.
    std::atomic<std::uint64_t> time_mark_hour = 0;

    // What handles with a Visibility counted, by its digest: good until the next commit.
    struct ShownCounts {
        kv::Sequence sequence;
        Counts counts;
    };
    std::mutex shown_counts_mutex;
    std::map<std::string, ShownCounts> shown_counts;
    Verdicts verdicts;

    std::mutex listeners_mutex;
    std::vector<std::weak_ptr<Event>> listeners;

    std::mutex uploads_mutex;
    std::set<AttachmentId> live_uploads;
    // Since the last sweep, with or without an edit.
    std::atomic<bool> uploads_ended = false;

  private:
    Result<void> sweep_upload(const std::string &mark);
    bool upload_is_live(const AttachmentId &id);

    // false: the queue is full and the operations were answered.
    bool enqueue(std::vector<std::unique_ptr<Operation>> operations);
    void post_lead();
    void lead();
    void lead_or_wait(const std::atomic<bool> &answered);
    // REQUIRES: this thread has set leading_.
    void run_group();
    std::vector<std::unique_ptr<Operation>> take_group();

    std::shared_ptr<const format::Meta> meta_;
    std::atomic<std::uint64_t> newest_sequence_ = 0;

    std::mutex queue_mutex_;
    std::deque<std::unique_ptr<Operation>> queue_;
    std::condition_variable group_done_;
    std::size_t queued_edits_ = 0;
    bool leading_ = false;     // a thread runs a group
    bool lead_posted_ = false; // a pool thread will
};

} // namespace divan::db
