#include "cli/audit_command.h"

#include "cli/command_output.h"
#include "cli/index_progress.h"
#include "cli/progress_text.h"
#include "server/audit_verification.h"
#include "json/writer.h"

#include <chrono>
#include <fmt/format.h>

namespace divan::cli {
namespace {

constexpr int kChanged = 1;
constexpr int kNotVerified = 2;

void print_json(const audit::Verification &found) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", found.clean())
        .member("records", found.records)
        .member("count", found.count)
        .member("anchors", found.anchors)
        .member("first_time", std::string_view(found.first_time))
        .member("last_time", std::string_view(found.last_time))
        .member("finding_count", found.finding_count)
        .key("findings");
    text.push_back('[');
    for (std::size_t i = 0; i < found.findings.size(); ++i) {
        const auto &finding = found.findings[i];
        text.append(i > 0 ? "," : "");
        json::ObjectWriter row(text);
        row.member("what", audit::finding_name(finding.what))
            .member("first", finding.first)
            .member("last", finding.last)
            .member("detail", std::string_view(finding.detail));
        row.close();
    }
    text.push_back(']');
    writer.close();
    fmt::print("{}\n", text);
}

void print_text(CommandOutput &output, const audit::Verification &found) {
    for (const auto &finding : found.findings)
        output.line(finding.detail);
    if (found.finding_count > found.findings.size())
        output.line(fmt::format("... and {} more.", grouped(found.finding_count - found.findings.size())));
    auto what = fmt::format("{} records", grouped(found.records));
    if (!found.first_time.empty())
        what += fmt::format(", {} to {}", found.first_time, found.last_time);
    if (found.anchors > 0)
        what += fmt::format(", {} anchors", grouped(found.anchors));
    output.line(fmt::format("{}: {}", what,
                            found.clean() ? "nothing was changed"
                                          : fmt::format("{} findings", grouped(found.finding_count))));
    if (found.clean() && found.anchors == 0)
        output.line("Without --anchors it cannot be seen whether an older state of the log was put back.");
}

} // namespace

int run_audit_verify(const AuditVerifyCommand &command) {
    CommandOutput output(command.json, false);
    IndexProgress progress;
    auto begin = std::chrono::steady_clock::now();
    auto verified =
        server::verify_audit_log({command.data_directory, command.key_file, command.anchors_file},
                                 [&](std::uint64_t number, std::uint64_t count) {
                                     progress.update(number, count, std::chrono::steady_clock::now() - begin);
                                     output.show(progress.bar());
                                 });
    if (!verified.ok()) {
        output.error(verified.error().reason());
        return kNotVerified;
    }
    output.show("");
    if (command.json)
        print_json(*verified);
    else
        print_text(output, *verified);
    return verified->clean() ? 0 : kChanged;
}

} // namespace divan::cli
