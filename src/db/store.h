#pragma once

// All databases of one engine: the catalog, open handles, background work (compaction, erasing what
// was deleted, tombstone expiry), the disk-space guard.

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "db/database.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace divan::db {

class CommitAudit;

// Limits and habits; the defaults are those of the settings with the same names.
struct StoreOptions {
    std::size_t open_databases_max = 500;         // idle handles beyond are closed
    std::size_t commit_group_edits_max = 1'000;   // edits that share one commit
    std::size_t commit_queue_edits_max = 100'000; // waiting edits of one database; 503 beyond
    std::size_t inline_body_bytes_max = 4'096;    // larger winners get a row of their own
    std::size_t attachment_chunk_bytes = 256 << 10;
    std::uint64_t purge_infos_max = 1'000;
    // Of a partitioned database: a partition with so many external bytes takes no edit that makes a document
    // larger, unless it is replicated. 0 = no limit.
    std::uint64_t partition_bytes_max = 10'737'418'240;
    // Automatic compaction: when replaced revisions take this share of a database's bodies
    // and at least that many bytes.
    double compaction_replaced_share = 0.5;
    std::uint64_t compaction_replaced_bytes_min = 16 << 20;
    // Automatic compaction keeps so many of the newest replaced revisions of each branch, as
    // ancestors for conflicts that arrive later. `_compact` keeps none.
    std::uint64_t compaction_keep_revisions_newest = 2;
    // Memory of one database for what document rules decided, so that feeds need not decide again.
    std::size_t shown_verdicts_bytes_max = 16 << 20;
    // Of so many different rules it is kept how many documents of a database they show.
    std::size_t shown_counts_max = 1'000;
    Millis housekeeping_interval{10'000};
    std::string default_security = R"({"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}})";
    // The directory whose free space is watched; empty = none.
    std::string data_directory;
    // Writes are refused with insufficient_storage above this share of the disk in use.
    double disk_used_share_max = 1.0;
};

// A row of `_db_updates`.
struct DatabaseEvent {
    enum class Type : std::uint8_t { created, updated, deleted };
    std::string name;
    Type type = Type::created;
    std::string uuid = {}; // of a database that was deleted
};

// One background job, for `_active_tasks`.
struct ActiveTask {
    std::string type; // "database_compaction"
    std::string database;
    std::chrono::microseconds started_on{};
    std::chrono::microseconds updated_on{};
    std::uint64_t changes_done = 0;
    std::uint64_t total_changes = 0;
};

class Store {
  public:
    struct Services {
        kv::Engine &engine;
        Executor &pool; // engine pool; outlives the store
        Clock &clock;
        Random &random;
        WriteValidator *validator = nullptr; // outlives the store; null = nobody judges writes
        CommitAudit *audit = nullptr;        // outlives the store; null = nobody records writes
    };

    ~Store(); // finishes or interrupts background work

    // Errors: illegal_database_name, database_name_too_long, file_exists; bad_request for a system database
    // that is to be partitioned.
    Result<std::shared_ptr<Database>> create(const std::string &name, const DatabaseOptions &options);
    // Errors: not_found "Database does not exist.".
    Result<std::shared_ptr<Database>> open(const std::string &name);
    // The handle if the database is open already, else null. Never blocks on the engine.
    std::shared_ptr<Database> find_open(std::string_view name);
    // One small commit; the space returns in the background.
    Result<void> erase(const std::string &name);

    struct NamesRange {
        std::string begin;
        std::optional<std::string> end; // exclusive
        bool reverse = false;
        std::size_t rows_max = 1'000;
    };
    struct NamesPage {
        std::vector<std::string> names; // byte order
        bool more = false;
    };
    Result<NamesPage> names(const NamesRange &range);

    // Called after a database was created, changed or deleted, on any thread; must be short.
    void on_event(std::function<void(const DatabaseEvent &)> listener);

    // The shards of all databases.
    Result<std::vector<kv::ShardId>> shards();

    [[nodiscard]] std::vector<ActiveTask> active_tasks();
    [[nodiscard]] std::size_t open_count() const;

    // A round of background work now (erasing, automatic compaction, expiry). For timers and tests.
    void housekeep();
    // Waits until no background work is left. For tests and tools.
    void wait_idle();
    // Replaces the limits that may change at run time.
    void set_options(const StoreOptions &options);

    // The insides (store_state.h); for the files of this module only.
    struct State;
    explicit Store(std::unique_ptr<State> state);

  private:
    friend Result<std::unique_ptr<Store>> open_store(const Services &services, const StoreOptions &options);
    void erase_pending();
    Result<void> erase_shard(std::string_view mark);
    // Makes the handle of a database whose entry was read when `erasures` databases had been deleted.
    // REQUIRES: the caller holds the name's opening mutex, and there was no handle.
    Result<std::shared_ptr<Database>> keep_open(std::shared_ptr<Database::State> database_state,
                                                std::uint64_t erasures);
    // Looks whether writes must be refused for want of space.
    void check_disk();

    std::unique_ptr<State> state_;
};

// Opens the store of an engine; makes the catalog if the engine is empty.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(const Store::Services &services,
                                                        const StoreOptions &options);

// Whether a name is legal: `^[a-z][a-z0-9_$()+/-]*$` or one of CouchDB's system names.
[[nodiscard]] Result<void> check_database_name(std::string_view name);
// Whether a database of this name may be partitioned: ids of system databases follow other rules. Errors:
// bad_request.
[[nodiscard]] Result<void> check_partitioned_database_name(std::string_view name);
// Whether an id is legal. Errors: illegal_docid (empty, leading '_' outside _design/ and _local/,
// longer than the engine's keys allow, not UTF-8).
[[nodiscard]] Result<void> check_document_id(std::string_view id);

} // namespace divan::db
