#include "replication/replicator.h"

#include "config/config.h"
#include "db/store.h"
#include "replication/document_view.h"
#include "json/parser.h"
#include "json/writer.h"

#include <atomic>
#include <fmt/format.h>
#include <future>

namespace divan::replication {
namespace {

// Of functions they are strings: they come as a query.
Result<void> check_query_params(const json::Object &body) {
    const auto *params = body.find("query_params");
    if (params == nullptr || !params->is_object())
        return {};
    for (const auto &[name, value] : params->object())
        if (!value.is_string())
            return Error(ErrorCode::bad_request, fmt::format("{} value must be a string.", name));
    return {};
}

std::string local_id_json(const std::string &id) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).member("_local_id", std::string_view(id));
    writer.close();
    return text;
}

struct Stored {
    std::string id;
    json::Object document;
};

Result<std::optional<Stored>> read_stored(db::Database &database, const db::Head &head) {
    if (head.deleted || !is_replication_id(head.id))
        return std::optional<Stored>();
    DIVAN_TRY(auto body, winner_body(database, head));
    DIVAN_TRY(auto value, json::parse(body.json, {.depth_max = json::kAnyDepth}));
    return std::optional(Stored{head.id, std::move(value.object())});
}

Result<std::vector<Stored>> read_all(db::Store &store, const std::string &name) {
    DIVAN_TRY(auto database, store.open(name));
    std::vector<Stored> all;
    db::HeadRange range;
    range.parts.bodies = true;
    for (;;) {
        DIVAN_TRY(auto page, database->scan_heads(range));
        for (const auto &head : page.heads) {
            DIVAN_TRY(auto stored, read_stored(*database, head));
            if (stored)
                all.push_back(std::move(*stored));
        }
        if (!page.more)
            return all;
        range.begin = page.last_id + '\0';
    }
}

Result<std::vector<Stored>> read_one(db::Store &store, const std::string &name, const std::string &id) {
    DIVAN_TRY(auto database, store.open(name));
    DIVAN_TRY(auto head, database->head(id));
    if (!head)
        return ErrorCode::not_found;
    DIVAN_TRY(auto stored, read_stored(*database, *head));
    if (!stored)
        return ErrorCode::not_found;
    std::vector<Stored> one;
    one.push_back(std::move(*stored));
    return one;
}

} // namespace

struct Replicator::Impl {
    Impl(Context &shared, db::Store &shared_store, const SchedulerOptions &options, Scheduler::Runner runner,
         DocumentJobs::Identifier given)
        : context(shared), store(shared_store), identifier(std::move(given)),
          scheduler(shared, options, std::move(runner)),
          documents(shared, shared_store, scheduler, identifier),
          follower(shared, shared_store,
                   {[this](const FollowedDocument &document) { documents.document(document); },
                    [this](const std::string &database) { documents.database_removed(database); }}),
          requests(shared.loop) {
        documents.set_options(options);
    }

    // ---- requests

    Task<void> serve(json::Object body, access::Principal principal, std::shared_ptr<Request> request) {
        auto answer = co_await answer_to(body, principal);
        request->finish(std::move(answer));
    }

    Task<Result<Answer>> answer_to(const json::Object &body, const access::Principal &principal) {
        auto cancel = read_cancel(body);
        if (!cancel.ok())
            co_return cancel.error();
        if (*cancel && (*cancel)->replication_id)
            co_return cancel_job(*(*cancel)->replication_id, principal);
        auto checked = check_query_params(body);
        if (!checked.ok())
            co_return checked.error();
        auto replication = read_replication(body, context.config, principal);
        if (!replication.ok())
            co_return replication.error();
        auto id = co_await identifier(*replication, stopping);
        if (!id.ok())
            co_return id.error();
        if (*cancel)
            co_return cancel_job(id->text(), principal);
        co_return co_await run(*id, std::move(*replication));
    }

    // Whose job it is, or a server admin. As in CouchDB another one is told that an admin could.
    static Result<void> authorize(const JobView &job, const access::Principal &principal) {
        if (principal.is_server_admin() || job.replication.principal.name == principal.name)
            return {};
        return Error(ErrorCode::unauthorized, "You are not a server admin.");
    }

    Result<Answer> cancel_job(const std::string &id, const access::Principal &principal) {
        auto job = scheduler.job(id);
        if (!job)
            return ErrorCode::not_found;
        DIVAN_TRY_VOID(authorize(*job, principal));
        scheduler.remove(id);
        return Answer{200, local_id_json(id)};
    }

    Task<Result<Answer>> run(ReplicationId id, Replication replication) {
        auto text = id.text();
        if (auto running = scheduler.job(text)) {
            auto allowed = authorize(*running, replication.principal);
            if (!allowed.ok())
                co_return allowed.error();
        } else {
            auto added = scheduler.add(id, replication, {});
            if (!added.ok())
                co_return added.error();
        }
        if (replication.continuous)
            co_return Answer{202, local_id_json(text)};
        auto end = co_await suspend<JobEnd>([this, &text](Resume<JobEnd> resume) {
            scheduler.on_end(text, [resume](const JobEnd &how, const JobView &) { resume(how); });
        });
        if (const auto *failure = std::get_if<Failure>(&end)) {
            if (failure->error.code() == ErrorCode::cancelled)
                co_return Error(ErrorCode::cancelled, "The replication was cancelled.");
            // As CouchDB: whatever made the session fail.
            const auto &error = failure->error;
            co_return Error(ErrorCode::internal_server_error, std::string(error.word()), error.reason());
        }
        co_return Answer{200, session_result_json(std::get<SessionResult>(end))};
    }

