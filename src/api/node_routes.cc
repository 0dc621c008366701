#include "access/admins.h"
#include "api/audit_notes.h"
#include "api/router.h"
#include "collation/sort_key.h"
#include "config/config.h"
#include "crypto/password.h"
#include "db/store.h"
#include "replication/replicator.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

namespace divan::api {
namespace {

using access::Permission;

// The second number of statm: resident pages (proc(5)). 0 if it cannot be read.
std::int64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t pages = 0;
    statm >> pages >> pages;
    return pages * sysconf(_SC_PAGESIZE);
}

std::int64_t uptime_seconds(const Services &services) {
    return std::chrono::duration_cast<std::chrono::seconds>(services.clock.monotonic() - services.started_at)
        .count();
}

Task<telemetry::Registry::Gauges> read_gauges(Call &call) {
    telemetry::Registry::Gauges gauges;
    const auto &services = call.services();
    gauges.uptime_seconds = uptime_seconds(services);
    gauges.memory_bytes = resident_bytes();
    gauges.node_name = services.node_name;
    if (services.replicator != nullptr) {
        auto jobs = co_await services.replicator->counts(call.exchange().executor());
        gauges.replicator_running = static_cast<std::int64_t>(jobs.running);
        gauges.replicator_pending = static_cast<std::int64_t>(jobs.pending);
        gauges.replicator_crashed = static_cast<std::int64_t>(jobs.crashed);
        gauges.replicator_total = static_cast<std::int64_t>(jobs.total);
        gauges.replicator_changes_pending = static_cast<std::int64_t>(jobs.changes_pending);
        gauges.replicator_behind_seconds = jobs.behind.count();
    }
    if (auto catalog = services.gate.catalog(call.principal); catalog.ok())
        gauges.open_databases = static_cast<std::int64_t>((*catalog)->open_count());
    co_return gauges;
}

Task<Result<void>> get_node(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("name", std::string_view(call.services().node_name));
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

// What follows a node's name and is none of its own paths names a database of that node, in CouchDB. A
// database that is kept apart on one node does not exist here.
Task<Result<void>> get_node_database(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &rest = call.path_parameter("rest");
    auto legal = db::check_database_name(std::string_view(rest).substr(0, rest.find('/')));
    if (!legal.ok())
        co_return legal.error();
    co_return Error(ErrorCode::not_found, "Database does not exist.");
}

Task<Result<void>> refuse_incomplete(Call & /*call*/) {
    co_return Error(ErrorCode::bad_request, "Incomplete path to _node request");
}

Task<Result<void>> missing(Call & /*call*/) {
    co_return ErrorCode::not_found;
}

Task<Result<void>> get_stats(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    auto gauges = co_await read_gauges(call);
    auto value = json::parse(call.services().metrics.stats_json(gauges)).value();
    // Further parts of the path narrow the answer.
    std::string_view rest;
    for (const auto &[name, part] : call.path_parameters)
        if (name == "path")
            rest = part;
    while (!rest.empty()) {
        auto slash = rest.find('/');
        const auto *found = value.is_object() ? value.object().find(rest.substr(0, slash)) : nullptr;
        value = found == nullptr ? json::Value() : json::Value(*found);
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    }
    co_return co_await call.send_json(200, value);
}

Task<Result<void>> get_prometheus(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    auto gauges = co_await read_gauges(call);
    net::ResponseHead head;
    head.headers.add("Content-Type", "text/plain; version=2.0");
    co_return co_await call.send(std::move(head), call.services().metrics.prometheus_text(gauges));
}

Task<Result<void>> get_system(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    co_return co_await call.send_json(
        200,
        fmt::format(
            R"({{"uptime":{},"memory":{{"other":0,"atom":0,"atom_used":0,"processes":0,"processes_used":{},)"
            R"("binary":0,"code":0,"ets":0}},"run_queue":0,"ets_table_count":0,"context_switches":0,)"
            R"("reductions":0,"garbage_collection_count":0,"words_reclaimed":0,"io_input":0,"io_output":0,)"
            R"("os_proc_count":0,"stale_proc_count":0,"process_count":1,"process_limit":1,)"
            R"("message_queues":{{}},"internal_replication_jobs":0,"distribution":{{}}}})",
            uptime_seconds(call.services()), resident_bytes()));
}

Task<Result<void>> get_versions(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    std::string text;
    json::ObjectWriter writer(text);
    // What cookies may be signed with ([chttpd_auth] hash_algorithms in CouchDB).
    writer.raw("erlang", R"({"version":"none","supported_hashes":["sha256","sha"]})");
    const auto &collator = collation::collator_info();
    writer.key("collation_driver");
    json::ObjectWriter(text)
        .member("name", "libicu")
        .member("library_version", collator.library_version)
        .member("collator_version", collator.collator_version)
        .member("collation_algorithm_version", collator.algorithm_version)
        .close();
    for (const auto &library : call.services().libraries) {
        writer.key(library.purpose);
        json::ObjectWriter(text).member("name", library.name).member("version", library.version).close();
    }
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> get_smoosh(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    auto catalog = call.services().gate.catalog(call.principal);
    if (!catalog.ok())
        co_return catalog.error();
    co_return co_await call.send_json(
        200,
        fmt::format(
            R"({{"channels":{{"ratio_dbs":{{"active":{},"starting":0,"waiting":{{"size":0,"min":0,"max":0}}}}}}}})",
            (*catalog)->active_tasks().size()));
}

Task<Result<void>> post_restart(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    auto noted = co_await note_change(call, audit::Kind::configuration, "restart");
    if (!noted.ok())
        co_return noted.error();
    auto sent = co_await call.send_ok(200);
    if (call.services().restart)
        call.services().restart();
    co_return sent;
}

// ---- configuration

Task<Result<void>> get_config(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    json::Object all;
    for (const auto &[section, entries] : call.services().config.all()) {
        json::Object values;
        for (const auto &[key, value] : entries)
            values.append(key, value);
        all.append(section, std::move(values));
    }
    co_return co_await call.send_json(200, json::Value(std::move(all)));
}

Task<Result<void>> get_config_section(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &section = call.path_parameter("section");
    json::Object values;
    auto all = call.services().config.all();
    if (auto found = all.find(section); found != all.end())
        for (const auto &[key, value] : found->second)
            values.append(key, value);
    co_return co_await call.send_json(200, json::Value(std::move(values)));
}

Task<Result<void>> get_config_value(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &section = call.path_parameter("section");
    const auto &key = call.path_parameter("key");
    auto value = call.services().config.get(section, key);
    if (!value)
        co_return ErrorCode::unknown_config_value;
    co_return co_await call.send_json(200, json::Value(*value));
}

// Secret values stand in it as they are shown.
audit::Record config_record(const Call &call, std::string_view action, const std::string &section,
                            const std::string &key, std::string old, std::optional<std::string> value) {
    auto record = audit_record(call, audit::Kind::configuration, action);
    record.details.append("section", section);
    record.details.append("key", key);
    record.details.append("old", std::move(old));
    if (value)
        record.details.append("new", std::move(*value));
    return record;
}

bool persists(const Call &call) {
    return call.header("X-Couch-Persist").value_or("true") != "false";
}

Task<Result<void>> put_config_value(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &section = call.path_parameter("section");
    const auto &key = call.path_parameter("key");
    auto allowed = config::Config::check_http_change(section, key);
    if (!allowed.ok())
        co_return allowed.error();
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    if (!body->is_string())
        co_return Error(ErrorCode::bad_request, "a JSON string expected");
    auto value = crypto::Secret::take(body->string());
    bool persist = persists(call);
    // Hashing and writing the file take their time: off the network thread.
    auto old = co_await call.on_engine([&]() -> Result<std::string> {
        std::string stored(value.reveal());
        if (section == "admins" && !crypto::is_hashed(stored)) {
            DIVAN_TRY(stored, call.services().admins.admin_text(key, value.reveal()));
            if (access::is_known_default_password(key, value.reveal()))
                call.services().log.warning(
                    fmt::format("the password of admin `{}` is one that everybody tries first", key));
        }
        return call.services().config.set(section, key, std::move(stored), persist);
    });
    if (!old.ok())
        co_return old.error();
    auto record =
        config_record(call, "config_set", section, key, *old, call.services().config.get(section, key));
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_json(200, json::Value(*old));
}

Task<Result<void>> delete_config_value(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &section = call.path_parameter("section");
    const auto &key = call.path_parameter("key");
    auto allowed = config::Config::check_http_change(section, key);
    if (!allowed.ok())
        co_return allowed.error();
    bool persist = persists(call);
    auto &config = call.services().config;
    if (section == "admins" && config.section("admins").size() == 1 && config.section("admins").contains(key))
        co_return Error(ErrorCode::forbidden,
                        "The last server admin cannot be removed: nobody could get in any more.");
    auto old = co_await call.on_engine([&] { return config.erase(section, key, persist); });
    if (!old.ok())
        co_return old.error();
    auto record = config_record(call, "config_deleted", section, key, *old, std::nullopt);
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_json(200, json::Value(*old));
}

Task<Result<void>> post_config_reload(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    auto reloaded = co_await call.on_engine([&] { return call.services().config.reload(); });
    if (!reloaded.ok())
        co_return reloaded.error();
    auto noted = co_await note_change(call, audit::Kind::configuration, "config_reloaded");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

} // namespace

Result<void> check_node(const Call &call) {
    const auto &node = call.path_parameter("node");
    if (node != "_local" && node != call.services().node_name)
        return Error(ErrorCode::not_found, "no such node: " + node);
    return {};
}

std::vector<Route> node_routes() {
    constexpr auto kAdmin = Permission::server_admin;
    constexpr auto kMetrics = Permission::metrics_reader;
    return {
        {kAnyMethod, "/_node", kAdmin, refuse_incomplete, "Refused: a node has a name."},
        {"GET", "/_node/{node}", kAdmin, get_node, "The node's name."},
        {"GET", "/_node/{node}/_stats", kMetrics, get_stats, "Counters, under CouchDB's names."},
        {"GET", "/_node/{node}/_stats/{path...}", kMetrics, get_stats, "Some counters."},
        {"GET", "/_node/{node}/_prometheus", kMetrics, get_prometheus, "Counters as Prometheus text."},
        {"GET", "/_node/{node}/_system", kMetrics, get_system, "Uptime and memory."},
        {"GET", "/_node/{node}/_versions", kAdmin, get_versions, "Versions of libraries that shape answers."},
        {"GET", "/_node/{node}/_smoosh/status", kAdmin, get_smoosh, "Automatic compaction."},
        {"POST", "/_node/{node}/_restart", kAdmin, post_restart, "Restarts the server."},
        {"POST", "/_node/{node}/_config/_reload", kAdmin, post_config_reload, "Reads the ini files again."},
        {"GET", "/_node/{node}/_config", kAdmin, get_config, "All settings."},
        {"GET", "/_node/{node}/_config/{section}", kAdmin, get_config_section, "The settings of a section."},
        {"GET", "/_node/{node}/_config/{section}/{key}", kAdmin, get_config_value, "A setting."},
        {"PUT", "/_node/{node}/_config/{section}/{key}", kAdmin, put_config_value,
         "Changes a setting; answers the old value."},
        {"DELETE", "/_node/{node}/_config/{section}/{key}", kAdmin, delete_config_value,
         "Unsets a setting; answers the old value."},
        {kAnyMethod, "/_node/{node}/_config/{section}/{key}/{rest...}", kAdmin, missing,
         "Refused: there is none."},
        {kAnyMethod, "/_node/{node}/{rest...}", kAdmin, get_node_database,
         "Refused: a node has no databases of its own."},
    };
}

} // namespace divan::api
