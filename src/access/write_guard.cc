#include "access/write_guard.h"

#include "access/admins.h"
#include "access/document_guard.h"
#include "access/password_policy.h"
#include "access/policies.h"
#include "access/security_object.h"
#include "access/session_cookie.h"
#include "access/stored_user.h"
#include "access/user.h"
#include "access/user_rules.h"
#include "access/users.h"
#include "db/database.h"
#include "doc/document_id.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kHistory = "password_history";
constexpr std::string_view kSetAt = "password_set_at";

bool is_design(const db::Edit &edit) {
    return doc::is_design_id(edit.id);
}

Result<json::Object> parse_document(const std::string &text) {
    DIVAN_TRY(auto value, json::parse(text, {.depth_max = json::kAnyDepth}));
    return std::move(value.object());
}

// What a user may not take out of the own document.
void keep_member(json::Object &document, const json::Object &replaced, std::string_view name) {
    document.erase(name);
    if (const auto *value = replaced.find(name))
        document.append(std::string(name), *value);
}

// The newest first: the one that is replaced, and those before it.
json::Array history_of(const json::Object &replaced, std::size_t length) {
    json::Array history;
    if (auto current = read_password_members(replaced))
        history.emplace_back(password_members(*current));
    if (const auto *older = replaced.find(kHistory); older != nullptr && older->is_array())
        history.insert(history.end(), older->array().begin(), older->array().end());
    history.resize(std::min(history.size(), length));
    return history;
}

bool was_used_before(const json::Array &history, std::string_view password) {
    return std::any_of(history.begin(), history.end(), [&](const json::Value &used) {
        auto hash = used.is_object() ? read_password_members(used.object()) : std::nullopt;
        return hash && hash->iterations <= crypto::kIterationsMax && crypto::verify_password(*hash, password);
    });
}

} // namespace

WriteGuard::WriteGuard(db::WriteValidator &next, const Services &services)
    : next_(next), services_(services),
      users_database_(services.config.text("chttpd_auth", "authentication_db")) {}

// ---- before anything else

bool WriteGuard::amends_slowly(const db::Database &database, const std::vector<db::Edit> &edits) {
    if (next_.amends_slowly(database, edits))
        return true;
    if (database.name() != users_database_) {
        auto policies = policies_ != nullptr ? policies_->current_cached() : nullptr;
        return policies_ != nullptr && (policies == nullptr || policies->has_field_rules(database.name()));
    }
    auto policy = password_policy(services_.config);
    if (policy.history > 0 || policy.max_age.count() > 0)
        return true;
    return std::any_of(edits.begin(), edits.end(), [](const db::Edit &edit) {
        return edit.json.find("\"password\":") != std::string::npos;
    });
}

std::vector<Result<void>> WriteGuard::amend(db::Database &database, const db::WriteContext &context,
                                            std::vector<db::Edit> &edits) {
    auto verdicts = next_.amend(database, context, edits);
    if (database.name() != users_database_) {
        amend_fields(database, context, edits, verdicts);
        return verdicts;
    }
    verdicts.resize(edits.size());
    auto writer = read_user_context(context.user_context());
    auto security = database.security();
    bool is_admin = security.ok() && parse_security_object(*security).is_admin(writer);
    for (std::size_t i = 0; i < edits.size(); ++i)
        if (verdicts[i].ok())
            verdicts[i] = amend_user(database, writer, is_admin, edits[i]);
    return verdicts;
}

// What goes wrong here, judge() says again.
void WriteGuard::amend_fields(db::Database &database, const db::WriteContext &context,
                              std::vector<db::Edit> &edits, std::vector<Result<void>> &verdicts) const {
    auto policies = current_policies();
    if (!policies.ok() || *policies == nullptr || !(*policies)->has_field_rules(database.name()))
        return;
    auto writer = read_user_context(context.user_context());
    auto documents = policies_->document_access(**policies, writer, database.name());
    verdicts.resize(edits.size());
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (!verdicts[i].ok() || edits[i].path || is_design(edits[i]))
            continue;
        if (documents.ok() && *documents && !(*documents)->fields().empty())
            verdicts[i] = keep_fields(database, (*documents)->fields(), edits[i]);
        edits[i].revision_salt = policies_->revision_salt(edits[i].json);
    }
}

