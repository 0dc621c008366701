#pragma once

// All policies in force, and what they say. Immutable; any number of threads.

#include "access/policy.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class PolicySet {
  public:
    struct Options {
        bool standard_roles = false; // [authorization] rbac_enabled
        std::string default_role;    // of who is logged in and has no role; empty: none
        friend bool operator==(const Options &, const Options &) = default;
    };

    explicit PolicySet(Options options) : options_(std::move(options)) {}

    // A role of a document stands in for the standard role of that name.
    void add(Policy policy);
    // What cannot be read might have been what keeps somebody out: nobody but server admins gets in.
    void add_unreadable(std::string id) { unreadable_.push_back(std::move(id)); }

    // Whether a role of the principal permits it. Nobody has no roles.
    [[nodiscard]] bool allows(const Principal &principal, Grant grant, std::string_view database) const;
    // Whether the principal has anything there by a role.
    [[nodiscard]] bool allows_any(const Principal &principal, std::string_view database) const;
    // Whether a role makes a server admin of the principal.
    [[nodiscard]] bool makes_server_admin(const Principal &principal) const;
    // Makes it one then.
    void elevate(Principal &principal) const;
    // Whether tenants keep the principal out of the database: then it is not even told that there is one.
    // Never of system databases, which have rules of their own.
    [[nodiscard]] bool keeps_out(const Principal &principal, std::string_view database) const;

    [[nodiscard]] const std::vector<std::string> &unreadable() const { return unreadable_; }
    [[nodiscard]] bool empty() const { return roles_.empty() && tenants_.empty() && unreadable_.empty(); }

  private:
    template <typename Visit> bool any_role(const Principal &principal, const Visit &visit) const;

    const Options options_;
    std::vector<RolePolicy> roles_;
    std::vector<TenantPolicy> tenants_;
    std::vector<std::string> unreadable_; // ids
};

} // namespace divan::access
