#include "replication/session.h"

#include "base/encoding.h"
#include "telemetry/metrics.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;

namespace {

Statistics larger(Statistics a, const Statistics &b) {
    a.revisions_checked = std::max(a.revisions_checked, b.revisions_checked);
    a.missing_revisions_found = std::max(a.missing_revisions_found, b.missing_revisions_found);
    a.docs_read = std::max(a.docs_read, b.docs_read);
    a.docs_written = std::max(a.docs_written, b.docs_written);
    a.doc_write_failures = std::max(a.doc_write_failures, b.doc_write_failures);
    a.bulk_get_attempts = std::max(a.bulk_get_attempts, b.bulk_get_attempts);
    a.bulk_get_docs = std::max(a.bulk_get_docs, b.bulk_get_docs);
    return a;
}

} // namespace

Session::Session(Context &context, const Replication &replication, const ReplicationId &id,
                 Progress &progress, Cancellation &cancellation)
    : context_(context), replication_(replication), log_id_("_local/" + id.base), progress_(progress),
      outer_(cancellation), peer_context_(context, replication, progress, requests_),
      session_id_(hex_encode(context.random.bytes(16))), started_at_(context.clock.now()),
      batches_(context.loop, std::max<std::size_t>(1, replication.tuning.worker_processes)),
      tasks_(context.loop) {
    progress_.batch_size = replication.tuning.worker_batch_size;
    progress_.changes_read = 0;
    progress_.changes_in_flight = 0;
    progress_.updated_on = now();
}

void Session::count_written(std::uint64_t count) {
    progress_.statistics.docs_written += count;
    context_.metrics.count(Metric::replicator_docs_written, static_cast<std::int64_t>(count));
}

void Session::count_refused(std::uint64_t count) {
    progress_.statistics.doc_write_failures += count;
    context_.metrics.count(Metric::replicator_doc_write_failures, static_cast<std::int64_t>(count));
}

std::size_t Session::batch_size() const {
    return std::max<std::size_t>(1, progress_.batch_size);
}

void Session::fail(const Error &error, Cause side) {
    if (!failure_) {
        failure_ = Failure{.error = error, .cause = cause_of(error, replication_, side), .side = side};
        if (error.code() != ErrorCode::cancelled) {
            progress_.last_error = error.reason();
            progress_.cause = failure_->cause;
        }
    }
    end_pipeline();
}

// In the words of couch_replicator_api_wrap:db_open.
void Session::fail_to_open(const Error &error, Cause side) {
    const auto &endpoint = side == Cause::target ? replication_.target : replication_.source;
    auto cause = cause_of(error, replication_, side);
    auto told = error;
    if (cause == Cause::auth)
        told = Error(ErrorCode::internal_server_error, "unauthorized",
                     fmt::format("unauthorized to access or create database {}", endpoint.shown()));
    else if (cause == Cause::network)
        told = Error(ErrorCode::internal_server_error, "db_not_found",
                     fmt::format("could not open {}", endpoint.shown()));
    fail(told, side);
    if (error.code() == ErrorCode::cancelled)
        return;
    if (told != error)
        failure_->detail = error.reason();
    progress_.cause = failure_->cause = cause;
    progress_.last_error = failure_->explained();
}

void Session::end_pipeline() {
    batches_.close();
    requests_.cancel();
    checkpoint_due_->notify();
}

Task<Result<std::unique_ptr<Peer>>> Session::open_peer(const Endpoint &endpoint, Cause side) {
    if (endpoint.local()) {
        auto opened = co_await open_local_peer(peer_context_, endpoint, side);
        co_return opened;
    }
    if (endpoint.clear_text() && context_.config.boolean("replicator", "encrypted_replication"))
        co_return Error(
            ErrorCode::forbidden,
            fmt::format("{} is not encrypted, and [replicator] encrypted_replication asks for it: use https.",
                        endpoint.shown()));
    co_return make_remote_peer(peer_context_, endpoint);
}

