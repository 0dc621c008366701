#include "cli/migration_plan.h"

#include "cli/progress_text.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <fnmatch.h>

namespace divan::cli {
namespace {

bool matches(const std::string &name, const std::string &glob) {
    return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
}

bool matches_any(const std::string &name, const std::vector<std::string> &globs) {
    return std::any_of(globs.begin(), globs.end(), [&](const auto &glob) { return matches(name, glob); });
}

bool is_of_server(const std::string &name) {
    return name.starts_with('_') && name != "_users" && name != "_replicator";
}

const json::Value *find(const json::Value *value, std::string_view name) {
    return value != nullptr && value->is_object() ? value->object().find(name) : nullptr;
}

std::optional<std::uint64_t> number(const json::Value *value) {
    auto found = value != nullptr ? value->as_int64() : std::nullopt;
    return found && *found >= 0 ? std::optional(static_cast<std::uint64_t>(*found)) : std::nullopt;
}

} // namespace

Choice choose_databases(const std::vector<std::string> &names, const std::vector<std::string> &wanted,
                        const std::vector<std::string> &excluded) {
    Choice choice;
    for (const auto &name : names) {
        if (is_of_server(name))
            choice.skipped.push_back(name);
        else if ((wanted.empty() || matches_any(name, wanted)) && !matches_any(name, excluded))
            choice.chosen.push_back(name);
    }
    for (const auto &glob : wanted)
        if (std::none_of(names.begin(), names.end(),
                         [&](const auto &name) { return !is_of_server(name) && matches(name, glob); }))
            choice.missed.push_back(glob);
    return choice;
}

DatabaseFacts read_facts(std::string name, const json::Value &info) {
    DatabaseFacts facts;
    facts.name = std::move(name);
    facts.documents = number(find(&info, "doc_count")).value_or(0);
    facts.deleted = number(find(&info, "doc_del_count")).value_or(0);
    auto active = number(find(find(&info, "sizes"), "active"));
    facts.bytes = active ? *active : number(find(&info, "data_size")).value_or(0);
    facts.q = number(find(find(&info, "cluster"), "q"));
    const auto *partitioned = find(find(&info, "props"), "partitioned");
    facts.partitioned = partitioned != nullptr && partitioned->is_true();
    if (const auto *sequence = find(&info, "update_seq")) {
        facts.update_seq = json::to_text(*sequence);
        facts.numeric_sequences = sequence->is_number();
    }
    return facts;
}

Result<std::vector<std::string>> list_databases(MigrationServer &server) {
    DIVAN_TRY(auto answer, server.get("/_all_dbs"));
    if (!answer.is_array())
        return Error(ErrorCode::bad_request, server.shown() + " does not list its databases.");
    std::vector<std::string> names;
    for (const auto &name : answer.array())
        if (name.is_string())
            names.push_back(name.string());
    return names;
}

Result<DatabaseFacts> look_at(MigrationServer &server, const std::string &name) {
    DIVAN_TRY(auto info, server.get(database_path(name)));
    return read_facts(name, info);
}

std::string plan_table(const std::vector<DatabaseFacts> &databases) {
    constexpr const char *kTitle = "database";
    constexpr const char *kAll = "all";
    std::size_t width = std::string_view(kTitle).size();
    DatabaseFacts all;
    for (const auto &facts : databases) {
        width = std::max(width, facts.name.size());
        all.documents += facts.documents;
        all.deleted += facts.deleted;
        all.bytes += facts.bytes;
    }
    auto row = [&](std::string_view name, std::string_view documents, std::string_view deleted,
                   std::string_view size, std::string_view q, std::string_view partitioned) {
        auto line = fmt::format("{:<{}} {:>13} {:>13} {:>9} {:>4}  {}", name, width, documents, deleted, size,
                                q, partitioned);
        return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    };
    auto table = row(kTitle, "documents", "deleted", "size", "q", "partitioned");
    for (const auto &facts : databases)
        table += row(facts.name, grouped(facts.documents), grouped(facts.deleted), bytes_text(facts.bytes),
                     facts.q ? std::to_string(*facts.q) : "", facts.partitioned ? "yes" : "");
    return table + row(kAll, grouped(all.documents), grouped(all.deleted), bytes_text(all.bytes), "", "");
}

} // namespace divan::cli
