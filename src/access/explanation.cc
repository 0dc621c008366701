#include "access/explanation.h"

#include "access/security_object.h"
#include "doc/document_id.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <vector>

namespace divan::access {
namespace {

using By = Ruling::By;

struct Answer {
    bool granted = false;
    std::string reason;
    json::Array checked;
    json::Array warnings;

    void check(std::string text) { checked.emplace_back(std::move(text)); }
    void warn(std::string text) { warnings.emplace_back(std::move(text)); }
    void decide(bool is_granted, std::string why) {
        granted = is_granted;
        reason = std::move(why);
    }
};

Result<Permission> permission_of(std::string_view operation) {
    static constexpr std::pair<std::string_view, Permission> kOperations[] = {
        {"read", Permission::database_reader},      {"write", Permission::database_writer},
        {"delete", Permission::database_writer},    {"replicate", Permission::database_checkpointer},
        {"design", Permission::database_designer},  {"compact", Permission::database_admin},
        {"configure", Permission::database_owner},  {"create_db", Permission::database_creator},
        {"delete_db", Permission::database_deleter}};
    for (const auto &[name, permission] : kOperations)
        if (name == operation)
            return permission;
    return Error(ErrorCode::bad_request,
                 fmt::format("There is no operation `{}`: there are read, write, delete, replicate, design, "
                             "compact, configure, create_db and delete_db.",
                             operation));
}

std::string reason_of(const Ruling &ruling) {
    switch (ruling.by) {
    case By::enrolment:
        return ruling.outcome.error().reason();
    case By::server_admin:
        return "Server admins pass all rules.";
    case By::tenant:
        return "A tenant keeps the user out of the database: it looks as if it were not there.";
    case By::role:
        return fmt::format("The role {} permits it.", ruling.role->name);
    case By::security_admins:
        return "The _security of the database names the user as an admin.";
    case By::security_members:
        return "The _security of the database lets the user in as a member.";
    case By::nobody:
        break;
    }
    return ruling.outcome.error().reason();
}

// The texts that rules judge: the winner, and what the question brings.
Result<std::vector<std::string>> texts_of(const Question &question, db::Database &database) {
    std::vector<std::string> texts;
    if (!question.document_id.empty()) {
        std::string ids[] = {question.document_id};
        DIVAN_TRY(auto stored, database.texts(ids));
        if (stored.front())
            texts.push_back(std::move(*stored.front()));
    }
    if (question.document)
        texts.push_back(json::to_text(*question.document));
    return texts;
}

void explain_document(const Question &question, const DocumentAccess &documents, const std::string &text,
                      Answer &answer) {
    bool write = question.operation == "write" || question.operation == "delete";
    for (bool writing : {false, true}) {
        // What is written has to be shown, too.
        if (writing && !write)
            break;
        auto decision = documents.decide(question.document_id, text, writing);
        for (auto &id : decision.judged)
            answer.check(fmt::format("document rule {} ({})", id, writing ? "write" : "read"));
        if (!decision.granted)
            return answer.decide(false, decision.rule.empty()
                                            ? std::string("No document rule permits it for this document.")
                                            : fmt::format("The classification {} keeps the document from the "
                                                          "user.",
                                                          decision.rule));
        if (!decision.rule.empty())
            answer.decide(true, fmt::format("The document rule {} permits it.", decision.rule));
    }
}

void explain_fields(const Question &question, const DocumentAccess &documents, const std::string &text,
                    Answer &answer) {
    for (const auto &id : documents.fields().rules_of(question.document_id, text)) {
        answer.check(fmt::format("field rule {}", id));
        answer.warn(fmt::format("The field rule {} keeps fields of the document from the user.", id));
    }
}

Result<void> explain_in(const Gate &gate, const Question &question, Permission permission,
                        db::Database &database, Answer &answer) {
    auto &policies = gate.policies();
    DIVAN_TRY(auto set, policies.current());
    DIVAN_TRY(auto ruling, gate.rule(question.principal, permission, database, *set));
    for (const auto *what : {"server admin", "tenants", "roles", "_security"})
        answer.check(what);
    answer.decide(ruling.outcome.ok(), reason_of(ruling));
    for (const auto &id : set->unreadable())
        answer.warn(fmt::format("The policy {} cannot be read: nobody but server admins gets in.", id));
    DIVAN_TRY(auto security, database.security());
    if (parse_security_object(security).is_member(Principal()))
        answer.warn("The _security of the database lets everybody in.");
    DIVAN_TRY(auto documents, policies.document_access(*set, question.principal, database.name()));
    if (!answer.granted || !documents)
        return {};
    if (doc::is_design_id(question.document_id))
        return {}; // shown to all; who writes them was decided above
    DIVAN_TRY(auto texts, texts_of(question, database));
    for (const auto &text : texts)
        if (answer.granted) {
            explain_document(question, *documents, text, answer);
            explain_fields(question, *documents, text, answer);
        }
    if (texts.empty())
        answer.warn(question.document_id.empty()
                        ? "Document rules bind the user here: name a document to see what they say."
                        : "There is no such document.");
    return {};
}

} // namespace

Result<json::Object> explain_access(const Gate &gate, Users &users, const Question &question,
                                    std::chrono::microseconds now) {
    DIVAN_TRY(auto permission, permission_of(question.operation));
    Answer answer;
    if (question.principal.is_server_admin())
        answer.warn("The user is a server admin.");
    DIVAN_TRY(auto user, users.find(question.principal.name));
    if (user && (user->locked || user->conflicted))
        answer.warn(user->locked ? "The account is locked: the user cannot log in."
                                 : "The document of the user has conflicts: the user cannot log in.");
    if (permission == Permission::database_creator || permission == Permission::database_deleter) {
        auto catalog = gate.catalog(question.principal, permission, question.database);
        answer.check("server admin");
        answer.check("roles");
        answer.decide(catalog.ok(), catalog.ok()
                                        ? "A role of the user permits it, or the user is a server admin."
                                        : catalog.error().reason());
    } else {
        // As the server itself: whether it is there is told to who asks for an explanation.
        const Principal server{"server", {"_admin"}, "server"};
        DIVAN_TRY(auto database, gate.open(server, Permission::server_admin, question.database));
        DIVAN_TRY_VOID(explain_in(gate, question, permission, *database, answer));
    }
    json::Object object;
    object.append("document_id",
                  question.document_id.empty() ? json::Value() : json::Value(question.document_id));
    object.append("user_id",
                  question.principal.anonymous() ? json::Value() : json::Value(question.principal.name));
    object.append("operation", question.operation);
    object.append("access_granted", answer.granted);
    object.append("validation_timestamp", rfc3339(now));
    object.append("permissions_checked", std::move(answer.checked));
    object.append("access_reason", std::move(answer.reason));
    object.append("security_warnings", std::move(answer.warnings));
    return object;
}

} // namespace divan::access
