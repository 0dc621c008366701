#include "cli/replicate_request.h"

#include "json/parser.h"

#include <fmt/format.h>
#include <fstream>

namespace divan::cli {
namespace {

constexpr std::int64_t kMillisOfSecond = 1'000;

Error bad(std::string reason) {
    return {ErrorCode::bad_request, std::move(reason)};
}

// `_replicate` decodes ids once.
std::string escaped(std::string_view id) {
    std::string out;
    for (char c : id)
        c == '%' ? out.append("%25") : out.append(1, c);
    return out;
}

Result<void> add_doc_ids(const ReplicateCommand &command, json::Object &object) {
    if (command.doc_ids.empty() && command.doc_ids_file.empty())
        return {};
    json::Array ids;
    for (const auto &id : command.doc_ids)
        ids.emplace_back(escaped(id));
    if (!command.doc_ids_file.empty()) {
        std::ifstream file(command.doc_ids_file);
        if (!file)
            return bad(fmt::format("Cannot read {}.", command.doc_ids_file));
        for (std::string line; std::getline(file, line);) {
            if (line.ends_with('\r'))
                line.pop_back();
            if (!line.empty())
                ids.emplace_back(escaped(line));
        }
    }
    object.append("doc_ids", std::move(ids));
    return {};
}

Result<void> add_filter(const ReplicateCommand &command, json::Object &object) {
    DIVAN_TRY_VOID(add_doc_ids(command, object));
    if (!command.selector.empty()) {
        auto selector = json::parse(command.selector);
        if (!selector.ok() || !selector->is_object())
            return bad("--selector must be a JSON object, such as '{\"type\": \"order\"}'.");
        object.append("selector", std::move(*selector));
    }
    json::Object params;
    for (const auto &param : command.query_params) {
        auto equals = param.find('=');
        if (equals == std::string::npos || equals == 0)
            return bad("--query-param has the form NAME=VALUE.");
        params.set(param.substr(0, equals), param.substr(equals + 1));
    }
    if (!command.filter.empty() && !command.view.empty())
        return bad("--filter and --view exclude each other.");
    if (!command.filter.empty())
        object.append("filter", command.filter);
    if (!command.view.empty()) {
        object.append("filter", "_view");
        params.set("view", command.view);
    }
    if (!params.empty() && command.filter.empty() && command.view.empty())
        return bad("--query-param needs --filter or --view.");
    if (!params.empty())
        object.append("query_params", std::move(params));
    return {};
}

Result<void> add_target(const ReplicateCommand &command, json::Object &object) {
    if (!command.create_target) {
        if (command.create_q || command.create_partitioned)
            return bad("--q and --partitioned need --create-target.");
        return {};
    }
    object.append("create_target", true);
    json::Object params;
    add_number(params, "q", command.create_q);
    if (command.create_partitioned)
        params.append("partitioned", true);
    object.append("create_target_params", std::move(params));
    return {};
}

// "12" is a number; what is no JSON is the text that it is.
json::Value sequence(const std::string &text) {
    auto value = json::parse(text);
    bool takes = value.ok() && (value->is_number() || value->is_string());
    return takes ? std::move(*value) : json::Value(text);
}

} // namespace

Result<json::Object> replication_object(const ReplicateCommand &command, const Environment &environment) {
    auto server = server_url(command.url, environment);
    DIVAN_TRY(auto source,
              end_object({command.source, server, "DIVAN_SOURCE_LOGIN", command.bearer_source}, environment));
    DIVAN_TRY(auto target,
              end_object({command.target, server, "DIVAN_TARGET_LOGIN", command.bearer_target}, environment));
    json::Object object;
    object.append("source", std::move(source));
    object.append("target", std::move(target));
    if (command.continuous)
        object.append("continuous", true);
    if (command.winning_revs_only)
        object.append("winning_revs_only", true);
    if (command.no_checkpoints)
        object.append("use_checkpoints", false);
    DIVAN_TRY_VOID(add_target(command, object));
    DIVAN_TRY_VOID(add_filter(command, object));
    if (!command.since_seq.empty())
        object.append("since_seq", sequence(command.since_seq));
    add_tuning(object, command.tuning);
    add_number(object, "checkpoint_interval", command.checkpoint_seconds, kMillisOfSecond);
    add_number(object, "kilobytes_per_second", command.kilobytes_per_second);
    return object;
}

} // namespace divan::cli
