#include "replication/session.h"
#include "replication/stopwatch.h"
#include "telemetry/metrics.h"

#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;

namespace {

constexpr Millis kLastCheckpointMax{5'000};

// Whether an end of a replication is still the database that it was; "0" is of servers that do not tell.
bool same_instance(const std::string &before, const std::string &now) {
    return before == now || before == "0" || now == "0";
}

} // namespace

Task<Result<void>> Session::write_log(Log &log, const json::Object &document, const char *side) {
    auto failed = [&](const Error &error) {
        return Error(error.code(), std::string(error.word()),
                     fmt::format("Error updating the {} checkpoint document: {}", side, error.reason()));
    };
    for (int attempt = 0;; ++attempt) {
        json::Object copy = document;
        copy.set("_id", log_id_);
        if (!log.rev.empty())
            copy.set("_rev", log.rev);
        auto written = co_await log.peer->write_local(log_id_, std::move(copy));
        if (written.ok()) {
            log.rev = std::move(*written);
            co_return Result<void>();
        }
        if (written.error().code() != ErrorCode::conflict || attempt > 0)
            co_return failed(written.error());
        // It may be what an earlier attempt wrote whose answer was lost.
        auto there = co_await log.peer->read_document(log_id_);
        if (!there.ok())
            co_return failed(there.error());
        const auto *session = *there ? (*there)->find("session_id") : nullptr;
        bool ours = session != nullptr && session->is_string() && session->string() == session_id_;
        const auto *rev = *there ? (*there)->find("_rev") : nullptr;
        if (*there && !ours)
            co_return failed(written.error());
        log.rev = rev != nullptr && rev->is_string() ? rev->string() : std::string();
    }
}

Task<Result<void>> Session::checkpoint() {
    if (!replication_.tuning.use_checkpoints || through_seq_ == checkpointed_seq_)
        co_return Result<void>();
    auto written = co_await write_checkpoint();
    context_.metrics.count(written.ok() ? Metric::replicator_checkpoints_success
                                        : Metric::replicator_checkpoints_failure);
    co_return written;
}

Task<Result<void>> Session::write_checkpoint() {
    auto sequence = through_seq_;
    Stopwatch watch(context_, progress_, Stage::checkpoint);
    checkpoint_side_ = Cause::source;
    auto at_source = co_await source_->ensure_full_commit();
    if (!at_source.ok())
        co_return Error(at_source.error().code(), "Failure on source commit: " + at_source.error().reason());
    checkpoint_side_ = Cause::target;
    auto at_target = co_await target_->ensure_full_commit();
    if (!at_target.ok())
        co_return Error(at_target.error().code(), "Failure on target commit: " + at_target.error().reason());
    bool same_source = same_instance(source_info_.instance_start_time, *at_source);
    bool same_target = same_instance(target_info_.instance_start_time, *at_target);
    if (!same_source || !same_target) {
        checkpoint_side_ = same_source ? Cause::target : Cause::source;
        const char *which = same_source ? "target" : same_target ? "source" : "source and target";
        co_return Error(
            ErrorCode::internal_server_error, "checkpoint_commit_failure",
            fmt::format("instance_start_time on {} database has changed since last checkpoint.", which));
    }
    CheckpointEntry entry{session_id_, started_at_, now(), start_seq_, sequence, progress_.statistics};
    auto document = make_checkpoint(entry, history_, replication_.filter.kind == Filter::Kind::doc_ids);
    checkpoint_side_ = Cause::source;
    auto written = co_await write_log(source_log_, document, "source");
    if (!written.ok())
        co_return written;
    checkpoint_side_ = Cause::target;
    written = co_await write_log(target_log_, document, "target");
    if (!written.ok())
        co_return written;
    checkpoint_ = std::move(document);
    checkpointed_ = true;
    checkpointed_seq_ = sequence;
    documents_at_checkpoint_ = progress_.statistics.docs_written;
    progress_.checkpointed_source_seq = std::move(sequence);
    co_return Result<void>();
}

// Writes checkpoints until the pipeline has ended.
Task<void> Session::keep_checkpoints() {
    while (!workers_ended_ && !failure_) {
        auto woken = co_await wait_for(context_.loop, checkpoint_due_,
                                       replication_.tuning.checkpoint_interval, requests_);
        if (woken == WaitEnd::cancelled || workers_ended_ || failure_)
            break;
        auto written = co_await checkpoint();
        if (!written.ok())
            fail(written.error(), checkpoint_side_);
    }
}

// After a failure or a stop: what is written need not be looked at again. Bounded in time.
Task<Result<void>> Session::last_checkpoint() {
    requests_.renew();
    auto timer = context_.loop.after(kLastCheckpointMax, [this] { requests_.cancel(); });
    auto written = co_await checkpoint();
    co_return written;
}

SessionResult Session::result() const {
    SessionResult result;
    if (!replication_.tuning.use_checkpoints) {
        result.checkpoint.append("use_checkpoints", false);
        return result;
    }
    if (!checkpointed_)
        result.checkpoint.append("no_changes", true);
    for (const auto &member : checkpoint_)
        result.checkpoint.set(member.key, member.value);
    return result;
}

} // namespace divan::replication
