#include "db/store.h"

#include "base/bytes.h"
#include "base/encoding.h"
#include "db/commit_audit.h"
#include "db/database_state.h"
#include "db/duration.h"
#include "db/keys.h"
#include "db/maintenance.h"
#include "kv/reserved_shards.h"

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <map>
#include <sys/statvfs.h>

namespace divan::db {

struct Store::State {
    State(const Services &services, StoreOptions options) : context(services, std::move(options)) {}

    struct Handle {
        std::shared_ptr<Database> database;
        std::list<std::string>::iterator use; // in `uses`
    };

    // REQUIRES: mutex. The handle moves to the front of the order of use.
    std::shared_ptr<Database> touch(Handle &handle) {
        uses.splice(uses.begin(), uses, handle.use);
        return handle.database;
    }

    [[nodiscard]] std::uint64_t erasures() {
        std::lock_guard lock(mutex);
        return erased_count;
    }

    // REQUIRES: mutex. Closes the handles that have not been used for longest and that nobody holds.
    void close_idle() {
        auto open_max = context.options()->open_databases_max;
        auto use = uses.end();
        while (handles.size() > open_max && use != uses.begin()) {
            --use;
            auto found = handles.find(*use);
            if (found->second.database.use_count() > 1 || found->second.database->state_use_count() > 1)
                continue;
            handles.erase(found);
            use = uses.erase(use);
        }
    }

    void tell(const DatabaseEvent &event) {
        std::vector<std::function<void(const DatabaseEvent &)>> told;
        {
            std::lock_guard lock(listeners_mutex);
            told = listeners;
        }
        for (const auto &listener : told)
            listener(event);
    }

    // One thing at a time in the background; false if somebody is at it.
    bool begin_housekeeping() { return !housekeeping.exchange(true); }

    // Held while a database is opened: two openers of one name would each have a state, and one's sweep
    // would take the other's uploads. Different names share one now and then.
    std::mutex &opening_mutex(std::string_view name) {
        return opening_mutexes[std::hash<std::string_view>()(name) % opening_mutexes.size()];
    }

    Context context;
    std::array<std::mutex, 64> opening_mutexes; // before `mutex`
    std::mutex mutex;
    std::map<std::string, Handle, std::less<>> handles;
    std::list<std::string> uses;
    std::uint64_t erased_count = 0; // databases deleted in this life of the process
    std::mutex catalog_mutex;       // creating and deleting
    std::mutex listeners_mutex;
    std::vector<std::function<void(const DatabaseEvent &)>> listeners;
    std::atomic<bool> housekeeping = false;
    std::atomic<bool> stopping = false;
};

namespace {

Result<std::optional<format::CatalogEntry>> decode_entry(const std::optional<std::string> &value) {
    if (!value)
        return std::optional<format::CatalogEntry>();
    DIVAN_TRY(auto entry, format::decode_catalog_entry(*value));
    return std::optional<format::CatalogEntry>(std::move(entry));
}

Result<std::optional<format::CatalogEntry>> find_entry(Context &context, const std::string &name) {
    auto key = keys::database(name);
    kv::KeyRef ref{kv::Table::documents, key};
    DIVAN_TRY(auto values, context.engine.read(kv::kCatalogShard, std::span(&ref, 1)));
    return decode_entry(values[0]);
}

// Locks the catalog; the commit's values are the row of the database.
Result<std::unique_ptr<kv::Commit>> begin_catalog(Context &context, const std::string &name) {
    auto key = keys::database(name);
    kv::KeyRef ref{kv::Table::documents, key};
    return context.engine.begin(kv::kCatalogShard, std::span(&ref, 1), 1);
}

Result<void> commit_catalog(std::unique_ptr<kv::Commit> commit, kv::WriteBatch batch) {
    DIVAN_TRY(auto outcome, commit->finish(std::move(batch), 1));
    if (outcome != kv::CommitOutcome::committed)
        return ErrorCode::outcome_unknown;
    return {};
}

// Share of the disk in use, for the guard; 0 if it cannot be told.
double disk_used_share(const std::string &directory) {
    struct statvfs info{};
    if (directory.empty() || statvfs(directory.c_str(), &info) != 0 || info.f_blocks == 0)
        return 0;
    return 1.0 - static_cast<double>(info.f_bavail) / static_cast<double>(info.f_blocks);
}

} // namespace

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}

Store::~Store() {
    state_->stopping = true;
    wait_idle();
}

Result<std::unique_ptr<Store>> open_store(const Store::Services &services, const StoreOptions &options) {
    auto state = std::make_unique<Store::State>(services, options);
    auto *shared = state.get();
    state->context.on_event = [shared](const DatabaseEvent &event) { shared->tell(event); };
    auto store = std::make_unique<Store>(std::move(state));
    store->check_disk();
    return store;
}

