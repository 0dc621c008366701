#include "cli/migration_report.h"

#include "cli/progress_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {
namespace {

std::string_view step_name(MigrationStep step) {
    switch (step) {
    case MigrationStep::waiting:
        return "waiting";
    case MigrationStep::settings:
        return "settings";
    case MigrationStep::copying:
        return "copying";
    case MigrationStep::comparing:
        return "comparing";
    case MigrationStep::done:
        return "done";
    }
    return "";
}

} // namespace

const char *const kPausedText =
    "Replications of _replicator databases are paused: each document is there as `failed`. To start one, "
    "write it\n"
    "again without its _replication_state, _replication_state_time and _replication_state_reason, when the "
    "old\n"
    "server no longer runs it. Ends that are bare names now mean databases of the new server.";

std::string joined(const std::vector<std::string> &names) {
    std::string text;
    for (const auto &name : names)
        text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

std::string report_text(const DatabaseReport &report) {
    auto text = fmt::format("{} documents copied", grouped(report.done.documents_written));
    if (report.paused > 0)
        text += fmt::format(", {} of them paused", grouped(report.paused));
    if (report.local_documents > 0)
        text += fmt::format(", {} _local documents", grouped(report.local_documents));
    if (report.done.documents_refused > 0)
        text += fmt::format(", {} refused", grouped(report.done.documents_refused));
    text += ", " + bytes_text(report.bytes);
    if (report.verification)
        text += report.equal() ? fmt::format(", equal: {} documents with all their leaves",
                                             grouped(report.verification->documents))
                               : std::string(", DIFFERS");
    else if (!report.equal())
        text += ", DIFFERS";
    return text;
}

std::vector<std::string> shown_differences(const DatabaseReport &report, std::int64_t differences_max) {
    auto lines = report.differing_settings;
    if (!report.verification || report.verification->equal())
        return lines;
    const auto &differences = report.verification->differences;
    auto shown = std::min<std::size_t>(differences.size(), static_cast<std::size_t>(differences_max));
    for (std::size_t i = 0; i < shown; ++i)
        lines.push_back(differences[i].text());
    if (report.verification->too_many)
        lines.emplace_back("so many documents differ that they are not listed");
    else if (differences.size() > shown)
        lines.push_back(fmt::format("... and {} more documents", grouped(differences.size() - shown)));
    return lines;
}

void write_plan(json::ObjectWriter &writer, const DatabaseFacts &facts) {
    writer.member("database", std::string_view(facts.name));
    writer.member("documents", facts.documents);
    writer.member("deleted", facts.deleted);
    writer.member("bytes", facts.bytes);
    if (facts.q)
        writer.member("q", *facts.q);
    writer.member("partitioned", facts.partitioned);
}

void write_report(json::ObjectWriter &writer, const DatabaseFacts &facts, const DatabaseReport &report) {
    writer.member("database", std::string_view(facts.name));
    writer.member("ok", report.ok());
    if (!report.ok())
        writer.member("reason", std::string_view(report.failure));
    writer.member("docs_read", report.done.documents_read);
    writer.member("docs_written", report.done.documents_written);
    writer.member("docs_refused", report.done.documents_refused);
    writer.member("docs_paused", report.paused);
    writer.member("local_docs", report.local_documents);
    writer.member("bytes", report.bytes);
    if (report.verification || !report.differing_settings.empty()) {
        auto differences = report.differing_settings.size();
        if (report.verification)
            differences += report.verification->differences.size();
        writer.member("equal", report.equal());
        writer.member("differences", static_cast<std::uint64_t>(differences));
    }
    writer.value("notes", json::Value(json::Array(report.notes.begin(), report.notes.end())));
}

std::string clients_text(bool local_documents, bool numeric_sequences) {
    std::string text = "Clients: the new server does not know the sequences of the old one. Who reads a feed "
                       "or pulls from the new\n"
                       "address begins at the start, once: it reads the feed again, compares revisions, and "
                       "fetches no document\n"
                       "that it has. ";
    text += local_documents ? "Who pushes goes on where it was, as its checkpoints were copied."
                            : "Who pushes finds no checkpoint and compares its revisions, once; "
                              "--local-documents copies the\n"
                              "checkpoints, so that it need not.";
    if (numeric_sequences)
        text += "\nThe sequences of the old server are bare numbers, which the new one would take for its "
                "own: who "
                "keeps one\nmust forget it, or misses changes.";
    return text;
}

// ---- MigrationProgress

void MigrationProgress::add(const DatabaseFacts &facts, MigrationStep step,
                            const replication::Progress &progress) {
    auto all = std::max<std::uint64_t>(1, facts.changes());
    ++databases_;
    changes_ += all;
    bytes_ += progress.statistics.bytes_in + progress.statistics.bytes_out;
    if (step == MigrationStep::done || step == MigrationStep::comparing) {
        changes_done_ += all;
    } else if (progress.changes_pending) {
        auto left = *progress.changes_pending + progress.changes_in_flight;
        changes_done_ += all - std::min(all, left);
    }
    if (step == MigrationStep::done)
        ++databases_done_;
    else if (step != MigrationStep::waiting)
        now_.push_back(step == MigrationStep::copying ? facts.name
                                                      : fmt::format("{} ({})", facts.name, step_name(step)));
}

std::string MigrationProgress::text() const {
    auto text = fmt::format("{} of {} databases, {}", grouped(databases_done_), grouped(databases_),
                            bytes_text(bytes_));
    return now_.empty() ? text : text + ", now " + joined(now_);
}

void MigrationProgress::write(json::ObjectWriter &writer) const {
    writer.member("databases", databases_);
    writer.member("databases_done", databases_done_);
    writer.member("changes", changes_);
    writer.member("changes_done", changes_done_);
    writer.member("bytes", bytes_);
    writer.value("now", json::Value(json::Array(now_.begin(), now_.end())));
}

// ---- MigrationTotal

void MigrationTotal::add(const DatabaseFacts &facts, const DatabaseReport &report, bool whole) {
    done_ += report.done;
    bytes_ += report.bytes;
    paused_ += report.paused;
    local_documents_ += report.local_documents;
    numeric_sequences_ |= facts.numeric_sequences;
    auto &standing = databases_[facts.name];
    if (report.stopped)
        return;
    standing.failed = !report.ok();
    if (!whole || !report.ok())
        return;
    standing.compared = report.verification.has_value();
    standing.differs = !report.equal();
}

void MigrationTotal::forget_failure(const std::string &database) {
    if (auto found = databases_.find(database); found != databases_.end())
        found->second.failed = false;
}

std::uint64_t MigrationTotal::count(bool Standing::*what) const {
    return static_cast<std::uint64_t>(std::count_if(databases_.begin(), databases_.end(),
                                                    [&](const auto &entry) { return entry.second.*what; }));
}

int MigrationTotal::status() const {
    if (count(&Standing::failed) > 0)
        return 1;
    return count(&Standing::differs) > 0 || done_.documents_refused > 0 ? 3 : 0;
}

std::string MigrationTotal::text() const {
    auto text = fmt::format("{} databases, {} documents copied, {}", grouped(databases_.size()),
                            grouped(done_.documents_written), bytes_text(bytes_));
    auto compared = count(&Standing::compared);
    auto differing = count(&Standing::differs);
    if (compared > 0 && differing == 0)
        text += fmt::format(", {} compared and equal", grouped(compared));
    else if (compared > 0)
        text += fmt::format(", {} compared, {} DIFFER", grouped(compared), grouped(differing));
    if (auto failed = count(&Standing::failed); failed > 0)
        text += fmt::format(", {} FAILED", grouped(failed));
    if (done_.documents_refused > 0)
        text += fmt::format(", {} documents REFUSED", grouped(done_.documents_refused));
    return text;
}

void MigrationTotal::write(json::ObjectWriter &writer) const {
    writer.member("databases", static_cast<std::uint64_t>(databases_.size()));
    writer.member("failed", count(&Standing::failed));
    writer.member("compared", count(&Standing::compared));
    writer.member("differing", count(&Standing::differs));
    writer.member("docs_read", done_.documents_read);
    writer.member("docs_written", done_.documents_written);
    writer.member("docs_refused", done_.documents_refused);
    writer.member("docs_paused", paused_);
    writer.member("local_docs", local_documents_);
    writer.member("bytes", bytes_);
}

} // namespace divan::cli
