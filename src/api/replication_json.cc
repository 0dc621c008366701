#include "api/replication_json.h"

#include "json/writer.h"

namespace divan::api {
namespace {

void text_or_null(json::ObjectWriter &writer, std::string_view key, const std::string &text) {
    if (text.empty())
        writer.null(key);
    else
        writer.member(key, std::string_view(text));
}

std::string history_text(const std::vector<replication::JobEvent> &history) {
    std::string text = "[";
    for (const auto &event : history) {
        if (text.size() > 1)
            text.push_back(',');
        json::ObjectWriter writer(text);
        writer.member("timestamp", std::string_view(rfc3339(event.at)));
        writer.member("type", replication::job_event_name(event.type));
        if (event.type == replication::JobEvent::Type::crashed)
            writer.member("reason", std::string_view(event.reason));
        writer.close();
    }
    text.push_back(']');
    return text;
}

std::int64_t seconds(std::chrono::microseconds time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

void sequence(json::ObjectWriter &writer, std::string_view key, const std::string &text) {
    writer.raw(key, text.empty() ? std::string_view("null") : std::string_view(text));
}

} // namespace

void append_replication_job(std::string &text, const replication::JobView &job, std::string_view node,
                            const Clock &clock) {
    const auto &replication = job.replication;
    json::ObjectWriter writer(text);
    text_or_null(writer, "database", replication.document_database);
    writer.member("id", std::string_view(job.id.text()));
    text_or_null(writer, "pid", job.pid);
    writer.member("source", std::string_view(replication.source.shown()));
    writer.member("target", std::string_view(replication.target.shown()));
    text_or_null(writer, "user", replication.principal.name);
    text_or_null(writer, "doc_id", replication.document_id);
    writer.value("info", replication::job_info(job, clock));
    writer.raw("history", history_text(job.history));
    writer.member("node", node);
    writer.member("start_time", std::string_view(rfc3339(job.started_on)));
    writer.close();
}

void append_replication_document(std::string &text, const replication::DocumentView &document,
                                 std::string_view node) {
    json::ObjectWriter writer(text);
    writer.member("database", std::string_view(document.database));
    writer.member("doc_id", std::string_view(document.doc_id));
    text_or_null(writer, "id", document.id);
    if (!document.ended)
        writer.member("node", node);
    text_or_null(writer, "source", document.source);
    text_or_null(writer, "target", document.target);
    text_or_null(writer, "state", document.state);
    if (document.ended) {
        writer.member("error_count", document.error_count).value("info", document.info);
        text_or_null(writer, "start_time", document.start_time);
        text_or_null(writer, "last_updated", document.last_updated);
    } else {
        writer.value("info", document.info).member("error_count", document.error_count);
        text_or_null(writer, "last_updated", document.last_updated);
        text_or_null(writer, "start_time", document.start_time);
        text_or_null(writer, "source_proxy", document.source_proxy);
        text_or_null(writer, "target_proxy", document.target_proxy);
    }
    writer.close();
}

void append_replication_task(std::string &text, const replication::JobView &job, std::string_view node) {
    const auto &replication = job.replication;
    const auto &progress = job.progress;
    const auto &statistics = progress.statistics;
    json::ObjectWriter writer(text);
    writer.member("node", node).member("pid", std::string_view(job.pid));
    writer.member("bulk_get_attempts", statistics.bulk_get_attempts);
    writer.member("bulk_get_docs", statistics.bulk_get_docs);
    if (progress.changes_pending)
        writer.member("changes_pending", *progress.changes_pending);
    else
        writer.null("changes_pending");
    writer.member("checkpoint_interval",
                  static_cast<std::int64_t>(replication.tuning.checkpoint_interval.count()));
    sequence(writer, "checkpointed_source_seq", progress.checkpointed_source_seq);
    writer.member("continuous", replication.continuous);
    text_or_null(writer, "database", replication.document_database);
    text_or_null(writer, "doc_id", replication.document_id);
    writer.member("doc_write_failures", statistics.doc_write_failures);
    writer.member("docs_read", statistics.docs_read).member("docs_written", statistics.docs_written);
    writer.member("missing_revisions_found", statistics.missing_revisions_found);
    writer.member("replication_id", std::string_view(job.id.text()));
    writer.member("revisions_checked", statistics.revisions_checked);
    writer.member("source", std::string_view(replication.source.shown()));
    sequence(writer, "source_seq", progress.source_seq);
    writer.member("started_on", seconds(job.running_since));
    writer.member("target", std::string_view(replication.target.shown()));
    sequence(writer, "through_seq", progress.through_seq);
    writer.member("type", "replication");
    writer.member("updated_on", seconds(std::max(progress.updated_on, job.running_since)));
    text_or_null(writer, "user", replication.principal.name);
    writer.close();
}

} // namespace divan::api
