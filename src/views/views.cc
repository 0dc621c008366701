#include "views/views.h"

#include "base/bytes.h"
#include "db/visibility.h"
#include "views/group_state.h"

#include <algorithm>
#include <set>

namespace divan::views {
namespace {

bool is_indexed(const design::DesignDocument &document) {
    return document.is_javascript() || document.language == "query";
}

} // namespace

Views::State::State(const ViewsServices &services, const ViewsOptions &views_options)
    : scripts(services.scripts), designs(services.designs), clock(services.clock), options(views_options),
      writers{services.log, views_options.timeouts_max}, foreground(options.foreground_threads),
      background(options.background_threads), followers{foreground, background, services.clock} {}

Views::State::~State() {
    followers.stopping = true;
    background.stop();
    foreground.stop();
}

void Views::State::forget_idle() {
    if (groups.size() < options.groups_max)
        return;
    for (auto group = groups.begin(); group != groups.end();) {
        auto progress = group->second.state->progress();
        bool busy =
            std::any_of(progress.begin(), progress.end(), [](const auto &each) { return each.running; });
        // A second state of one index would be a second writer.
        group = busy || group->second.state.use_count() > 1 ? std::next(group) : groups.erase(group);
    }
}

Views::Views(std::unique_ptr<State> state) : state_(std::move(state)) {}
Views::~Views() = default;

// An index holds rows of all documents, whoever asks.
Result<std::shared_ptr<ViewGroup>> Views::group(const std::shared_ptr<db::Database> &asked,
                                                const design::DesignDocument &document) {
    auto database = db::whole(asked);
    State::Key key{database->uuid(), design::view_signature(document, database->partitioned())};
    std::lock_guard lock(state_->mutex);
    auto found = state_->groups.find(key);
    if (found == state_->groups.end()) {
        DIVAN_TRY(auto definition, make_definition(document, key.signature, *database, state_->scripts,
                                                   state_->options.reduce_limits));
        auto made = std::make_shared<ViewGroup::State>(*state_, std::move(definition));
        DIVAN_TRY_VOID(made->open(*database));
        state_->forget_idle();
        found = state_->groups.emplace(std::move(key), State::Group{std::move(made), database->name()}).first;
    }
    return std::make_shared<ViewGroup>(found->second.state, database);
}

std::shared_ptr<ViewGroup> Views::group_cached(const std::shared_ptr<db::Database> &asked,
                                               const design::DesignDocument &document) {
    auto database = db::whole(asked);
    // Held while a group is opened.
    std::unique_lock lock(state_->mutex, std::try_to_lock);
    if (!lock.owns_lock())
        return nullptr;
    auto found =
        state_->groups.find({database->uuid(), design::view_signature(document, database->partitioned())});
    return found == state_->groups.end() ? nullptr
                                         : std::make_shared<ViewGroup>(found->second.state, database);
}

Result<void> Views::cleanup(const std::shared_ptr<db::Database> &database) {
    DIVAN_TRY(auto documents, state_->designs.all(database));
    std::set<std::string> in_use;
    for (const auto &document : documents)
        in_use.insert(design::view_signature(*document, database->partitioned()));
    auto rows = database->derived_rows();
    kv::ScanRequest request;
    request.shard = rows.shard;
    request.table = kv::Table::index;
    request.begin = std::string(kIndexRecords);
    request.end = prefix_end(kIndexRecords);
    for (;;) {
        DIVAN_TRY(auto page, rows.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto record, decode_record(page.value(i)));
            if (in_use.contains(record.signature))
                continue;
            {
                std::lock_guard lock(state_->mutex);
                state_->groups.erase({database->uuid(), record.signature});
            }
            auto number = ByteReader(page.key(i).substr(kIndexRecords.size())).u32();
            kv::WriteBatch batch;
            for (const auto &prefix : all_prefixes(number))
                batch.erase_range(kv::Table::index, prefix, prefix_end(prefix));
            // Unless its writer was faster: then the next cleanup takes it.
            DIVAN_TRY(auto outcome, rows.engine.stage_if(rows.shard, {kv::Table::index, page.key(i)},
                                                         std::string(page.value(i)), std::move(batch)));
            ignore_error(Result<kv::CommitOutcome>(outcome), "the next cleanup takes it");
        }
        if (!page.more)
            return {};
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
}

Result<void> Views::update_later(const std::shared_ptr<db::Database> &database) {
    DIVAN_TRY(auto documents, state_->designs.all(database));
    for (const auto &document : documents) {
        if (!document->autoupdate || document->views.empty() || !is_indexed(*document))
            continue;
        DIVAN_TRY(auto group, group(database, *document));
        group->update_later();
    }
    return {};
}

void Views::forget(const std::string &database_uuid) {
    state_->scripts.release(database_uuid);
    std::lock_guard lock(state_->mutex);
    std::erase_if(state_->groups, [&](const auto &group) { return group.first.database == database_uuid; });
}

std::vector<IndexTask> Views::active_tasks() {
    std::vector<IndexTask> tasks;
    std::lock_guard lock(state_->mutex);
    for (const auto &[key, group] : state_->groups) {
        const auto &state = *group.state;
        for (const auto &progress : state.progress())
            if (progress.running)
                tasks.push_back({"indexer", group.database_name, state.definition->design_id,
                                 progress.started_on, progress.updated_on, progress.changes_done,
                                 progress.total_changes});
        if (state.compacting) {
            std::chrono::microseconds started(state.compaction_started_micros.load());
            tasks.push_back({"view_compaction", group.database_name, state.definition->design_id, started,
                             started, 0, 0});
        }
    }
    return tasks;
}

std::unique_ptr<Views> make_views(const ViewsServices &services, const ViewsOptions &options) {
    return std::make_unique<Views>(std::make_unique<Views::State>(services, options));
}

} // namespace divan::views
