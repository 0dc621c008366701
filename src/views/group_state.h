#pragma once

// The insides of Views and ViewGroup, shared by the files of this module.

#include "index/follower.h"
#include "views/index_writer.h"
#include "views/row_range.h"
#include "views/views.h"

#include <atomic>
#include <map>
#include <mutex>

namespace divan::views {

struct ViewGroup::State : std::enable_shared_from_this<ViewGroup::State> {
    State(Views::State &all, std::shared_ptr<const Definition> group_definition)
        : views(all), definition(std::move(group_definition)) {}

    // Finds the index among those of the database. Call once before anything else.
    Result<void> open(db::Database &database);
    // The one who writes the index that queries read; made, with a number of its own, if there is none.
    Result<std::shared_ptr<index::Follower>> follower(db::Database &database);
    // The same if there is one.
    [[nodiscard]] std::shared_ptr<index::Follower> known_follower() const;
    [[nodiscard]] std::shared_ptr<IndexWriter> writer() const;
    // What is under way: of this index and of the one that will replace it.
    [[nodiscard]] std::vector<index::Follower::Progress> progress() const;
    // Another version of ICU orders strings in another way: the index is built anew beside this one, which
    // answers until then. Never blocks on the engine.
    void replace_later(const std::shared_ptr<db::Database> &database);

    // What a query reads: one moment of the index. Without an index there is none.
    struct Moment {
        std::unique_ptr<kv::Snapshot> snapshot;
        IndexNumber index = 0;
        IndexRecord record;
        [[nodiscard]] MapRows map_rows(db::Database::DerivedRows rows, MapNumber map) const {
            return {rows.engine, rows.shard, index, map, record.maps[map].height, snapshot.get()};
        }
    };
    Result<std::optional<Moment>> moment(db::Database &database) const;

    Views::State &views;
    const std::shared_ptr<const Definition> definition;
    std::atomic<bool> compacting = false;
    std::atomic<std::int64_t> compaction_started_micros = 0;

  private:
    struct Index {
        std::shared_ptr<IndexWriter> writer;
        std::shared_ptr<index::Follower> follower;
    };
    Index make_index(db::Database &database, IndexNumber number, std::optional<IndexRecord> record,
                     bool live);
    Result<IndexNumber> take_number(db::Database &database);
    bool begin_replacement(const std::shared_ptr<db::Database> &database);
    void finish_replacement(db::Database &database);

    std::atomic<bool> replacing_ = false;
    mutable std::mutex mutex_;
    Index live_;
    Index next_; // being built to replace it

    friend struct Views::State;
};

struct Views::State {
    State(const ViewsServices &services, const ViewsOptions &options);
    ~State();

    struct Key {
        std::string database; // uuid
        std::string signature;
        friend auto operator<=>(const Key &, const Key &) = default;
    };
    struct Group {
        std::shared_ptr<ViewGroup::State> state;
        std::string database_name;
    };

    script::Pool &scripts;
    design::DesignDocuments &designs;
    Clock &clock;
    const ViewsOptions options;
    WriterContext writers;
    ThreadPool foreground;
    ThreadPool background;
    index::FollowerContext followers;

    // REQUIRES: mutex. Makes room for one more.
    void forget_idle();

    std::mutex mutex;
    std::map<Key, Group> groups;
};

} // namespace divan::views
