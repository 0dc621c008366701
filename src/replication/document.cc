#include "replication/document.h"

#include "config/config.h"
#include "doc/document_id.h"
#include "replication/endpoint.h"
#include "json/writer.h"

namespace divan::replication {
namespace {

constexpr std::string_view kState = "_replication_state";
constexpr std::string_view kStateTime = "_replication_state_time";
constexpr std::string_view kReason = "_replication_state_reason";
constexpr std::string_view kStats = "_replication_stats";
constexpr std::string_view kId = "_replication_id";

// {"name", "roles"}; each may be missing.
Result<access::Principal> read_user_context(const json::Value &value) {
    auto invalid = Error(ErrorCode::bad_request, "`user_ctx` must be an object with a name and roles");
    if (!value.is_object())
        return invalid;
    access::Principal principal;
    const auto *name = value.object().find("name");
    if (name != nullptr && !name->is_null()) {
        if (!name->is_string())
            return invalid;
        principal.name = name->string();
        principal.authenticated_by = "default";
    }
    if (const auto *roles = value.object().find("roles")) {
        if (!roles->is_array())
            return invalid;
        for (const auto &role : roles->array()) {
            if (!role.is_string())
                return invalid;
            principal.roles.push_back(role.string());
        }
    }
    return principal;
}

// With whose rights: of a `user_ctx`, which document_guard.h lets only admins make up, or of the owner.
Result<void> read_rights(const json::Object &document, const config::Config &config,
                         Replication &replication) {
    if (const auto *context = document.find("user_ctx")) {
        DIVAN_TRY(replication.principal, read_user_context(*context));
        return {};
    }
    const auto *owner = document.find("owner");
    if (owner == nullptr || !owner->is_string() || owner->string().empty())
        return {};
    replication.principal.name = owner->string();
    replication.principal.authenticated_by = "default";
    replication.with_rights_of_owner = true;
    if (config.get("admins", owner->string()))
        replication.principal.roles.emplace_back("_admin");
    return {};
}

bool put(json::Object &document, std::string_view name, std::optional<json::Value> value) {
    const auto *old = document.find(name);
    if (!value)
        return document.erase(name);
    if (old != nullptr && json::to_text(*old) == json::to_text(*value))
        return false;
    document.set(std::string(name), std::move(*value));
    return true;
}

} // namespace

bool is_replicator_database(std::string_view name) {
    return name == "_replicator" || name.ends_with("/_replicator");
}

bool is_replication_id(std::string_view document_id) {
    return !doc::is_design_id(document_id) && !document_id.starts_with("_local/");
}

Result<Replication> read_document(const json::Object &document, const config::Config &config,
                                  std::string database, std::string id) {
    DIVAN_TRY(auto replication, read_replication(document, config, access::Principal()));
    DIVAN_TRY_VOID(read_rights(document, config, replication));
    replication.document_database = std::move(database);
    replication.document_id = std::move(id);
    return replication;
}

Result<void> check_replicator_document(const json::Object &document, const config::Config &config) {
    if (document_state(document) == "failed")
        return {};
    auto replication = read_document(document, config, "_replicator", "id");
    if (!replication.ok())
        return Error(ErrorCode::forbidden, replication.error().reason());
    return {};
}

std::string document_state(const json::Object &document) {
    const auto *state = document.find(kState);
    return state != nullptr && state->is_string() ? state->string() : std::string();
}

std::string document_essence(const json::Object &document) {
    std::string text;
    json::ObjectWriter writer(text);
    for (const auto &[name, value] : document)
        if (name != kState && name != kStateTime && name != kReason && name != kStats && name != kId)
            writer.value(name, value);
    writer.close();
    return text;
}

bool apply_note(json::Object &document, const DocumentNote &note, std::chrono::microseconds now) {
    bool changed = false;
    if (note.state.empty()) {
        changed |= put(document, kState, std::nullopt);
        changed |= put(document, kStateTime, std::nullopt);
    } else if (document_state(document) != note.state) {
        put(document, kState, json::Value(note.state));
        put(document, kStateTime, json::Value(rfc3339(now)));
        changed = true;
    }
    changed |= put(document, kReason, note.reason ? std::optional(json::Value(*note.reason)) : std::nullopt);
    changed |= put(document, kStats, note.stats ? std::optional(json::Value(*note.stats)) : std::nullopt);
    if (note.id)
        changed |= put(document, kId, note.id->is_null() ? std::nullopt : note.id);
    return changed;
}

} // namespace divan::replication