// As couch_users_db:before_doc_update.
Result<void> WriteGuard::amend_user(db::Database &database, const Principal &writer, bool is_admin,
                                    db::Edit &edit) {
    auto name = user_name_of_id(edit.id);
    if (!is_admin && !writer.anonymous() && name != std::optional<std::string_view>(writer.name))
        return Error(ErrorCode::not_found, "missing");
    if (edit.deleted || is_design(edit))
        return {};
    auto policy = password_policy(services_.config);
    bool keeps_history = policy.history > 0 || policy.max_age.count() > 0;
    bool sets_password = edit.json.find("\"password\":") != std::string::npos;
    if (!keeps_history && !sets_password)
        return {};
    DIVAN_TRY(auto document, parse_document(edit.json));
    std::optional<json::Object> replaced;
    if (keeps_history) {
        DIVAN_TRY(auto stored, read_stored_user(database, edit.id));
        if (stored)
            replaced = std::move(stored->document);
    }
    if (replaced && !is_admin)
        for (auto kept : {kHistory, kSetAt})
            keep_member(document, *replaced, kept);
    DIVAN_TRY_VOID(set_password(document, replaced ? &*replaced : nullptr));
    edit.json = json::to_text(json::Value(std::move(document)));
    return {};
}

// Replaces a password in plain text by its hash. As couch_users_db:save_doc.
Result<void> WriteGuard::set_password(json::Object &document, const json::Object *replaced) {
    const auto *password = document.find("password");
    if (password == nullptr || password->is_null())
        return {};
    if (!password->is_string())
        return Error(ErrorCode::forbidden,
                     fmt::format("Password value of '{}' is invalid.", json::to_text(*password)));
    auto text = password->string();
    auto policy = password_policy(services_.config);
    DIVAN_TRY_VOID(check_password_policy(text, policy));
    auto history = replaced != nullptr ? history_of(*replaced, policy.history) : json::Array();
    if (was_used_before(history, text))
        return Error(
            ErrorCode::bad_request,
            fmt::format("Password does not conform to requirements. It must not be one of the last {}.",
                        policy.history));
    std::string salt;
    if (const auto *kept = document.find("preserve_salt"); kept != nullptr && kept->is_true())
        if (const auto *given = document.find("salt"); given != nullptr && given->is_string())
            salt = given->string();
    set_password_members(document,
                         make_password_hash(services_.config, services_.random, text, std::move(salt)));
    document.erase(kHistory);
    if (!history.empty())
        document.append(std::string(kHistory), std::move(history));
    document.erase(kSetAt);
    if (policy.max_age.count() > 0)
        document.append(std::string(kSetAt),
                        static_cast<std::int64_t>(
                            std::chrono::duration_cast<std::chrono::seconds>(services_.clock.now()).count()));
    return {};
}

// ---- with the state that an edit replaces

std::vector<bool> WriteGuard::judged_here(const db::Database &database, const db::WriteContext &context,
                                          Edits edits, const PolicySet *policies) const {
    std::vector<bool> judged;
    bool all = database.name() == users_database_ || database.name() == kPoliciesDatabase;
    bool designs = std::any_of(edits.begin(), edits.end(), [](const auto *edit) { return is_design(*edit); });
    bool rules = policies != nullptr && policies->has_document_rules();
    if (!all && !designs && !rules)
        return judged;
    auto writer = read_user_context(context.user_context());
    if (!all && writer.is_server_admin())
        return judged;
    all = all || (rules && policies->has_document_rules(writer, database.name()));
    if (all || designs)
        for (const auto *edit : edits)
            judged.push_back(all || is_design(*edit));
    return judged;
}

namespace {

// What is judged here or there.
std::vector<bool> either(std::vector<bool> here, const std::vector<bool> &there) {
    if (here.empty())
        return there;
    for (std::size_t i = 0; i < there.size(); ++i)
        here[i] = here[i] || there[i];
    return here;
}

} // namespace

std::optional<std::vector<bool>> WriteGuard::judged_cached(const db::Database &database,
                                                           const db::WriteContext &context, Edits edits) {
    auto there = next_.judged_cached(database, context, edits);
    auto policies = policies_ != nullptr ? policies_->current_cached() : nullptr;
    if (!there || (policies_ != nullptr && policies == nullptr))
        return std::nullopt;
    return either(judged_here(database, context, edits, policies.get()), *there);
}

Result<std::vector<bool>> WriteGuard::judged(db::Database &database, const db::WriteContext &context,
                                             Edits edits) {
    DIVAN_TRY(auto there, next_.judged(database, context, edits));
    DIVAN_TRY(auto policies, current_policies());
    return either(judged_here(database, context, edits, policies.get()), there);
}

// Null: there are none.
Result<std::shared_ptr<const PolicySet>> WriteGuard::current_policies() const {
    if (policies_ == nullptr)
        return std::shared_ptr<const PolicySet>();
    return policies_->current();
}

