#include "replication/document_guard.h"

#include "config/config.h"
#include "db/database.h"
#include "replication/document.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::replication {
namespace {

struct Writer {
    json::Value name; // or null
    bool is_admin = false;
};

Writer read_writer(const db::WriteContext &context) {
    Writer writer;
    auto user = json::parse(context.user_context());
    if (!user.ok() || !user->is_object())
        return writer;
    if (const auto *name = user->object().find("name"))
        writer.name = *name;
    const auto *roles = user->object().find("roles");
    if (roles != nullptr && roles->is_array())
        for (const auto &role : roles->array())
            writer.is_admin |= role == json::Value("_admin");
    return writer;
}

// As couch_replicator_docs:before_doc_update_owner.
Result<void> fill_owner(json::Object &document, const Writer &writer) {
    const auto *owner = document.find("owner");
    if (owner == nullptr || (owner->is_null() && writer.is_admin)) {
        document.set("owner", writer.name);
        return {};
    }
    if (*owner == writer.name || writer.is_admin)
        return {};
    return Error(ErrorCode::forbidden, "Can't update replication documents from other users.");
}

Result<void> amend_edit(db::Edit &edit, const Writer &writer, const config::Config &config) {
    DIVAN_TRY(auto value, json::parse(edit.json, {.depth_max = json::kAnyDepth}));
    auto &document = value.object();
    DIVAN_TRY_VOID(fill_owner(document, writer));
    if (!edit.deleted) {
        DIVAN_TRY_VOID(check_replicator_document(document, config));
    }
    edit.json = json::to_text(value);
    return {};
}

} // namespace

std::vector<Result<void>> DocumentGuard::amend(const db::Database &database, const db::WriteContext &context,
                                               std::vector<db::Edit> &edits) {
    auto verdicts = next_.amend(database, context, edits);
    if (!is_replicator_database(database.name()))
        return verdicts;
    verdicts.resize(edits.size());
    auto writer = read_writer(context);
    for (std::size_t i = 0; i < edits.size(); ++i)
        if (verdicts[i].ok() && !edits[i].path && is_replication_id(edits[i].id))
            verdicts[i] = amend_edit(edits[i], writer, config_);
    return verdicts;
}

} // namespace divan::replication