Task<Result<void>> Session::open() {
    auto source = co_await open_peer(replication_.source, Cause::source);
    if (!source.ok()) {
        fail(source.error(), Cause::source);
        co_return source.error();
    }
    source_ = std::move(*source);
    auto target = co_await open_peer(replication_.target, Cause::target);
    if (!target.ok()) {
        fail(target.error(), Cause::target);
        co_return target.error();
    }
    target_ = std::move(*target);
    auto source_info = co_await source_->info();
    if (!source_info.ok()) {
        fail_to_open(source_info.error(), Cause::source);
        co_return source_info.error();
    }
    source_info_ = std::move(*source_info);
    progress_.source_seq = source_info_.update_seq;
    if (replication_.create_target) {
        auto created = co_await target_->create();
        if (!created.ok()) {
            fail(created.error(), Cause::target);
            co_return created.error();
        }
    }
    auto target_info = co_await target_->info();
    if (!target_info.ok()) {
        fail_to_open(target_info.error(), Cause::target);
        co_return target_info.error();
    }
    target_info_ = std::move(*target_info);
    co_return Result<void>();
}

Task<Result<void>> Session::find_start() {
    source_log_.peer = source_.get();
    target_log_.peer = target_.get();
    auto at_source = co_await source_->read_document(log_id_);
    if (!at_source.ok()) {
        fail(at_source.error(), Cause::source);
        co_return at_source.error();
    }
    auto at_target = co_await target_->read_document(log_id_);
    if (!at_target.ok()) {
        fail(at_target.error(), Cause::target);
        co_return at_target.error();
    }
    auto take_rev = [](std::optional<json::Object> &log) {
        std::string rev;
        if (!log)
            return rev;
        if (const auto *given = log->find("_rev"); given != nullptr && given->is_string())
            rev = given->string();
        log->erase("_id");
        log->erase("_rev");
        return rev;
    };
    source_log_.rev = take_rev(*at_source);
    target_log_.rev = take_rev(*at_target);
    auto common = common_point(*at_source ? &**at_source : nullptr, *at_target ? &**at_target : nullptr);
    history_ = std::move(common.history);
    if (*at_source)
        checkpoint_ = std::move(**at_source);
    progress_.statistics = larger(progress_.statistics, counted(history_));
    progress_.before_session = progress_.statistics;
    if (!common.sequence.empty())
        start_seq_ = common.sequence;
    else if (replication_.since_seq)
        start_seq_ = json::to_text(*replication_.since_seq);
    read_seq_ = through_seq_ = checkpointed_seq_ = start_seq_;
    progress_.through_seq = progress_.checkpointed_source_seq = start_seq_;
    co_return Result<void>();
}

Task<SessionEnd> Session::run() {
    auto stopped = outer_.on_cancel([this] {
        if (!failure_)
            failure_ = Failure{Error(ErrorCode::cancelled), Cause::none};
        end_pipeline();
    });
    if (outer_.cancelled())
        co_return Failure{Error(ErrorCode::cancelled), Cause::none};
    auto opened = co_await open();
    if (opened.ok())
        opened = co_await find_start();
    if (!opened.ok())
        co_return *failure_;

    TaskGroup checkpoints(context_.loop);
    checkpoints.start(keep_checkpoints());
    tasks_.start(read_changes());
    for (std::size_t i = 0; i < std::max<std::size_t>(1, replication_.tuning.worker_processes); ++i)
        tasks_.start(work());
    co_await tasks_.join();
    workers_ended_ = true;
    checkpoint_due_->notify();
    co_await checkpoints.join();
    if (failure_) {
        bool other_database = failure_->error.word() == "checkpoint_commit_failure";
        if (!other_database)
            ignore_error(co_await last_checkpoint(), "the session has failed already, or was stopped");
        co_return *failure_;
    }
    auto written = co_await checkpoint();
    if (!written.ok()) {
        fail(written.error(), checkpoint_side_);
        co_return *failure_;
    }
    co_return result();
}

} // namespace divan::replication
