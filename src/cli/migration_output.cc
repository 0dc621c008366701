#include "cli/migration_output.h"

#include "cli/progress_text.h"

#include <fmt/format.h>

namespace divan::cli {

void MigrationOutput::failed(const std::string &reason) {
    output_.event("failed",
                  [&](json::ObjectWriter &writer) { writer.member("reason", std::string_view(reason)); });
    trouble(reason);
}

void MigrationOutput::trouble(const std::string &text) {
    if (!output_.json())
        output_.error(text);
}

void MigrationOutput::plan(const std::string &from, const std::string &to,
                           const std::vector<DatabaseFacts> &databases,
                           const std::vector<std::string> &skipped) {
    output_.line(fmt::format("{} to {}", from, to));
    auto table = plan_table(databases);
    output_.line(table.substr(0, table.size() - 1));
    if (!skipped.empty())
        output_.line(fmt::format("Left out, as they belong to the old server: {}", joined(skipped)));
    for (const auto &facts : databases)
        output_.event("plan", [&](json::ObjectWriter &writer) { write_plan(writer, facts); });
}

void MigrationOutput::database(const DatabaseFacts &facts, const DatabaseReport &report) {
    output_.event("database", [&](json::ObjectWriter &writer) { write_report(writer, facts, report); });
    if (!report.ok()) {
        trouble(fmt::format("{}: {}", facts.name, report.failure));
        return;
    }
    output_.line(fmt::format("{}: {}", facts.name, report_text(report)));
    for (const auto &note : report.notes)
        trouble(fmt::format("{}: {}", facts.name, note));
    for (const auto &difference : shown_differences(report, command_.differences_max)) {
        output_.event("difference", [&](json::ObjectWriter &writer) {
            writer.member("database", std::string_view(facts.name));
            writer.member("difference", std::string_view(difference));
        });
        trouble(fmt::format("{}: {}", facts.name, difference));
    }
}

void MigrationOutput::progress(const MigrationProgress &progress, const IndexProgress &rate, bool line) {
    output_.show(rate.bar() + "; " + progress.text());
    if (!line)
        return;
    if (!output_.on_terminal())
        output_.line(rate.text() + "; " + progress.text());
    output_.event("progress", [&](json::ObjectWriter &writer) { progress.write(writer); });
}

void MigrationOutput::up_to_date(const MigrationTotal &total) {
    auto text = fmt::format("up to date, {} documents written", grouped(total.done().documents_written));
    output_.show(text);
    if (!output_.on_terminal())
        output_.line(text);
    output_.event("up_to_date", [&](json::ObjectWriter &writer) {
        writer.member("docs_written", total.done().documents_written);
    });
}

void MigrationOutput::end(const MigrationTotal &total, const End &end) {
    if (end.before_end)
        trouble("stopped before the end; the same command goes on from its last checkpoints");
    const char *how = end.stopped ? "stopped" : "done";
    output_.event(how, [&](json::ObjectWriter &writer) {
        total.write(writer);
        writer.raw("seconds", fmt::format("{:.1f}", end.seconds));
        writer.member("status", end.status);
    });
    output_.line(fmt::format("{}: {}, {:.1f} s", how, total.text(), end.seconds));
    if (!end.before_end)
        output_.line(clients_text(command_.local_documents, total.numeric_sequences()));
    if (total.paused() > 0)
        output_.line(kPausedText);
}

} // namespace divan::cli
