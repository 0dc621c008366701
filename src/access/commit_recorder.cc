#include "access/commit_recorder.h"

#include "access/policy.h"
#include "access/principal.h"
#include "audit/pending.h"
#include "doc/document_id.h"

namespace divan::access {
namespace {

// Who wrote, as members of a record; requests have said so, other writers have a user's context at most.
std::string origin_of(const db::WriteContext &author, std::string_view database) {
    if (!author.origin().empty())
        return author.origin();
    audit::Record record;
    record.database = database;
    if (author.is_system())
        record.authenticated = "server";
    else
        record.principal = read_user_context(author.user_context()).name;
    return audit::origin_members(record);
}

} // namespace

audit::Kind CommitRecorder::kind_of(std::string_view database, std::string_view id) const {
    if (database == kPoliciesDatabase)
        return audit::Kind::policy;
    if (doc::is_design_id(id))
        return audit::Kind::design;
    if (database == users_database_)
        return audit::Kind::security;
    if (database == "_replicator" || database.ends_with("/_replicator"))
        return audit::Kind::replication;
    return audit::Kind::document_write;
}

bool CommitRecorder::records(std::string_view database, std::string_view id) const {
    auto options = log_.options();
    auto kind = kind_of(database, id);
    return kind == audit::Kind::document_write ? options->wants_documents(kind, database)
                                               : options->wants(kind);
}

void CommitRecorder::append(std::string_view database, kv::Sequence first,
                            std::span<const db::AuditedWrite> writes, kv::WriteBatch &batch) {
    std::vector<audit::PendingWrite> pending;
    pending.reserve(writes.size());
    for (const auto &write : writes) {
        auto &one = pending.emplace_back();
        one.origin = origin_of(*write.author, database);
        one.edits.reserve(write.edits.size());
        for (const auto &edit : write.edits)
            one.edits.push_back({kind_of(database, edit.id), edit.id, edit.rev->text(),
                                 edit.replaced ? edit.replaced->text() : std::string(), edit.deleted});
    }
    audit::append_pending(batch, first.value, clock_.now(), pending);
}

} // namespace divan::access
