#pragma once

// Users whom somebody else knows: a directory (LDAP) or an identity provider (OpenID Connect, SAML). The
// first login makes a document of the users database for them, without a password, and every login brings its
// roles up to date; so sessions, locks and rules work for them as for everybody.

#include "access/user.h"
#include "base/result.h"
#include "json/value.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct ExternalUser {
    std::string provider; // "ldap", "oidc", "saml": member `identity_provider` of the document
    std::string name;
    std::vector<std::string> roles; // those that begin with `_` count for nothing
    json::Object attributes;        // further members of the document: "email", ...
    // Who it is at the provider, whatever the name: member `identity_subject`. A name that somebody else had
    // there before is refused. Empty: the provider's names never change hands.
    std::string subject = {};
};

// Checks names and passwords that the users database does not have. Thread-safe.
class Directory {
  public:
    virtual ~Directory() = default;
    [[nodiscard]] virtual bool enabled() const = 0;
    // nullopt: the name is not known, or the password is not the one of it. Blocks until the directory has
    // answered, within its limits of time. Errors: service_unavailable naming what cannot be reached.
    [[nodiscard]] virtual Result<std::optional<ExternalUser>> check_password(const std::string &name,
                                                                             const std::string &password) = 0;
    // How long a password that was right is not asked for again.
    [[nodiscard]] virtual std::chrono::seconds remembered() const = 0;
};

// The document of an external user, made of the one that is there (null: none). nullopt: it is as it should
// be. `salt`: of a new document; sessions are signed with it.
// Errors: forbidden: the name cannot be one here, or belongs to somebody else.
[[nodiscard]] Result<std::optional<json::Object>> external_document(const ExternalUser &external,
                                                                    const User *known, std::string_view salt);

} // namespace divan::access
