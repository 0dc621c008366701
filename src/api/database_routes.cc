#include "api/audit_notes.h"
#include "api/database_info.h"
#include "api/engine_calls.h"
#include "api/router.h"
#include "base/encoding.h"
#include "config/config.h"
#include "db/duration.h"
#include "db/store.h"
#include "telemetry/metrics.h"
#include "json/writer.h"

#include <charconv>
#include <fmt/format.h>

namespace divan::api {
namespace {

using access::Permission;

Task<Result<void>> get_database(Call &call) {
    auto info = co_await call.on_engine([&] { return call.database->info(); });
    if (!info.ok())
        co_return info.error();
    co_return co_await call.send_json(200, info_text(*info));
}

Result<std::uint64_t> read_copies(const Call &call, std::string_view name) {
    auto value = call.query.find(name);
    if (!value)
        return static_cast<std::uint64_t>(call.services().config.integer("cluster", name));
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc() || end != value->data() + value->size() || number == 0 || number > 1'024)
        return Error(ErrorCode::bad_request,
                     fmt::format("The `{}` value should be a positive integer.", name));
    return number;
}

Task<Result<void>> put_database(Call &call) {
    const auto &name = call.path_parameter("db");
    db::DatabaseOptions options;
    auto q = read_copies(call, "q");
    if (!q.ok())
        co_return q.error();
    auto n = read_copies(call, "n");
    if (!n.ok())
        co_return n.error();
    options.q = *q;
    options.n = 1;
    auto partitioned = call.query.find("partitioned");
    if (partitioned && *partitioned != "true" && *partitioned != "false")
        co_return Error(ErrorCode::bad_request, "Invalid `partitioned` parameter");
    options.partitioned = partitioned && *partitioned == "true";
    if (auto engine = call.query.find("engine"); engine && *engine != "couch")
        co_return Error(ErrorCode::bad_request, "invalid_engine_extension");
    auto created = co_await call.on_engine([&]() -> Result<void> {
        DIVAN_TRY(auto *store,
                  call.services().gate.catalog(call.principal, Permission::database_creator, name));
        DIVAN_TRY(auto database, store->create(name, options));
        return {};
    });
    if (!created.ok())
        co_return created.error();
    auto noted = co_await note_change(call, audit::Kind::database, "created");
    if (!noted.ok())
        co_return noted.error();
    net::Headers headers;
    headers.add("Location", call.base_url() + "/" + percent_encode(name));
    co_return co_await call.send_ok(201, std::move(headers));
}

Task<Result<void>> delete_database(Call &call) {
    if (call.query.find("rev"))
        co_return Error(ErrorCode::bad_request, "You tried to DELETE a database with a ?=rev parameter. Did "
                                                "you mean to DELETE a document instead?");
    const auto &name = call.path_parameter("db");
    auto erased = co_await call.on_engine([&]() -> Result<void> {
        DIVAN_TRY(auto *store,
                  call.services().gate.catalog(call.principal, Permission::database_deleter, name));
        return store->erase(name);
    });
    if (!erased.ok())
        co_return erased.error();
    auto noted = co_await note_change(call, audit::Kind::database, "deleted");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

// ---- security

Result<void> check_names(const json::Object &section, const char *key) {
    const auto *list = section.find(key);
    if (list == nullptr)
        return {};
    bool strings = list->is_array();
    if (strings)
        for (const auto &entry : list->array())
            strings &= entry.is_string();
    if (!strings)
        return Error(ErrorCode::bad_request, fmt::format("{} must be a JSON list of strings", key));
    return {};
}

Result<void> check_security(const json::Value &value) {
    if (!value.is_object())
        return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    for (const char *name : {"admins", "members", "readers"}) {
        const auto *section = value.object().find(name);
        if (section == nullptr)
            continue;
        if (!section->is_object())
            return Error(ErrorCode::bad_request, fmt::format("{} must be a JSON object", name));
        DIVAN_TRY_VOID(check_names(section->object(), "names"));
        DIVAN_TRY_VOID(check_names(section->object(), "roles"));
    }
    return {};
}

Task<Result<void>> get_security(Call &call) {
    auto text = co_await call.on_engine([&] { return call.database->security(); });
    if (!text.ok())
        co_return text.error();
    co_return co_await call.send_json(200, std::move(*text));
}

Task<Result<void>> put_security(Call &call) {
    const auto &config = call.services().config;
    if (call.database->name() == config.text("chttpd_auth", "authentication_db") &&
        !config.boolean("couchdb", "users_db_security_editable"))
        co_return Error(ErrorCode::forbidden, "You can't edit the security object of the user database.");
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    auto checked = check_security(*body);
    if (!checked.ok())
        co_return checked.error();
    auto before = co_await call.on_engine([&] { return call.database->security(); });
    auto set = co_await call.on_engine([&] { return call.database->set_security(json::to_text(*body)); });
    if (!set.ok())
        co_return set.error();
    auto record = audit_record(call, audit::Kind::security, "security_set");
    if (before.ok())
        record.details.append("old", json::parse(*before, call.json_options()).value_or(json::Value()));
    record.details.append("new", std::move(*body));
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

// ---- numbers

Task<Result<std::uint64_t>> read_number(Call &call, const char *complaint) {
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    auto number = body->as_int64();
    if (!number || *number <= 0)
        co_return Error(ErrorCode::bad_request, complaint);
    co_return static_cast<std::uint64_t>(*number);
}

Task<Result<void>> get_revs_limit(Call &call) {
    auto limit = call.database->revs_limit();
    if (!limit.ok())
        co_return limit.error();
    co_return co_await call.send_json(200, std::to_string(*limit));
}

Task<Result<void>> put_revs_limit(Call &call) {
    auto limit = co_await read_number(call, "`revs_limit` must be a positive integer");
    if (!limit.ok())
        co_return limit.error();
    auto set = co_await call.on_engine([&] { return call.database->set_revs_limit(*limit); });
    if (!set.ok())
        co_return set.error();
    auto noted = co_await note_change(call, audit::Kind::database, "revs_limit_set");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

Task<Result<void>> get_purged_infos_limit(Call &call) {
    auto limit = call.database->purged_infos_limit();
    if (!limit.ok())
        co_return limit.error();
    co_return co_await call.send_json(200, std::to_string(*limit));
}

Task<Result<void>> put_purged_infos_limit(Call &call) {
    auto limit = co_await read_number(call, "`purged_infos_limit` must be positive integer");
    if (!limit.ok())
        co_return limit.error();
    auto set = co_await call.on_engine([&] { return call.database->set_purged_infos_limit(*limit); });
    if (!set.ok())
        co_return set.error();
    auto noted = co_await note_change(call, audit::Kind::database, "purged_infos_limit_set");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

// ---- purge

using RevsById = std::map<std::string, std::vector<doc::RevId>>;

Result<RevsById> read_purge(const json::Value &body) {
    if (!body.is_object())
        return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    RevsById asked;
    for (const auto &member : body.object()) {
        if (!member.value.is_array())
            return Error(ErrorCode::bad_request, "Invalid list of revisions");
        auto &revs = asked[member.key];
        for (const auto &entry : member.value.array()) {
            DIVAN_TRY(auto rev, doc::RevId::parse(entry.is_string() ? entry.string() : ""));
            revs.push_back(std::move(rev));
        }
    }
    return asked;
}

void append_purged(std::string &out, const RevsById &purged) {
    out.push_back('{');
    bool first = true;
    for (const auto &[id, revs] : purged) {
        if (!first)
            out.push_back(',');
        first = false;
        json::write_string(out, id);
        out.append(":[");
        for (std::size_t i = 0; i < revs.size(); ++i)
            out.append(i > 0 ? ",\"" : "\"").append(revs[i].text()).push_back('"');
        out.push_back(']');
    }
    out.push_back('}');
}

Task<Result<void>> post_purge(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    auto asked = read_purge(*body);
    if (!asked.ok())
        co_return asked.error();
    auto purged = co_await call.on_engine([&] { return call.database->purge(*asked); });
    if (!purged.ok())
        co_return purged.error();
    call.services().metrics.count(telemetry::Metric::database_purges);
    auto record = audit_record(call, audit::Kind::database, "purged");
    for (const auto &[id, revs] : *purged)
        record.details.append(id, static_cast<std::uint64_t>(revs.size()));
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    std::string text = "{\"purge_seq\":null,\"purged\":";
    append_purged(text, *purged);
    text.push_back('}');
    co_return co_await call.send_json(201, std::move(text));
}

Task<Result<void>> get_purged_infos(Call &call) {
    auto infos = co_await call.on_engine([&] { return call.database->purge_infos(); });
    if (!infos.ok())
        co_return infos.error();
    std::string text = "{\"purged_infos\":[";
    for (std::size_t i = 0; i < infos->size(); ++i) {
        text.append(i > 0 ? ",{\"id\":" : "{\"id\":");
        json::write_string(text, (*infos)[i].id);
        text.append(",\"revs\":[");
        for (std::size_t j = 0; j < (*infos)[i].revs.size(); ++j)
            text.append(j > 0 ? ",\"" : "\"").append((*infos)[i].revs[j].text()).push_back('"');
        text.append("]}");
    }
    text.append("]}");
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> get_auto_purge(Call &call) {
    auto text = call.database->auto_purge();
    if (!text.ok())
        co_return text.error();
    co_return co_await call.send_json(200, std::move(*text));
}

Task<Result<void>> put_auto_purge(Call &call) {
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    if (!body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    for (const auto &member : body->object()) {
        if (member.key != "deleted_document_ttl")
            co_return Error(ErrorCode::bad_request, "invalid auto purge property");
        if (!member.value.is_string() || !db::is_time_to_live(member.value.string()))
            co_return Error(ErrorCode::bad_request, "deleted_document_ttl must be a valid string");
    }
    auto set = co_await call.on_engine([&] { return call.database->set_auto_purge(json::to_text(*body)); });
    if (!set.ok())
        co_return set.error();
    auto noted = co_await note_change(call, audit::Kind::database, "auto_purge_set");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(201);
}

// ---- maintenance

Task<Result<void>> post_compact(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto begun = call.database->start_compaction();
    if (!begun.ok())
        co_return begun.error();
    auto noted = co_await note_change(call, audit::Kind::database, "compaction_started");
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(202);
}

// What a route asks for is done already, or there is nothing to do.
Task<Result<void>> post_nothing(Call &call) {
    co_return co_await call.send_ok(202);
}

Task<Result<void>> post_ensure_full_commit(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true)
        .member("instance_start_time", std::string_view(call.database->instance_start_time()));
    writer.close();
    co_return co_await call.send_json(201, std::move(text));
}

Task<Result<void>> refuse_local_id(Call & /*call*/) {
    co_return Error(ErrorCode::bad_request, "Invalid _local document id.");
}

Task<Result<void>> temp_view(Call & /*call*/) {
    co_return Error(ErrorCode::gone, "Temporary views are not supported in CouchDB");
}

} // namespace

std::vector<Route> database_routes() {
    constexpr auto kReader = Permission::database_reader;
    constexpr auto kOwner = Permission::database_owner;
    constexpr auto kServerAdmin = Permission::server_admin;
    return {
        {"DELETE", "/{db}", Permission::database_deleter, delete_database, "Deletes a database."},
        {"GET", "/{db}", kReader, get_database, "What a database holds."},
        {"PUT",
         "/{db}",
         Permission::database_creator,
         put_database,
         "Creates a database.",
         {{"q", "integer", "Shards; echoed."},
          {"n", "integer", "Copies; accepted."},
          {"partitioned", "boolean", "A partitioned database."}}},
        {"GET", "/{db}/_security", kReader, get_security, "Who may use the database."},
        {"PUT", "/{db}/_security", kOwner, put_security, "Sets who may use the database."},
        {"GET", "/{db}/_revs_limit", kReader, get_revs_limit, "Revisions kept of each branch."},
        {"PUT", "/{db}/_revs_limit", kOwner, put_revs_limit, "Sets the revisions kept of each branch."},
        {"GET", "/{db}/_purged_infos_limit", kServerAdmin, get_purged_infos_limit, "Purges remembered."},
        {"PUT", "/{db}/_purged_infos_limit", kServerAdmin, put_purged_infos_limit,
         "Sets the purges remembered."},
        {"POST", "/{db}/_purge", kServerAdmin, post_purge, "Forgets revisions as if they had never been."},
        {"GET", "/{db}/_purged_infos", kReader, get_purged_infos, "What was purged."},
        {"GET", "/{db}/_auto_purge", kReader, get_auto_purge, "When deleted documents are purged."},
        {"PUT", "/{db}/_auto_purge", kOwner, put_auto_purge, "Sets when deleted documents are purged."},
        {"POST", "/{db}/_compact", Permission::database_admin, post_compact,
         "Removes replaced revisions, in the background."},
        {"POST", "/{db}/_ensure_full_commit", kReader, post_ensure_full_commit,
         "Nothing to do: what was answered is durable."},
        {"POST", "/{db}/_search_cleanup", kReader, post_nothing, "Removes search indexes: there are none."},
        {"POST", "/{db}/_nouveau_cleanup", kReader, post_nothing, "Removes search indexes: there are none."},
        {kAnyMethod, "/{db}/_temp_view", kReader, temp_view, "Gone."},
        {kAnyMethod, "/{db}/_local", kReader, refuse_local_id, "Refused: a local document has a name."},
    };
}

} // namespace divan::api
