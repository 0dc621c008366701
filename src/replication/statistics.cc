#include "replication/statistics.h"

namespace divan::replication {
namespace {

std::string_view stage_name(Stage stage) {
    switch (stage) {
    case Stage::changes:
        return "changes";
    case Stage::revs_diff:
        return "revs_diff";
    case Stage::read:
        return "read";
    case Stage::write:
        return "write";
    case Stage::checkpoint:
        return "checkpoint";
    case Stage::throttled:
        return "throttled";
    case Stage::kCount:
        break;
    }
    return "";
}

json::Value sequence(const std::string &text) {
    return text.empty() ? json::Value() : json::Value(json::Raw{text});
}

// CouchDB's members, in its order; `pending` stands in the middle.
void append_counts(json::Object &object, const Statistics &statistics, const json::Value &pending) {
    object.append("revisions_checked", statistics.revisions_checked);
    object.append("missing_revisions_found", statistics.missing_revisions_found);
    object.append("docs_read", statistics.docs_read);
    object.append("docs_written", statistics.docs_written);
    object.append("changes_pending", pending);
    object.append("doc_write_failures", statistics.doc_write_failures);
    object.append("bulk_get_docs", statistics.bulk_get_docs);
    object.append("bulk_get_attempts", statistics.bulk_get_attempts);
}

void append_own(json::Object &object, const Progress &progress, const Clock &clock) {
    object.append("bytes_in", progress.statistics.bytes_in);
    object.append("bytes_out", progress.statistics.bytes_out);
    object.append("changes_in_flight", progress.changes_in_flight);
    auto behind = time_behind(progress, clock);
    object.append("behind_seconds", behind ? json::Value(std::int64_t{behind->count()}) : json::Value());
    json::Object waited;
    for (std::size_t i = 0; i < progress.waited.size(); ++i)
        waited.append(std::string(stage_name(static_cast<Stage>(i))),
                      static_cast<std::int64_t>(
                          std::chrono::duration_cast<std::chrono::milliseconds>(progress.waited[i]).count()));
    object.append("waited_ms", std::move(waited));
    object.append("batch_size", static_cast<std::uint64_t>(progress.batch_size));
    object.append("throttled_requests", progress.throttled_requests);
    object.append("retries", progress.retries);
    object.append("cause", progress.cause == Cause::none ? json::Value() : cause_name(progress.cause));
    object.append("last_error",
                  progress.last_error.empty() ? json::Value() : json::Value(progress.last_error));
}

} // namespace

std::string_view cause_name(Cause cause) {
    switch (cause) {
    case Cause::none:
        return "none";
    case Cause::auth:
        return "auth";
    case Cause::network:
        return "network";
    case Cause::disk:
        return "disk";
    case Cause::source:
        return "source";
    case Cause::target:
        return "target";
    case Cause::filter:
        return "filter";
    }
    return "";
}

std::optional<std::chrono::seconds> time_behind(const Progress &progress, const Clock &clock) {
    if (progress.changes_pending == 0U && progress.changes_in_flight == 0)
        return std::chrono::seconds(0);
    if (progress.caught_up_at.count() == 0)
        return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(clock.now() - progress.caught_up_at);
}

json::Object progress_json(const Progress &progress, const Clock &clock) {
    json::Object object;
    auto pending = progress.changes_pending ? json::Value(*progress.changes_pending) : json::Value();
    append_counts(object, progress.statistics, pending);
    object.append("checkpointed_source_seq", sequence(progress.checkpointed_source_seq));
    object.append("source_seq", sequence(progress.source_seq));
    object.append("through_seq", sequence(progress.through_seq));
    append_own(object, progress, clock);
    return object;
}

json::Object completed_json(const Progress &progress, std::chrono::microseconds started_on) {
    json::Object object;
    auto pending = progress.changes_pending ? json::Value(*progress.changes_pending) : json::Value();
    append_counts(object, progress.statistics, pending);
    object.append("checkpointed_source_seq", sequence(progress.checkpointed_source_seq));
    object.append("start_time", rfc3339(started_on));
    return object;
}

} // namespace divan::replication
