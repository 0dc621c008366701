#include "api/browser_headers.h"
#include "api/database_info.h"
#include "api/openapi.h"
#include "api/parameters.h"
#include "api/replication_json.h"
#include "api/router.h"
#include "api/uuids.h"
#include "base/encoding.h"
#include "config/config.h"
#include "db/store.h"
#include "views/views.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

using access::Permission;

Task<Result<void>> get_welcome(Call &call) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("couchdb", "Welcome").member("version", "3.5.2").member("git_sha", "divan");
    writer.member("uuid", std::string_view(call.services().server_uuid));
    writer.raw("features",
               R"(["access-ready","partitioned","pluggable-storage-engines","reshard","scheduler"])");
    writer.raw("vendor", R"({"name":"Divan","version":"0.1.0"})");
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> get_up(Call &call) {
    auto mode = call.services().config.text("couchdb", "maintenance_mode");
    bool down = mode == "true" || mode == "nolb";
    std::string text = down ? fmt::format(R"({{"status":"{}"}})", mode == "true" ? "maintenance_mode" : mode)
                            : std::string(R"({"status":"ok","seeds":{}})");
    co_return co_await call.send_json(down ? 404 : 200, std::move(text));
}

Task<Result<void>> missing(Call & /*call*/) {
    co_return ErrorCode::not_found;
}

Task<Result<void>> get_utils(Call &call) {
    net::ResponseHead head;
    // Relative links of a console need the slash.
    if (!call.head().raw_path().ends_with("/")) {
        head.status = 301;
        head.headers.add("Location", call.base_url() + "/_utils/");
        co_return co_await call.send(std::move(head), std::string());
    }
    if (auto policy = content_security_policy(call.services().config, "utils"))
        head.headers.add("Content-Security-Policy", std::move(*policy));
    head.headers.add("Content-Type", "text/html; charset=utf-8");
    co_return co_await call.send(
        std::move(head),
        "<!doctype html><title>Divan</title><p>Divan is running. The web console is not part "
        "of this version; the API is described at <a href=\"/_openapi\">/_openapi</a>.</p>\n");
}

Task<Result<void>> get_favicon(Call &call) {
    net::ResponseHead head;
    head.status = 204;
    constexpr std::chrono::seconds kYear{31'536'000};
    head.headers.add("Cache-Control", fmt::format("public, max-age={}", kYear.count()));
    head.headers.add("Expires", http_date(call.services().clock.now() + kYear));
    co_return co_await call.send(std::move(head), std::string());
}

Task<Result<void>> get_uuids(Call &call) {
    std::uint64_t count = 1;
    if (auto text = call.query.find("count")) {
        auto parsed = parse_count("count", *text);
        if (!parsed.ok())
            co_return Error(ErrorCode::bad_request, "count must be a positive integer");
        count = *parsed;
    }
    auto count_max = static_cast<std::uint64_t>(call.services().config.integer("uuids", "max_count"));
    if (count > count_max)
        co_return Error(ErrorCode::bad_request, fmt::format("count parameter too large"));
    std::string text = "{\"uuids\":[";
    std::string all;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto uuid = new_uuid(call.services());
        text.append(i > 0 ? ",\"" : "\"").append(uuid).push_back('"');
        all = std::move(uuid);
    }
    text.append("]}");
    net::Headers headers;
    headers.add("Cache-Control", "no-cache");
    headers.add("Pragma", "no-cache");
    headers.add("ETag", "\"" + (all.empty() ? std::string("0") : all) + "\"");
    co_return co_await call.send_json(200, std::move(text), std::move(headers));
}

// db::ActiveTask and views::IndexTask name their members alike.
template <typename ActiveTask>
void append_task(std::string &text, const Call &call, const ActiveTask &task,
                 std::string_view design_document) {
    auto seconds = [](auto time) {
        return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
    };
    if (text.size() > 1)
        text.push_back(',');
    json::ObjectWriter writer(text);
    writer.member("node", std::string_view(call.services().node_name)).member("pid", "<0.0.0>");
    writer.member("type", std::string_view(task.type)).member("database", std::string_view(task.database));
    if (!design_document.empty())
        writer.member("design_document", design_document);
    writer.member("changes_done", task.changes_done).member("total_changes", task.total_changes);
    writer.member("progress",
                  task.total_changes == 0 ? std::uint64_t{0} : task.changes_done * 100 / task.total_changes);
    writer.member("started_on", seconds(task.started_on)).member("updated_on", seconds(task.updated_on));
    writer.close();
}

