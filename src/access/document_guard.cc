#include "access/document_guard.h"

#include "doc/document_id.h"

namespace divan::access {
namespace {

// The text that an interactive edit replaces.
struct Stored {
    bool known = false;              // otherwise the commit will refuse the edit
    std::optional<std::string> text; // nullopt: nothing, or a tombstone
};

Result<Stored> find_stored(db::Database &database, const db::Edit &edit) {
    DIVAN_TRY(auto head, database.head(edit.id));
    if (!edit.parent)
        return Stored{!head || head->deleted, std::nullopt};
    if (!head)
        return Stored();
    doc::RevInfo info = head->recent.front().info;
    if (head->rev != *edit.parent) {
        DIVAN_TRY(auto tree, database.tree(*head));
        auto found = tree.find(*edit.parent);
        if (!found)
            return Stored();
        info = *found;
    }
    if (info.deleted)
        return Stored{true, std::nullopt};
    DIVAN_TRY(auto body, database.body(*head, *edit.parent, info));
    return body ? Stored{true, std::move(body->json)} : Stored();
}

Result<void> judge_push(const FieldAccess &fields, const db::JudgedEdit &judged, const std::string *winner,
                        const std::string *replaced, bool pushes_allowed) {
    using Fields = FieldAccess::Fields;
    const auto &edit = *judged.edit;
    const auto &written = judged.body.json;
    // Whatever it holds: an answer that depends on that would tell what is concealed.
    bool conceals = fields.conceals_in(edit.id, written) ||
                    (winner != nullptr && fields.conceals_in(edit.id, *winner)) ||
                    (replaced != nullptr && fields.conceals_in(edit.id, *replaced));
    if (conceals && winner != nullptr && !edit.deleted && !pushes_allowed)
        return Error(ErrorCode::forbidden, "Field rules conceal a part of this document from you: change it "
                                           "on this server, as what is pushed would wipe that part.");
    if (!pushes_allowed && !fields.is_kept({edit.id, nullptr, written, edit.deleted}, Fields::concealed))
        return Error(ErrorCode::forbidden, "This sets fields that are not yours to set: leave them out.");
    const auto *base = replaced != nullptr ? replaced : winner;
    if (!fields.is_kept({edit.id, base, written, edit.deleted}, Fields::read_only))
        return Error(ErrorCode::forbidden, "This changes fields that are not yours to change.");
    return {};
}

Result<void> judge_interactive(const FieldAccess &fields, const db::JudgedEdit &judged,
                               const std::string *replaced) {
    using Fields = FieldAccess::Fields;
    const auto &edit = *judged.edit;
    FieldAccess::Write write{edit.id, replaced, judged.body.json, edit.deleted};
    if (fields.is_kept(write, Fields::concealed) && fields.is_kept(write, Fields::read_only))
        return {};
    if (replaced != nullptr)
        return ErrorCode::conflict;
    return Error(ErrorCode::forbidden, "This sets fields that are not yours to set: leave them out.");
}

} // namespace

Result<void> keep_fields(db::Database &database, const FieldAccess &fields, db::Edit &edit) {
    if (edit.path || doc::is_design_id(edit.id))
        return {};
    DIVAN_TRY(auto stored, find_stored(database, edit));
    if (!stored.known)
        return {};
    DIVAN_TRY(auto kept,
              fields.keep({edit.id, stored.text ? &*stored.text : nullptr, edit.json, edit.deleted}));
    if (kept)
        edit.json = std::move(*kept);
    return {};
}

Result<void> judge_document(db::Database &database, const DocumentAccess &access,
                            const db::JudgedEdit &judged, bool pushes_allowed) {
    const auto &edit = *judged.edit;
    const Error refused(ErrorCode::forbidden, "No document rule lets you write this.");
    // The winner, whatever revision the edit names: a branch beside it could take its place.
    DIVAN_TRY(auto head, database.head(edit.id));
    std::optional<db::Body> winner;
    if (head && !head->deleted) {
        DIVAN_TRY(winner, database.body(*head));
        if (!winner || !access.shows(edit.id, winner->json) || !access.may_write(edit.id, winner->json))
            return refused;
    }
    const auto *replaced =
        judged.replaced && !judged.replaced->deleted ? &judged.replaced->body.json : nullptr;
    if (replaced != nullptr && !access.may_write(edit.id, *replaced))
        return refused;
    if (!edit.deleted && !access.may_write(edit.id, judged.body.json))
        return refused;
    if (!edit.path)
        return judge_interactive(access.fields(), judged, replaced);
    return judge_push(access.fields(), judged, winner ? &winner->json : nullptr, replaced, pushes_allowed);
}

} // namespace divan::access
