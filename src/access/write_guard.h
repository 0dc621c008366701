#pragma once

// Stands before the validator of a store: whatever somebody writes, by whatever route or by replication.
// Design documents are for admins of the database and those whose role says so; policies have to be readable.
// Documents of the users database follow user_rules.h, their passwords are hashed before anything is stored,
// and when one takes something from a user (or gives: a new password, other roles, a lock), the sessions of
// that user end.

#include "access/principal.h"
#include "base/clock.h"
#include "base/random.h"
#include "db/write_validator.h"

namespace divan::config {
class Config;
}
namespace divan::json {
class Object;
}

namespace divan::access {

class Policies;
class PolicySet;
class SessionCookies;

// Threads: any.
class WriteGuard final : public db::WriteValidator {
  public:
    // All outlive the guard.
    struct Services {
        const config::Config &config;
        Clock &clock;
        Random &random;
        SessionCookies &cookies;
    };
    WriteGuard(db::WriteValidator &next, const Services &services);
    // Roles may let others than admins write design documents. Before the first write by somebody; they
    // outlive the guard, or the last write.
    void set_policies(Policies &policies) { policies_ = &policies; }

    [[nodiscard]] bool amends_slowly(const db::Database &database,
                                     const std::vector<db::Edit> &edits) override;
    // Errors of edits: not_found for another user's document, bad_request for a password that the policy
    // refuses, forbidden for one that is no string.
    std::vector<Result<void>> amend(db::Database &database, const db::WriteContext &context,
                                    std::vector<db::Edit> &edits) override;
    [[nodiscard]] std::optional<std::vector<bool>>
    judged_cached(const db::Database &database, const db::WriteContext &context, Edits edits) override;
    [[nodiscard]] Result<std::vector<bool>> judged(db::Database &database, const db::WriteContext &context,
                                                   Edits edits) override;
    // Errors of edits: forbidden. Where document rules bind the writer, what is there has to be shown to the
    // writer, and both that and what comes in its place have to be what may be written; fields that field
    // rules keep from the writer stay as they are (document_guard.h).
    void judge(db::Database &database, const db::WriteContext &context, std::vector<db::JudgedEdit> edits,
               Done done) override;

  private:
    void amend_fields(db::Database &database, const db::WriteContext &context, std::vector<db::Edit> &edits,
                      std::vector<Result<void>> &verdicts) const;
    Result<void> amend_user(db::Database &database, const Principal &writer, bool is_admin, db::Edit &edit);
    Result<void> set_password(json::Object &document, const json::Object *replaced);
    // Which edits are judged here; empty: none.
    Result<std::shared_ptr<const PolicySet>> current_policies() const;
    void judge_all_here(db::Database &database, const db::WriteContext &context,
                        const std::vector<db::JudgedEdit> &edits, const PolicySet *policies,
                        std::vector<Result<void>> &verdicts);
    // `policies`: null if there are none.
    std::vector<bool> judged_here(const db::Database &database, const db::WriteContext &context, Edits edits,
                                  const PolicySet *policies) const;
    Result<void> judge_here(const db::Database &database, const Principal &writer, bool is_admin,
                            const db::JudgedEdit &judged);
    void end_sessions_if_changed(const json::Object &replaced, const json::Object &document);

    db::WriteValidator &next_;
    const Services services_;
    const std::string users_database_;
    Policies *policies_ = nullptr;
};

} // namespace divan::access
