#include "replication/document_view.h"

#include "config/config.h"
#include "replication/endpoint.h"

namespace divan::replication {
namespace {

std::string text_of(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    return value != nullptr && value->is_string() ? value->string() : std::string();
}

// Empty for what cannot be read: it may hold a password.
std::string shown_end(const json::Object &document, std::string_view name, const config::Config &config) {
    auto end = read_endpoint(document.find(name), std::nullopt, config);
    return end.ok() ? end->shown() : std::string();
}

json::Object error_info(const std::string &reason) {
    json::Object info;
    info.append("error", reason);
    return info;
}

} // namespace

json::Value job_info(const JobView &job, const Clock &clock) {
    json::Object info;
    const auto &progress = job.progress;
    bool began =
        progress.updated_on.count() > 0 || !progress.source_seq.empty() || progress.cause != Cause::none;
    if (began)
        info = progress_json(progress, clock);
    if (auto texts = warnings(job.replication); !texts.empty())
        info.append("warnings", json::Array(texts.begin(), texts.end()));
    return info.empty() ? json::Value() : json::Value(std::move(info));
}

DocumentView view_of_document(const json::Object &document, const config::Config &config) {
    DocumentView view;
    view.state = document_state(document);
    view.ended = is_terminal(view.state);
    if (!view.ended)
        view.state.clear();
    view.source = shown_end(document, "source", config);
    view.target = shown_end(document, "target", config);
    view.last_updated = text_of(document, "_replication_state_time");
    view.owner = text_of(document, "owner");
    if (view.state == "completed") {
        const auto *stats = document.find("_replication_stats");
        auto info = stats != nullptr && stats->is_object() ? stats->object() : json::Object();
        view.start_time = text_of(info, "start_time");
        info.erase("start_time");
        view.info = std::move(info);
    } else if (view.state == "failed") {
        view.error_count = 1;
        view.start_time = view.last_updated;
        view.info = error_info(text_of(document, "_replication_state_reason"));
    }
    return view;
}

DocumentView view_of_active(const DocumentJobs::Active &active, const std::optional<JobView> &job,
                            const Clock &clock) {
    DocumentView view;
    const auto &replication = active.replication;
    view.database = replication.document_database;
    view.doc_id = replication.document_id;
    view.id = active.id;
    view.owner = active.owner;
    view.source = replication.source.shown();
    view.target = replication.target.shown();
    view.source_proxy = shown_proxy(replication.source);
    view.target_proxy = shown_proxy(replication.target);
    view.start_time = rfc3339(active.started_on);
    view.last_updated = rfc3339(active.updated_on);
    if (!job) {
        // Its job has ended, and the document is to be told.
        view.state = active.failing ? "error" : active.id.empty() ? "initializing" : "pending";
        view.error_count = active.errors;
        if (!active.reason.empty())
            view.info = error_info(active.reason);
        return view;
    }
    view.state = job_state_name(job->state);
    view.error_count = job->failures;
    if (!job->history.empty())
        view.last_updated = rfc3339(job->history.front().at);
    view.info = job_info(*job, clock);
    if (job->state == JobState::crashing && !job->history.empty()) {
        auto info = error_info(job->history.front().reason);
        info.append("cause", cause_name(job->progress.cause));
        info.append("next_start", rfc3339(job->next_start));
        view.info = std::move(info);
    }
    return view;
}

} // namespace divan::replication
