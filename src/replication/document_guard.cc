#include "replication/document_guard.h"

#include "access/principal.h"
#include "config/config.h"
#include "db/database.h"
#include "replication/document.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::replication {
namespace {

// As couch_replicator_docs:before_doc_update_owner.
Result<void> fill_owner(json::Object &document, const access::Principal &writer) {
    const auto name = writer.anonymous() ? json::Value() : json::Value(writer.name);
    const auto *owner = document.find("owner");
    if (owner == nullptr || (owner->is_null() && writer.is_server_admin())) {
        document.set("owner", name);
        return {};
    }
    if (*owner == name || writer.is_server_admin())
        return {};
    return Error(ErrorCode::forbidden, "Can't update replication documents from other users.");
}

// Nobody may give a replication other rights than the own ones.
Result<void> check_user_context(const json::Object &document, const access::Principal &writer) {
    const auto *context = document.find("user_ctx");
    if (context == nullptr || writer.is_server_admin())
        return {};
    auto given = access::read_user_context(json::to_text(*context));
    bool own =
        given.name == writer.name && std::all_of(given.roles.begin(), given.roles.end(),
                                                 [&](const auto &role) { return writer.has_role(role); });
    return own ? Result<void>()
               : Error(ErrorCode::forbidden,
                       "`user_ctx` must not name another user, nor roles that you lack.");
}

Result<void> amend_edit(db::Edit &edit, const access::Principal &writer, const config::Config &config) {
    // What a replicator of an admin writes stays as it is.
    if (edit.path && writer.is_server_admin())
        return {};
    DIVAN_TRY(auto value, json::parse(edit.json, {.depth_max = json::kAnyDepth}));
    auto &document = value.object();
    DIVAN_TRY_VOID(check_user_context(document, writer));
    DIVAN_TRY_VOID(fill_owner(document, writer));
    if (edit.path)
        return {};
    if (!edit.deleted) {
        DIVAN_TRY_VOID(check_replicator_document(document, config));
    }
    edit.json = json::to_text(value);
    return {};
}

} // namespace

std::vector<Result<void>> DocumentGuard::amend(db::Database &database, const db::WriteContext &context,
                                               std::vector<db::Edit> &edits) {
    auto verdicts = next_.amend(database, context, edits);
    if (!is_replicator_database(database.name()))
        return verdicts;
    verdicts.resize(edits.size());
    auto writer = access::read_user_context(context.user_context());
    for (std::size_t i = 0; i < edits.size(); ++i)
        if (verdicts[i].ok() && is_replication_id(edits[i].id))
            verdicts[i] = amend_edit(edits[i], writer, config_);
    return verdicts;
}

} // namespace divan::replication
