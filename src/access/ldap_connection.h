#pragma once

// One connection to an LDAP server, by libldap.

#include "access/ldap_deadline.h"
#include "access/ldap_settings.h"
#include "base/result.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace divan::telemetry {
class Logger;
}

namespace divan::access {

struct LdapEntry {
    std::string dn;
    // By the names that were asked for, whatever their case in the answer. Values that are no text are left
    // out.
    std::map<std::string, std::vector<std::string>> attributes;

    // No values if there is no such attribute.
    [[nodiscard]] const std::vector<std::string> &values(const std::string &attribute) const;
};

struct LdapSearch {
    enum class Scope : std::uint8_t { entry, subtree };
    std::string base;
    Scope scope = Scope::subtree;
    std::string filter;
    std::vector<std::string> attributes;
    int entries_max = 1;
};

// For one thread at a time. Every call blocks, within the limits of time of the settings. Errors:
// service_unavailable naming the server; what the server says about it goes to the log only.
class LdapConnection {
  public:
    // Connects, encrypted if the server is to be. `settings`, `clock` and `log` live longer.
    static Result<std::unique_ptr<LdapConnection>>
    open(const LdapSettings &settings, const LdapServer &server, Clock &clock, telemetry::Logger &log);
    // False: the server does not take the password for this entry.
    // An empty name or password is refused here: servers would take it for nobody and say success (RFC 4513,
    // sections 5.1.1 and 5.1.2).
    Result<bool> bind(const std::string &dn, std::string_view password);
    // Entries in the server's order; beyond entries_max they are left out. A base that does not exist is an
    // error. Referrals are not followed.
    Result<std::vector<LdapEntry>> search(const LdapSearch &search);
    // Whether the server could not be talked to: the connection is of no use any more.
    [[nodiscard]] bool lost() const { return lost_; }
    [[nodiscard]] const std::string &url() const { return server_.url; }
    // An error of this server, for something that it answered.
    [[nodiscard]] Error unusable(std::string_view what) const;

  private:
    struct Close {
        void operator()(LDAP *handle) const;
    };
    LdapConnection(const LdapSettings &settings, LdapServer server, Clock &clock, telemetry::Logger &log)
        : settings_(settings), server_(std::move(server)), log_(log), deadline_(clock) {}
    Result<void> prepare();
    Result<void> prepare_tls();
    // What libldap answered, in words of the server.
    [[nodiscard]] std::string described(std::string_view step, int code) const;
    // The error to that; the log has all of it.
    Error failed(std::string_view step, int code);

    const LdapSettings &settings_;
    const LdapServer server_;
    telemetry::Logger &log_;
    LdapDeadline deadline_;
    std::unique_ptr<LDAP, Close> handle_;
    bool lost_ = false;
};

} // namespace divan::access
