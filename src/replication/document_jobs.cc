#include "replication/document_jobs.h"

#include "config/config.h"
#include "replication/document_writer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::replication {
namespace {

using telemetry::Metric;

// A filter function is looked at again from time to time: whether it is still the same. The more documents,
// the more seldom, as in CouchDB.
constexpr Millis kFilterCheck{60'000};
constexpr Millis kFilterCheckPerDocument{100};
constexpr Millis kFilterCheckMax{24 * 3'600'000};

struct Entry {
    std::string database;
    std::string document_id;
    std::string essence;
    DocumentJobs::Active view;
    Cancellation cancellation; // of what is done for it
    std::unique_ptr<EventLoop::Timer> timer;
    // Notes are written one after the other; of those that wait the last.
    struct Note {
        DocumentNote what;
        std::optional<Metric> counted;
    };
    bool writes = false;
    std::optional<Note> waiting;
};
using EntryPointer = std::shared_ptr<Entry>;

std::string error_text(const Error &error) {
    return fmt::format("{}: {}", error.word(), error.reason());
}

std::string owner_of(const json::Object &document) {
    const auto *owner = document.find("owner");
    return owner != nullptr && owner->is_string() ? owner->string() : std::string();
}

} // namespace

struct DocumentJobs::Impl {
    Impl(Context &shared, db::Store &shared_store, Scheduler &shared_scheduler, Identifier given)
        : context(shared), store(shared_store), scheduler(shared_scheduler), identifier(std::move(given)),
          tasks(shared.loop) {}

    using Key = std::pair<std::string, std::string>;

    std::chrono::microseconds now() const { return context.loop.clock().now(); }
    bool updates_documents() const { return context.config.boolean("replicator", "update_docs"); }

    // ---- what the follower tells

    void document(const FollowedDocument &followed) {
        if (stopping.cancelled())
            return;
        context.metrics.count(Metric::replicator_db_changes);
        auto found = entries.find({followed.database, followed.id});
        auto text = followed.deleted ? Result<json::Value>(ErrorCode::not_found)
                                     : json::parse(followed.json, {.depth_max = json::kAnyDepth});
        bool asks = text.ok() && text->is_object() && !is_terminal(document_state(text->object()));
        auto essence = asks ? document_essence(text->object()) : std::string();
        if (found != entries.end()) {
            if (asks && found->second->essence == essence)
                return; // only notes have changed
            drop(found);
        }
        if (asks)
            begin(followed, text->object(), std::move(essence));
    }

    void begin(const FollowedDocument &followed, const json::Object &document, std::string essence) {
        auto replication = read_document(document, context.config, followed.database, followed.id);
        auto entry = std::make_shared<Entry>();
        entry->database = followed.database;
        entry->document_id = followed.id;
        entry->essence = std::move(essence);
        if (!replication.ok()) {
            // It came by replication, or the rules have changed.
            fail(entry, replication.error().reason());
            return;
        }
        entry->view.owner = owner_of(document);
        entry->view.replication = std::move(*replication);
        entry->view.started_on = entry->view.updated_on = now();
        entries[{followed.database, followed.id}] = entry;
        // What was noted while [replicator] update_docs was on.
        if (!document_state(document).empty() && !updates_documents())
            note(entry, {"", std::nullopt, std::nullopt, json::Value()}, std::nullopt);
        tasks.start(identify(entry));
    }

    void drop(std::map<Key, EntryPointer>::iterator at) {
        auto entry = at->second;
        entries.erase(at);
        entry->cancellation.cancel();
        entry->timer.reset();
        if (entry->view.scheduled)
            scheduler.remove(entry->view.id);
    }

    void database_removed(const std::string &database) {
        for (auto at = entries.lower_bound({database, {}});
             at != entries.end() && at->first.first == database;)
            drop(at++);
    }

    // ---- to the scheduler

    Task<void> identify(EntryPointer entry) {
        auto id = co_await identifier(entry->view.replication, entry->cancellation);
        if (entry->cancellation.cancelled())
            co_return;
        if (id.ok())
            schedule(entry, *id);
        else
            retry(entry, error_text(id.error()));
    }

    void schedule(const EntryPointer &entry, const ReplicationId &id) {
        auto text = id.text();
        auto &view = entry->view;
        if (view.scheduled && view.id == text) {
            view.errors = 0;
            view.reason.clear();
            check_filter_later(entry);
            return;
        }
        if (view.scheduled) {
            view.reason = fmt::format("Replication id changed: {} -> {}", view.id, text);
            view.scheduled = false;
            scheduler.remove(view.id);
        }
        auto added = scheduler.add(
            id, view.replication, [this, weak = std::weak_ptr(entry)](const JobEnd &end, const JobView &job) {
                if (auto ended = weak.lock(); ended && !ended->cancellation.cancelled())
                    job_ended(ended, end, job);
            });
        if (!added.ok()) {
            refuse(entry, text);
            return;
        }
        view.id = text;
        view.scheduled = true;
        view.failing = false;
        view.errors = 0;
        view.updated_on = now();
        check_filter_later(entry);
        if (updates_documents())
            note(entry, {"triggered", std::nullopt, std::nullopt, json::Value(text)}, std::nullopt);
    }