Result<std::shared_ptr<Database>> Store::create(const std::string &name, const DatabaseOptions &options) {
    DIVAN_TRY_VOID(check_database_name(name));
    if (options.partitioned) {
        DIVAN_TRY_VOID(check_partitioned_database_name(name));
    }
    auto &context = state_->context;
    if (context.disk_full)
        return ErrorCode::insufficient_storage;
    std::unique_lock opening(state_->opening_mutex(name));
    auto erasures = state_->erasures();
    format::CatalogEntry entry;
    {
        std::lock_guard lock(state_->catalog_mutex);
        DIVAN_TRY(auto commit, begin_catalog(context, name));
        if (commit->values().front())
            return ErrorCode::file_exists;
        DIVAN_CHECK(commit->first_sequence().value < kv::kFirstReservedShard.value);
        entry.shard = kv::ShardId(static_cast<std::uint32_t>(commit->first_sequence().value));
        entry.uuid = hex_encode(context.random.bytes(16));
        entry.created_micros = static_cast<std::uint64_t>(context.clock.now().count());
        entry.options = options;
        kv::WriteBatch batch;
        batch.put(kv::Table::documents, keys::database(name), format::encode_catalog_entry(entry));
        DIVAN_TRY_VOID(commit_catalog(std::move(commit), std::move(batch)));
    }
    // There is nothing to load yet.
    auto opened = keep_open(std::make_shared<Database::State>(context, name, std::move(entry)), erasures);
    opening.unlock();
    state_->tell({name, DatabaseEvent::Type::created});
    return opened;
}

std::shared_ptr<Database> Store::find_open(std::string_view name) {
    std::lock_guard lock(state_->mutex);
    auto found = state_->handles.find(name);
    return found == state_->handles.end() ? nullptr : state_->touch(found->second);
}

Result<std::shared_ptr<Database>> Store::open(const std::string &name) {
    if (auto database = find_open(name))
        return database;
    std::lock_guard opening(state_->opening_mutex(name));
    if (auto database = find_open(name))
        return database; // another thread was faster
    auto &context = state_->context;
    auto erasures = state_->erasures();
    DIVAN_TRY(auto entry, find_entry(context, name));
    if (!entry)
        return Error(ErrorCode::not_found, "Database does not exist.");
    auto database_state = std::make_shared<Database::State>(context, name, std::move(*entry));
    DIVAN_TRY_VOID(database_state->load());
    // A failure is no reason to refuse reads: housekeeping tries again.
    database_state->uploads_ended = !database_state->sweep_uploads().ok();
    return keep_open(std::move(database_state), erasures);
}

Result<std::shared_ptr<Database>> Store::keep_open(std::shared_ptr<Database::State> database_state,
                                                   std::uint64_t erasures) {
    const auto &name = database_state->name;
    auto shard = database_state->entry.shard;
    std::lock_guard lock(state_->mutex);
    // Deleted, or deleted and created again, since its entry was read? Who deletes takes the entry away
    // first and the handle, under the mutex, after it.
    if (state_->erased_count != erasures) {
        DIVAN_TRY(auto again, find_entry(state_->context, name));
        if (!again || again->shard != shard)
            return Error(ErrorCode::not_found, "Database does not exist.");
    }
    auto database = std::make_shared<Database>(database_state);
    state_->uses.push_front(name);
    state_->handles.emplace(name, State::Handle{database, state_->uses.begin()});
    state_->close_idle();
    return database;
}

Result<void> Store::erase(const std::string &name) {
    auto &context = state_->context;
    std::shared_ptr<Database> open_database;
    std::string uuid;
    {
        std::lock_guard lock(state_->catalog_mutex);
        DIVAN_TRY(auto commit, begin_catalog(context, name));
        DIVAN_TRY(auto entry, decode_entry(commit->values().front()));
        if (!entry)
            return Error(ErrorCode::not_found, "Database does not exist.");
        uuid = entry->uuid;
        kv::WriteBatch batch;
        batch.erase(kv::Table::documents, keys::database(name));
        batch.put(kv::Table::documents, keys::pending_erase(entry->shard), name);
        // The catalog first: from here on nobody opens it any more.
        DIVAN_TRY_VOID(commit_catalog(std::move(commit), std::move(batch)));
        std::lock_guard handles_lock(state_->mutex);
        ++state_->erased_count;
        auto found = state_->handles.find(name);
        if (found != state_->handles.end()) {
            open_database = found->second.database;
            open_database->state().deleted = true;
            state_->uses.erase(found->second.use);
            state_->handles.erase(found);
        }
    }
    if (open_database)
        open_database->state().notify();
    state_->tell({name, DatabaseEvent::Type::deleted, std::move(uuid)});
    return {};
}

Result<Store::NamesPage> Store::names(const NamesRange &range) {
    kv::ScanRequest request;
    request.shard = kv::kCatalogShard;
    request.begin = keys::database(range.begin);
    request.end = range.end ? keys::database(*range.end) : prefix_end(keys::kDatabasePrefix);
    request.reverse = range.reverse;
    request.keys_only = true;
    request.rows_max = range.rows_max;
    NamesPage result;
    if (request.begin >= request.end)
        return result;
    DIVAN_TRY(auto page, state_->context.engine.scan(request));
    result.more = page.more;
    for (std::size_t i = 0; i < page.size(); ++i)
        result.names.emplace_back(page.key(i).substr(keys::kDatabasePrefix.size()));
    return result;
}