namespace {

Result<void> judge_design(bool permitted, const Principal &writer) {
    if (permitted)
        return {};
    return Error(writer.anonymous() ? ErrorCode::unauthorized : ErrorCode::forbidden,
                 "You are not a db or server admin.");
}

} // namespace

void WriteGuard::judge_all_here(db::Database &database, const db::WriteContext &context,
                                const std::vector<db::JudgedEdit> &edits, const PolicySet *policies,
                                std::vector<Result<void>> &verdicts) {
    std::vector<const db::Edit *> pointers;
    for (const auto &judged : edits)
        pointers.push_back(judged.edit);
    auto here = judged_here(database, context, pointers, policies);
    if (here.empty())
        return;
    auto writer = read_user_context(context.user_context());
    auto security = database.security();
    bool is_admin = security.ok() && parse_security_object(*security).is_admin(writer);
    bool designs =
        is_admin || (policies != nullptr && policies->allows(writer, Grant::design, database.name()));
    Result<std::shared_ptr<const DocumentAccess>> documents = std::shared_ptr<const DocumentAccess>();
    if (policies != nullptr)
        documents = policies_->document_access(*policies, writer, database.name());
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (!here[i])
            continue;
        if (is_design(*edits[i].edit))
            verdicts[i] = judge_design(designs, writer);
        else if (!documents.ok())
            verdicts[i] = documents.error();
        else if (*documents)
            verdicts[i] =
                judge_document(database, **documents, edits[i],
                               services_.config.boolean("authorization", "allow_pushes_under_field_rules"));
        else
            verdicts[i] = judge_here(database, writer, is_admin, edits[i]);
    }
}

void WriteGuard::judge(db::Database &database, const db::WriteContext &context,
                       std::vector<db::JudgedEdit> edits, Done done) {
    std::vector<const db::Edit *> pointers;
    for (const auto &judged : edits)
        pointers.push_back(judged.edit);
    std::vector<Result<void>> verdicts(edits.size());
    if (auto policies = current_policies(); policies.ok())
        judge_all_here(database, context, edits, policies->get(), verdicts);
    else
        std::fill(verdicts.begin(), verdicts.end(), Result<void>(policies.error()));
    auto there = next_.judged(database, context, pointers);
    std::vector<std::size_t> places;
    std::vector<db::JudgedEdit> rest;
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (!verdicts[i].ok())
            continue;
        if (!there.ok())
            verdicts[i] = there.error();
        else if (!there->empty() && (*there)[i]) {
            places.push_back(i);
            rest.push_back(std::move(edits[i]));
        }
    }
    if (rest.empty()) {
        done(std::move(verdicts));
        return;
    }
    next_.judge(database, context, std::move(rest),
                [verdicts = std::move(verdicts), places = std::move(places),
                 done = std::move(done)](std::vector<Result<void>> answers) mutable {
                    for (std::size_t i = 0; i < answers.size(); ++i)
                        verdicts[places[i]] = std::move(answers[i]);
                    done(std::move(verdicts));
                });
}

Result<void> WriteGuard::judge_here(const db::Database &database, const Principal &writer, bool is_admin,
                                    const db::JudgedEdit &judged) {
    const auto &edit = *judged.edit;
    if (database.name() == kPoliciesDatabase && edit.deleted)
        return {};
    DIVAN_TRY(auto document, parse_document(judged.body.json));
    if (database.name() == kPoliciesDatabase) {
        DIVAN_TRY(auto policy, read_policy(document));
        return {};
    }
    DIVAN_CHECK(database.name() == users_database_);
    std::optional<json::Object> replaced;
    if (judged.replaced && !judged.replaced->deleted) {
        DIVAN_TRY(replaced, parse_document(judged.replaced->body.json));
    }
    DIVAN_TRY_VOID(check_user_edit({edit.id, edit.deleted, document, replaced ? &*replaced : nullptr}, writer,
                                   is_admin));
    // A document joins the admin of its name: with it comes a second factor, say, that the admin does not
    // have.
    auto name = user_name_of_id(edit.id);
    if (!is_admin && !edit.deleted && name && services_.config.get("admins", *name))
        return Error(ErrorCode::forbidden, "This name belongs to a server admin.");
    if (replaced)
        end_sessions_if_changed(*replaced, document);
    return {};
}

void WriteGuard::end_sessions_if_changed(const json::Object &replaced, const json::Object &document) {
    if (read_user(replaced).authority == read_user(document).authority)
        return;
    if (const auto *name = replaced.find("name"); name != nullptr && name->is_string())
        services_.cookies.end_sessions(name->string());
}

} // namespace divan::access
