#pragma once

// Users of an LDAP directory ([ldap] of the settings). A password is right when the directory lets the user's
// entry bind with it; the groups of the entry give the roles.

#include "access/external_user.h"
#include "access/ldap_connection.h"
#include "access/ldap_settings.h"
#include "base/clock.h"
#include "config/config.h"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace divan::access {

// Thread-safe. A caller has at most two connections: one kept for searches, and one of the user's own.
class LdapDirectory final : public Directory {
  public:
    // All of them live longer. Made before other threads use libldap.
    LdapDirectory(const config::Config &config, Clock &clock, telemetry::Logger &log);
    ~LdapDirectory() override;

    // Reads [ldap] and [ldap_roles] anew; if they have changed, kept connections are closed. With settings
    // that are wrong, every question is answered by their error until they are mended. Errors:
    // read_ldap_settings(); none while it is not enabled.
    Result<void> apply_settings();

    [[nodiscard]] bool enabled() const override;
    [[nodiscard]] Result<std::optional<ExternalUser>> check_password(const std::string &name,
                                                                     const std::string &password) override;
    [[nodiscard]] std::chrono::seconds remembered() const override;

  private:
    class Check;
    using Settings = std::shared_ptr<const LdapSettings>;
    using Values = std::array<std::map<std::string, std::string>, 2>; // of the sections
    struct Kept {
        std::unique_ptr<LdapConnection> connection;
        std::chrono::nanoseconds since{}; // of the monotonic clock
    };
    Result<Settings> settings();
    // A new connection to the first server that can be reached, beginning with the one that was last.
    Result<std::unique_ptr<LdapConnection>> connect(const LdapSettings &settings);
    // Null if there is none that was used lately with these settings.
    std::unique_ptr<LdapConnection> take_kept(const Settings &settings);
    void keep(const Settings &settings, std::unique_ptr<LdapConnection> connection);
    // The directory is left alone for a while, and questions are answered with this error.
    void note_unreachable(const LdapSettings &settings, const Error &error);

    const config::Config &config_;
    Clock &clock_;
    telemetry::Logger &log_;
    std::mutex mutex_;
    std::optional<Values> read_; // what `settings_` was made of
    Settings settings_;          // null: not enabled, or wrong
    std::optional<Error> settings_error_;
    std::optional<Error> unreachable_;
    std::chrono::nanoseconds unreachable_until_{};
    std::vector<Kept> kept_; // the newest last
    std::size_t first_server_ = 0;
};

} // namespace divan::access