    // ---- views

    DocumentView view(const std::string &database, const Stored &stored) {
        if (auto active = documents.active(database, stored.id)) {
            auto job = active->scheduled ? scheduler.job(active->id) : std::nullopt;
            return view_of_active(*active, job, context.loop.clock());
        }
        auto view = view_of_document(stored.document, context.config);
        view.database = database;
        view.doc_id = stored.id;
        return view;
    }

    Task<void> shut_down() {
        stopping.cancel();
        co_await follower.stop();
        co_await documents.stop();
        co_await scheduler.stop();
        co_await requests.join();
    }

    Context &context;
    db::Store &store;
    const DocumentJobs::Identifier identifier;
    Scheduler scheduler;
    DocumentJobs documents;
    DocumentsFollower follower;
    Cancellation stopping;
    TaskGroup requests;
    std::atomic<bool> stopped = false;
};

std::optional<Result<Replicator::Answer>> Replicator::Request::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(answer_, std::nullopt);
}

void Replicator::Request::finish(Result<Answer> answer) {
    {
        std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
    }
    event_->notify();
}

Replicator::Replicator(Context &context, db::Store &store, SchedulerOptions options, Scheduler::Runner runner,
                       DocumentJobs::Identifier identifier) {
    if (!runner)
        runner = [&context](const Replication &replication, const ReplicationId &id, Progress &progress,
                            Cancellation &cancellation) {
            return replication::replicate(context, replication, id, progress, cancellation);
        };
    if (!identifier)
        identifier = [&context](const Replication &replication, Cancellation &cancellation) {
            return identify(context, replication, cancellation);
        };
    impl_ = std::make_unique<Impl>(context, store, options, std::move(runner), std::move(identifier));
}

Replicator::~Replicator() {
    stop();
}

void Replicator::start() {
    impl_->context.loop.post([this] {
        if (!impl_->stopping.cancelled())
            impl_->follower.start();
    });
}

void Replicator::stop() {
    if (impl_->stopped.exchange(true))
        return;
    // Shared: this thread goes on before the other has left set_value().
    auto ended = std::make_shared<std::promise<void>>();
    auto waiting = ended->get_future();
    impl_->context.loop.post([this, ended] { spawn(impl_->shut_down(), [ended] { ended->set_value(); }); });
    waiting.wait();
}

Task<void> Replicator::shut_down() {
    impl_->stopped = true;
    return impl_->shut_down();
}

std::shared_ptr<Replicator::Request> Replicator::replicate(json::Object body, access::Principal principal) {
    auto request = std::make_shared<Request>();
    impl_->context.loop.post([this, request, body = std::move(body),
                              principal = std::move(principal)]() mutable {
        if (impl_->stopping.cancelled())
            request->finish(ErrorCode::service_unavailable);
        else
            impl_->requests.start(impl_->serve(std::move(body), std::move(principal), std::move(request)));
    });
    return request;
}

Task<std::vector<JobView>> Replicator::jobs(Executor &home) {
    return run_on(impl_->context.loop, home, [this] { return impl_->scheduler.jobs(); });
}

Task<std::optional<JobView>> Replicator::job(std::string id, Executor &home) {
    return run_on(impl_->context.loop, home, [this, id = std::move(id)] { return impl_->scheduler.job(id); });
}

Task<Result<std::vector<DocumentView>>> Replicator::documents(std::string database, Executor &home) {
    auto stored =
        co_await run_on(impl_->context.pool, home, [&] { return read_all(impl_->store, database); });
    if (!stored.ok())
        co_return stored.error();
    co_return co_await run_on(impl_->context.loop, home, [&]() -> Result<std::vector<DocumentView>> {
        std::vector<DocumentView> views;
        for (const auto &one : *stored)
            views.push_back(impl_->view(database, one));
        return views;
    });
}

Task<Result<DocumentView>> Replicator::document(std::string database, std::string id, Executor &home) {
    auto stored =
        co_await run_on(impl_->context.pool, home, [&] { return read_one(impl_->store, database, id); });
    if (!stored.ok())
        co_return stored.error();
    co_return co_await run_on(impl_->context.loop, home, [&]() -> Result<DocumentView> {
        return impl_->view(database, stored->front());
    });
}

void Replicator::set_options(SchedulerOptions options) {
    impl_->context.loop.post([this, options = std::move(options)] {
        impl_->scheduler.set_options(options);
        impl_->documents.set_options(options);
    });
}

Task<Scheduler::Counts> Replicator::counts(Executor &home) {
    return run_on(impl_->context.loop, home, [this] { return impl_->scheduler.counts(); });
}

} // namespace divan::replication
