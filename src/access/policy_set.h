#pragma once

// All policies in force, and what they say. Does not change once it is filled; then any number of threads.

#include "access/document_access.h"
#include "access/policy.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class PolicySet {
  public:
    struct Options {
        bool standard_roles = false;       // [authorization] rbac_enabled
        std::string default_role;          // of who is logged in and has no role; empty: none
        std::size_t accesses_max = 10'000; // kept by document_access()
        friend bool operator==(const Options &, const Options &) = default;
    };

    explicit PolicySet(Options options);
    PolicySet(PolicySet &&other) noexcept; // REQUIRES: no other thread

    // A role of a document stands in for the standard role of that name.
    void add(Policy policy);
    // What cannot be read might have been what keeps somebody out: nobody but server admins gets in.
    void add_unreadable(std::string id) { unreadable_.push_back(std::move(id)); }

    // The role of the principal that permits it; null: none does. Nobody has no roles. Lives as long as this.
    [[nodiscard]] const RolePolicy *granting_role(const Principal &principal, Grant grant,
                                                  std::string_view database) const;
    [[nodiscard]] bool allows(const Principal &principal, Grant grant, std::string_view database) const {
        return granting_role(principal, grant, database) != nullptr;
    }
    // Whether the principal has anything there by a role.
    [[nodiscard]] bool allows_any(const Principal &principal, std::string_view database) const;
    // Whether a role makes a server admin of the principal.
    [[nodiscard]] bool makes_server_admin(const Principal &principal) const;
    // Names of roles that do.
    [[nodiscard]] std::vector<std::string> server_admin_roles() const;
    // Makes it one then.
    void elevate(Principal &principal) const;
    // Whether tenants keep the principal out of the database: then it is not even told that there is one.
    // Never of system databases, which have rules of their own.
    [[nodiscard]] bool keeps_out(const Principal &principal, std::string_view database) const;

    // Whether there are rules for single documents or their fields at all.
    [[nodiscard]] bool has_document_rules() const { return !documents_.empty(); }
    // Whether they bind the principal there.
    [[nodiscard]] bool has_document_rules(const Principal &principal, std::string_view database) const {
        return documents_.bind(principal, database);
    }
    // Whether there are field rules for that database, whomever they bind.
    [[nodiscard]] bool has_field_rules(std::string_view database) const;
    // Whether one of these speaks of attributes of users.
    [[nodiscard]] bool wants_attributes() const { return wants_attributes_; }
    // What they make of the principal; null: none binds it. Kept for the next time. `cipher` outlives the set
    // and what it gives. Errors: those of selector::compile().
    [[nodiscard]] Result<std::shared_ptr<const DocumentAccess>>
    document_access(const Principal &principal, const json::Object &attributes, std::string_view database,
                    const selector::Limits &limits, const crypto::BlockCipher &cipher) const;

    // For reports. Live as long as this.
    [[nodiscard]] std::vector<const RolePolicy *> roles_in_force() const;
    [[nodiscard]] const DocumentPolicies &documents() const { return documents_; }
    [[nodiscard]] const std::vector<std::string> &unreadable() const { return unreadable_; }

  private:
    template <typename Visit>
    const RolePolicy *find_role(const Principal &principal, const Visit &visit) const;
    template <typename Visit> const RolePolicy *find_role_in_force(const Visit &visit) const;

    const Options options_;
    std::vector<RolePolicy> roles_;
    std::vector<const RolePolicy *> standard_roles_; // in force
    std::vector<TenantPolicy> tenants_;
    DocumentPolicies documents_;
    bool wants_attributes_ = false;
    std::vector<std::string> unreadable_; // ids
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::shared_ptr<const DocumentAccess>, std::less<>> made_;
};

} // namespace divan::access