    // Another job has this id.
    void refuse(const EntryPointer &entry, const std::string &id) {
        auto other = scheduler.job(id);
        if (!other) {
            retry(entry, "The server is stopping.");
        } else if (other->replication.document_database.empty()) {
            retry(entry, fmt::format("Replication `{}` specified by document `{}` already running as a "
                                     "transient replication, started via `_replicate` API endpoint",
                                     id, entry->document_id));
        } else {
            // `entry` may be the one in there.
            auto kept = entries.extract({entry->database, entry->document_id});
            fail(entry,
                 fmt::format("Replication `{}` specified by document `{}` already started, triggered by "
                             "document `{}` from db `{}`",
                             id, entry->document_id, other->replication.document_id,
                             other->replication.document_database));
        }
    }

    void retry(const EntryPointer &entry, std::string reason) {
        auto &view = entry->view;
        // A job that runs goes on with the filter that it has.
        if (!view.scheduled) {
            view.failing = true;
            view.id.clear();
        }
        ++view.errors;
        view.reason = std::move(reason);
        view.updated_on = now();
        later(entry, back_off(options, view.errors));
        if (!view.scheduled && updates_documents())
            note(entry, {"error", view.reason, std::nullopt, json::Value()}, std::nullopt);
    }

    void check_filter_later(const EntryPointer &entry) {
        if (entry->view.replication.filter.kind != Filter::Kind::function)
            return;
        auto wait = kFilterCheck + kFilterCheckPerDocument * static_cast<Millis::rep>(entries.size());
        later(entry, std::min(wait, kFilterCheckMax));
    }

    void later(const EntryPointer &entry, Millis wait) {
        entry->timer = context.loop.after(wait, [this, weak = std::weak_ptr(entry)] {
            if (auto due = weak.lock(); due && !stopping.cancelled())
                tasks.start(identify(due));
        });
    }

    // ---- the end

    void job_ended(const EntryPointer &entry, const JobEnd &end, const JobView &job) {
        entry->view.scheduled = false;
        entry->timer.reset();
        if (std::holds_alternative<SessionResult>(end)) {
            note(entry,
                 {"completed", std::nullopt, completed_json(job.progress, job.started_on), std::nullopt},
                 Metric::replicator_docs_completed);
        } else if (const auto &error = std::get<Failure>(end).error; error.code() != ErrorCode::cancelled) {
            fail(entry, error_text(error));
        }
    }

    void fail(const EntryPointer &entry, std::string reason) {
        context.log.warning(fmt::format("replication of document `{}` in `{}` has failed: {}",
                                        entry->document_id, entry->database, reason));
        note(entry, {"failed", std::move(reason), std::nullopt, std::nullopt},
             Metric::replicator_docs_failed);
    }

    void note(const EntryPointer &entry, DocumentNote what, std::optional<Metric> counted) {
        entry->waiting = {std::move(what), counted};
        if (entry->writes)
            return;
        entry->writes = true;
        tasks.start(write_notes(entry));
    }

    Task<void> write_notes(EntryPointer entry) {
        while (entry->waiting) {
            auto note = std::move(*entry->waiting);
            entry->waiting.reset();
            auto written = co_await write_note(context, store, entry->database, entry->document_id,
                                               entry->essence, note.what, stopping);
            if (!written.ok())
                context.log.error(fmt::format("`{}` cannot be noted in document `{}` of `{}`: {}",
                                              note.what.state, entry->document_id, entry->database,
                                              written.error().reason()));
            else if (*written && note.counted)
                context.metrics.count(*note.counted);
        }
        entry->writes = false;
    }

    Task<void> stop() {
        stopping.cancel();
        for (const auto &[key, entry] : entries) {
            entry->timer.reset();
            entry->cancellation.cancel();
        }
        co_await tasks.join();
    }

    Context &context;
    db::Store &store;
    Scheduler &scheduler;
    const Identifier identifier;
    SchedulerOptions options;
    std::map<Key, EntryPointer> entries;
    Cancellation stopping;
    TaskGroup tasks;
};

DocumentJobs::DocumentJobs(Context &context, db::Store &store, Scheduler &scheduler, Identifier identifier)
    : impl_(std::make_unique<Impl>(context, store, scheduler, std::move(identifier))) {}

DocumentJobs::~DocumentJobs() = default;

void DocumentJobs::set_options(const SchedulerOptions &options) {
    impl_->options = options;
}

void DocumentJobs::document(const FollowedDocument &document) {
    impl_->document(document);
}

void DocumentJobs::database_removed(const std::string &database) {
    impl_->database_removed(database);
}

Task<void> DocumentJobs::stop() {
    return impl_->stop();
}

std::optional<DocumentJobs::Active> DocumentJobs::active(const std::string &database,
                                                         const std::string &id) const {
    auto found = impl_->entries.find({database, id});
    return found == impl_->entries.end() ? std::nullopt : std::optional(found->second->view);
}

} // namespace divan::replication