Task<Result<void>> get_active_tasks(Call &call) {
    auto catalog = call.services().gate.catalog(call.principal);
    if (!catalog.ok())
        co_return catalog.error();
    std::string text = "[";
    for (const auto &task : (*catalog)->active_tasks())
        append_task(text, call, task, "");
    for (const auto &task : call.services().views.active_tasks())
        append_task(text, call, task, task.design_document);
    if (call.services().replicator != nullptr) {
        auto jobs = co_await call.services().replicator->jobs(call.exchange().executor());
        for (const auto &job : jobs) {
            if (job.state != replication::JobState::running)
                continue;
            text.append(text.size() > 1 ? "," : "");
            append_replication_task(text, job, call.services().node_name);
        }
    }
    text.push_back(']');
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> post_reload_query_servers(Call &call) {
    co_return co_await call.send_ok(200);
}

Task<Result<void>> get_openapi(Call &call) {
    co_return co_await call.send_json(200, openapi_text());
}

// ---- lists of databases

struct NamesOptions {
    db::Store::NamesRange range;
    std::uint64_t skip = 0;
    std::uint64_t limit = ~std::uint64_t{0};
};

Result<std::string> key_text(std::string_view text) {
    DIVAN_TRY(auto value, json::parse(text));
    return value.is_string() ? value.string() : std::string();
}

Result<NamesOptions> read_names_options(const net::Query &query) {
    NamesOptions options;
    std::optional<std::string> start;
    std::optional<std::string> end;
    bool inclusive = true;
    for (const auto &[name, value] : query) {
        if (name == "startkey" || name == "start_key") {
            DIVAN_TRY(start, key_text(value));
        } else if (name == "endkey" || name == "end_key") {
            DIVAN_TRY(end, key_text(value));
        } else if (name == "key") {
            DIVAN_TRY(start, key_text(value));
            end = start;
        } else if (name == "keys") {
            // CouchDB 3.5 crashes on a list of keys.
            DIVAN_TRY(auto keys, json::parse(value));
            if (!keys.is_array())
                return Error(ErrorCode::query_parse_error, "`keys` must be an array of strings.");
            return Error(ErrorCode::bad_request, "`keys` is not supported here: ask for a range.");
        } else if (name == "limit") {
            DIVAN_TRY(options.limit, parse_count(name, value));
        } else if (name == "skip") {
            DIVAN_TRY(options.skip, parse_count(name, value));
        } else if (name == "descending") {
            DIVAN_TRY(options.range.reverse, parse_view_boolean(name, value));
        } else if (name == "inclusive_end") {
            DIVAN_TRY(inclusive, parse_view_boolean(name, value));
        }
    }
    auto &low = options.range.reverse ? end : start;
    auto &high = options.range.reverse ? start : end;
    if (low)
        options.range.begin = options.range.reverse && !inclusive ? *low + '\0' : *low;
    if (high)
        options.range.end = !options.range.reverse && !inclusive ? *high : *high + '\0';
    return options;
}

Result<std::vector<std::string>> read_names(db::Store &store, const Call &call, NamesOptions options) {
    std::vector<std::string> names;
    while (names.size() < options.limit) {
        DIVAN_TRY(auto page, store.names(options.range));
        for (auto &name : page.names) {
            DIVAN_TRY(bool listed, call.services().gate.lists(call.principal, name));
            if (!listed)
                continue;
            if (options.skip > 0) {
                --options.skip;
                continue;
            }
            if (names.size() < options.limit)
                names.push_back(name);
        }
        if (!page.more)
            break;
        if (options.range.reverse)
            options.range.end = page.names.back();
        else
            options.range.begin = page.names.back() + '\0';
    }
    return names;
}

Task<Result<std::vector<std::string>>> list_names(Call &call) {
    auto options = read_names_options(call.query);
    if (!options.ok())
        co_return options.error();
    auto catalog = call.services().gate.catalog(call.principal, Permission::database_lister);
    if (!catalog.ok())
        co_return catalog.error();
    co_return co_await call.on_engine([&] { return read_names(**catalog, call, *options); });
}

net::Headers content_etag(const std::string &text) {
    net::Headers headers;
    headers.add("ETag", fmt::format("\"{:016x}\"", std::hash<std::string>()(text)));
    return headers;
}

Task<Result<void>> get_all_dbs(Call &call) {
    auto names = co_await list_names(call);
    if (!names.ok())
        co_return names.error();
    std::string text = "[";
    for (const auto &name : *names) {
        if (text.size() > 1)
            text.push_back(',');
        json::write_string(text, name);
    }
    text.push_back(']');
    auto headers = content_etag(text);
    co_return co_await call.send_json(200, std::move(text), std::move(headers));
}

// Rows of `_dbs_info`. What is no database, or not for this principal, is left out or named with the error.
Task<Result<std::string>> infos_text(Call &call, std::vector<json::Value> names, bool name_missing) {
    std::string text = "[";
    for (const auto &key : names) {
        auto name = key.is_string() ? key.string() : std::string();
        auto info = co_await call.on_engine([&]() -> Result<db::DatabaseInfo> {
            DIVAN_TRY(auto database,
                      call.services().gate.open(call.principal, Permission::database_reader, name));
            return database->info();
        });
        if (!info.ok() && info.error().status() >= 500)
            co_return info.error();
        if (!info.ok() && !name_missing)
            continue;
        if (text.size() > 1)
            text.push_back(',');
        text.append("{\"key\":").append(json::to_text(key));
        if (info.ok())
            text.append(",\"info\":").append(info_text(*info)).push_back('}');
        else
            text.append(",\"error\":\"").append(info.error().word()).append("\"}");
    }
    text.push_back(']');
    co_return text;
}

Task<Result<void>> get_dbs_info(Call &call) {
    auto names = co_await list_names(call);
    if (!names.ok())
        co_return names.error();
    std::vector<json::Value> keys(names->begin(), names->end());
    auto text = co_await infos_text(call, std::move(keys), false);
    if (!text.ok())
        co_return text.error();
    auto headers = content_etag(*text);
    co_return co_await call.send_json(200, std::move(*text), std::move(headers));
}

Task<Result<void>> post_dbs_info(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    if (!body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    const auto *keys = body->object().find("keys");
    if (keys == nullptr)
        co_return Error(ErrorCode::bad_request, "`keys` member must exist.");
    if (!keys->is_array())
        co_return Error(ErrorCode::bad_request, "`keys` member must be an array.");
    auto keys_max =
        static_cast<std::size_t>(call.services().config.integer("chttpd", "max_db_number_for_dbs_info_req"));
    if (keys->array().size() > keys_max)
        co_return Error(ErrorCode::bad_request, "too_many_keys");
    auto text = co_await infos_text(call, keys->array(), true);
    if (!text.ok())
        co_return text.error();
    co_return co_await call.send_json(200, std::move(*text));
}

} // namespace

std::vector<Route> server_routes() {
    constexpr auto kEverybody = Permission::everybody;
    constexpr auto kAdmin = Permission::server_admin;
    constexpr auto kLister = Permission::database_lister;
    return {
        {"GET", "/", kEverybody, get_welcome, "Names the server and the API it speaks."},
        {"GET", "/_up", kEverybody, get_up, "Whether the server takes requests; 404 in maintenance."},
        {"GET", "/favicon.ico", kEverybody, get_favicon, "No icon."},
        {"GET", "/_utils", kEverybody, get_utils, "A note where a console would be."},
        {"GET", "/_utils/{rest...}", kEverybody, missing, "Refused: there is nothing else."},
        {"GET", "/_uuids", kEverybody, get_uuids, "New ids.", {{"count", "integer", "How many."}}},
        {"GET", "/_all_dbs", kLister, get_all_dbs, "Names of databases."},
        {"GET", "/_dbs_info", kLister, get_dbs_info, "What databases hold."},
        {"POST", "/_dbs_info", kLister, post_dbs_info, "What the named databases hold."},
        {"GET", "/_active_tasks", kAdmin, get_active_tasks, "Background work under way."},
        {"POST", "/_reload_query_servers", kAdmin, post_reload_query_servers,
         "Nothing to do: no query servers run."},
        {"GET", "/_openapi", kEverybody, get_openapi, "This description, as OpenAPI 3.1."},
        // CouchDB does not look at what follows these names; only admins get so far.
        {"GET", "/_up/{rest...}", kAdmin, get_up, "As _up."},
        {"GET", "/_uuids/{rest...}", kAdmin, get_uuids, "As _uuids."},
        {"GET", "/_active_tasks/{rest...}", kAdmin, get_active_tasks, "As _active_tasks."},
        {"GET", "/_all_dbs/{rest...}", kAdmin, missing, "Refused: there is none."},
        {"GET", "/_dbs_info/{rest...}", kAdmin, missing, "Refused: there is none."},
    };
}

} // namespace divan::api