Result<std::vector<kv::ShardId>> Store::shards() {
    kv::ScanRequest request;
    request.shard = kv::kCatalogShard;
    request.begin = std::string(keys::kDatabasePrefix);
    request.end = prefix_end(keys::kDatabasePrefix);
    std::vector<kv::ShardId> shards;
    for (bool more = true; more;) {
        DIVAN_TRY(auto page, state_->context.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto entry, format::decode_catalog_entry(page.value(i)));
            shards.push_back(entry.shard);
        }
        more = page.more;
        if (more)
            request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
    return shards;
}

void Store::on_event(std::function<void(const DatabaseEvent &)> listener) {
    std::lock_guard lock(state_->listeners_mutex);
    state_->listeners.push_back(std::move(listener));
}

std::size_t Store::open_count() const {
    std::lock_guard lock(state_->mutex);
    return state_->handles.size();
}

std::vector<ActiveTask> Store::active_tasks() {
    std::vector<ActiveTask> tasks;
    std::lock_guard lock(state_->mutex);
    for (const auto &[name, handle] : state_->handles) {
        auto &database = handle.database->state();
        if (!database.compacting)
            continue;
        ActiveTask task;
        task.type = "database_compaction";
        task.database = name;
        task.started_on = std::chrono::microseconds(database.compaction_started_micros);
        task.updated_on = state_->context.clock.now();
        task.changes_done = database.compaction_done;
        task.total_changes = std::max<std::uint64_t>(database.compaction_done, database.compaction_total);
        tasks.push_back(std::move(task));
    }
    return tasks;
}

void Store::set_options(const StoreOptions &options) {
    state_->context.set_options(options);
    check_disk();
}

void Store::check_disk() {
    auto options = state_->context.options();
    state_->context.disk_full = disk_used_share(options->data_directory) > options->disk_used_share_max;
}

void Store::housekeep() {
    if (!state_->begin_housekeeping())
        return;
    auto &context = state_->context;
    auto options = context.options();
    check_disk();
    erase_pending();
    std::vector<std::shared_ptr<Database>> open_databases;
    {
        std::lock_guard lock(state_->mutex);
        for (const auto &[name, handle] : state_->handles)
            open_databases.push_back(handle.database);
    }
    for (const auto &database : open_databases) {
        if (state_->stopping)
            break;
        auto &database_state = database->state();
        if (database_state.uploads_ended.exchange(false))
            if (!database_state.sweep_uploads().ok())
                database_state.uploads_ended = true; // the next round tries again
        auto wanted = needs_compaction(database_state);
        if (wanted.ok() && *wanted)
            ignore_error(compact(database_state, options->compaction_keep_revisions_newest),
                         "the next round tries again");
        if (auto age = parse_time_to_live(database_state.meta()->auto_purge))
            ignore_error(expire_tombstones(database_state, *age), "the next round tries again");
    }
    state_->housekeeping = false;
    state_->housekeeping.notify_all();
}

// Erases the rows of databases that are deleted by now; each mark goes when its rows are gone. Who
// deletes without a pause does not keep the other work waiting.
void Store::erase_pending() {
    auto &context = state_->context;
    kv::ScanRequest request;
    request.shard = kv::kCatalogShard;
    request.begin = std::string(keys::kPendingErasePrefix);
    request.end = prefix_end(keys::kPendingErasePrefix);
    request.keys_only = true;
    auto newest = request;
    newest.reverse = true;
    newest.rows_max = 1;
    auto last = context.engine.scan(newest);
    if (!last.ok() || last->empty())
        return;
    request.end = std::string(last->key(0)) + '\0';
    for (bool more = true; more && !state_->stopping;) {
        auto page = context.engine.scan(request);
        if (!page.ok() || page->empty())
            return;
        for (std::size_t i = 0; i < page->size() && !state_->stopping; ++i)
            if (!erase_shard(page->key(i)).ok())
                return;
        more = page->more;
        request.begin = std::string(page->key(page->size() - 1)) + '\0';
    }
}

Result<void> Store::erase_shard(std::string_view mark) {
    auto &engine = state_->context.engine;
    ByteReader reader(mark.substr(keys::kPendingErasePrefix.size()));
    kv::ShardId shard(reader.u32());
    // Who deletes has told the open handle before its rows go, and a group that was under way
    // has ended; later ones see that the database is deleted.
    {
        std::lock_guard lock(state_->catalog_mutex);
    }
    {
        auto under_way = engine.begin(shard, {}, 0);
    }
    if (auto *audit = state_->context.audit; audit != nullptr) {
        DIVAN_TRY_VOID(audit->before_erase(shard));
    }
    DIVAN_TRY_VOID(engine.erase_shard(shard));
    kv::WriteBatch batch;
    batch.erase(kv::Table::documents, std::string(mark));
    return engine.stage(kv::kCatalogShard, std::move(batch));
}

void Store::wait_idle() {
    state_->housekeeping.wait(true);
    if (!state_->stopping)
        housekeep();
}

} // namespace divan::db
