#include "replication/documents_follower.h"

#include "db/store.h"
#include "replication/document.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <fmt/format.h>
#include <mutex>
#include <set>

namespace divan::replication {
namespace {

constexpr std::size_t kPageRows = 500;
constexpr Millis kRetryAfter{5'000};

struct Page {
    std::string uuid;
    bool begins_anew = false; // another database of this name was followed before
    std::vector<FollowedDocument> documents;
    kv::Sequence last;
    bool more = false;
};

Result<FollowedDocument> read_followed(db::Database &database, const std::string &id,
                                       const std::optional<db::Head> &head) {
    FollowedDocument document{database.name(), id, !head || head->deleted, {}};
    if (!document.deleted) {
        DIVAN_TRY(auto body, winner_body(database, *head));
        document.json = std::move(body.json);
    }
    return document;
}

// The next documents behind `since`. Errors: not_found: there is no such database.
Result<Page> read_page(db::Store &store, const std::string &name, const std::string &uuid,
                       kv::Sequence since) {
    DIVAN_TRY(auto database, store.open(name));
    Page page;
    page.uuid = database->uuid();
    page.begins_anew = page.uuid != uuid;
    DIVAN_TRY(auto changes,
              database->changes({.since = page.begins_anew ? kv::Sequence() : since, .rows_max = kPageRows}));
    page.last = changes.last;
    page.more = changes.more;
    std::vector<std::string> ids;
    for (auto &change : changes.changes)
        if (is_replication_id(change.id))
            ids.push_back(std::move(change.id));
    DIVAN_TRY(auto heads, database->heads(ids, {.bodies = true}));
    for (std::size_t i = 0; i < ids.size(); ++i) {
        DIVAN_TRY(auto document, read_followed(*database, ids[i], heads[i]));
        page.documents.push_back(std::move(document));
    }
    return page;
}

Result<std::vector<std::string>> replicator_databases(db::Store &store) {
    std::vector<std::string> names;
    db::Store::NamesRange range;
    for (;;) {
        DIVAN_TRY(auto page, store.names(range));
        for (const auto &name : page.names)
            if (is_replicator_database(name))
                names.push_back(name);
        if (!page.more)
            return names;
        range.begin = page.names.back() + '\0';
    }
}

} // namespace

Result<db::Body> winner_body(db::Database &database, const db::Head &head) {
    DIVAN_TRY(auto body, database.body(head));
    if (!body)
        return Error(ErrorCode::not_found, "missing");
    return std::move(*body);
}

struct DocumentsFollower::Impl : std::enable_shared_from_this<Impl> {
    struct Followed {
        std::string uuid; // empty: nothing was read yet
        kv::Sequence since;
        bool reading = false;
        bool again = false; // something happened while it was read
    };

    Impl(Context &shared, db::Store &shared_store, Sink given)
        : context(shared), store(shared_store), sink(std::move(given)), tasks(shared.loop) {}

    void start() {
        // The store keeps the listener: it must not keep this alive, nor the loop beyond the stop.
        store.on_event([weak = weak_from_this()](const db::DatabaseEvent &event) {
            if (!is_replicator_database(event.name))
                return;
            if (auto self = weak.lock())
                self->happened(event.name);
        });
        tasks.start(find());
    }

    // Any thread.
    void happened(const std::string &name) {
        std::lock_guard lock(mutex);
        if (stopped || !told.insert(name).second || told.size() > 1)
            return;
        context.loop.post([weak = weak_from_this()] {
            if (auto self = weak.lock())
                self->look();
        });
    }

    void look() {
        std::set<std::string> names;
        {
            std::lock_guard lock(mutex);
            names.swap(told);
        }
        for (const auto &name : names)
            follow(name);
    }

    void follow(const std::string &name) {
        if (cancellation.cancelled())
            return;
        auto &followed = databases[name];
        followed.again = true;
        if (followed.reading)
            return;
        followed.reading = true;
        tasks.start(read(name));
    }

    Task<void> find() {
        while (!cancellation.cancelled()) {
            context.metrics.count(telemetry::Metric::replicator_db_scans);
            auto names =
                co_await run_on(context.pool, context.loop, [this] { return replicator_databases(store); });
            if (names.ok()) {
                for (const auto &name : *names)
                    follow(name);
                co_return;
            }
            context.log.error(
                fmt::format("the _replicator databases cannot be listed: {}", names.error().reason()));
            ignore_error(co_await pause_for(context.loop, kRetryAfter, cancellation),
                         "cancelled: seen above");
        }
    }

    Task<void> read(std::string name) {
        auto &followed = databases[name];
        while (followed.again && !cancellation.cancelled()) {
            followed.again = false;
            auto page = co_await run_on(context.pool, context.loop, [&] {
                return read_page(store, name, followed.uuid, followed.since);
            });
            if (cancellation.cancelled())
                break;
            if (page.ok()) {
                take(name, followed, *page);
            } else if (page.error().code() == ErrorCode::not_found) {
                forget(name, followed);
            } else {
                context.log.error(fmt::format("{} cannot be read: {}", name, page.error().reason()));
                followed.again = true;
                ignore_error(co_await pause_for(context.loop, kRetryAfter, cancellation),
                             "cancelled: seen above");
            }
        }
        followed.reading = false;
        if (followed.uuid.empty())
            databases.erase(name);
    }

    void take(const std::string &name, Followed &followed, const Page &page) {
        if (page.begins_anew) {
            forget(name, followed);
            followed.uuid = page.uuid;
            context.metrics.count(telemetry::Metric::replicator_dbs_found);
        }
        followed.since = page.last;
        followed.again |= page.more;
        for (const auto &document : page.documents)
            sink.document(document);
    }

    void forget(const std::string &name, Followed &followed) {
        if (followed.uuid.empty())
            return;
        followed.uuid.clear();
        followed.since = {};
        context.metrics.count(telemetry::Metric::replicator_dbs_deleted);
        sink.removed(name);
    }

    Task<void> stop() {
        {
            std::lock_guard lock(mutex);
            stopped = true;
        }
        cancellation.cancel();
        co_await tasks.join();
    }

    Context &context;
    db::Store &store;
    const Sink sink;
    TaskGroup tasks;
    Cancellation cancellation;
    std::map<std::string, Followed> databases; // nodes stay where they are while they are read
    std::mutex mutex;
    std::set<std::string> told; // names of databases in which something happened
    bool stopped = false;       // by `mutex`
};

DocumentsFollower::DocumentsFollower(Context &context, db::Store &store, Sink sink)
    : impl_(std::make_shared<Impl>(context, store, std::move(sink))) {}

DocumentsFollower::~DocumentsFollower() = default;

void DocumentsFollower::start() {
    impl_->start();
}

Task<void> DocumentsFollower::stop() {
    return impl_->stop();
}

} // namespace divan::replication
