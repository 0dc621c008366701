#pragma once

// Who sends a request. The handlers of [chttpd] authentication_handlers are asked in their order; the first
// that finds somebody decides, and one that finds wrong credentials refuses.
//
//   cookie   the AuthSession cookie                     session_cookie.h
//   default  Authorization: Basic                       CouchDB's name for it
//   proxy    X-Auth-CouchDB-UserName and -Roles         of a proxy that is trusted, or shares the secret
//   jwt      Authorization: Bearer                      jwt.h
//   certificate  a client's certificate, over TLS        certificate_login.h

#include "access/handlers.h"
#include "access/jwt_login.h"
#include "access/lockout.h"
#include "access/policies.h"
#include "access/principal.h"
#include "access/scram_logins.h"
#include "access/second_factor.h"
#include "access/session_cookie.h"
#include "access/users.h"
#include "access/verified_logins.h"
#include "base/executor.h"
#include "base/task.h"
#include "net/http.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace divan::telemetry {
class Logger;
}

namespace divan::access {

// A login by POST /_session.
struct Login {
    std::string name;
    crypto::Secret password;
    crypto::Secret token;        // of the second factor
    std::string address;         // of the client
    crypto::Secret new_password; // to be set if the login is right; empty: none
};

// Thread-safe. Users that are not in memory are read on the engine's pool. Passwords are hashed on a pool of
// their own, a bounded number at once: logins must not keep the engine from everybody's work.
class Authenticator {
  public:
    struct Services {
        config::Config &config;
        Clock &clock;
        Random &random;
        Executor &engine_pool;
        Executor &login_pool;
        Users &users;
        SessionCookies &cookies;
        telemetry::Logger &log;
        Directory *directory = nullptr; // of those whom the users database does not know; null: there is none
        // Questions to the directory run here, or with the hashes: one that hangs is not to keep others out.
        Executor *directory_pool = nullptr;
        Policies *policies = nullptr; // null: no role makes a server admin
    };
    explicit Authenticator(const Services &services);

    // Makes a server admin of who is one by a role of the policies. Blocks on the engine. Errors: those of
    // the engine.
    [[nodiscard]] Result<void> elevate(Principal &principal);
    [[nodiscard]] Policies *policies() { return services_.policies; }

    // What needs nothing slow. nullopt: ask authenticate().
    // Errors: unauthorized (wrong name or password), forbidden (locked), bad_request (malformed).
    [[nodiscard]] std::optional<Result<Principal>> authenticate_quickly(const net::RequestHead &head);
    // The same, whatever it takes; goes on on `home`. Errors: also service_unavailable (too many at once).
    // `head` lives until then.
    Task<Result<Principal>> authenticate(const net::RequestHead &head, Executor &home);
    // Errors: as authenticate().
    Task<Result<Principal>> log_in(Login login, Executor &home);
    // A step of a login by SCRAM-SHA-256; `credentials` are of an Authorization header.
    struct ScramStep {
        std::string challenge;           // not empty: to be answered 401 with, in WWW-Authenticate
        std::string authentication_info; // for the header of that name, when it has succeeded
        Principal principal;
    };
    // Errors: as log_in(); bad_request for a message that is malformed.
    Task<Result<ScramStep>> log_in_by_scram(ScramCredentials credentials, std::string address,
                                            Executor &home);
    // Writes a document of the principal's own account, say with a second factor; the principal with the
    // account as it is then. Errors: as Users::update().
    Task<Result<Principal>> update_account(Principal principal, json::Object document, Executor &home);

    // Of somebody whom an identity provider has vouched for: makes or updates the user. Errors: as
    // Users::provision(), forbidden (locked), service_unavailable.
    Task<Result<Principal>> admit(ExternalUser external, Executor &home); // external_login.cc

    // Whether what the principal was found to be by its login still holds: same password, roles, lock. True
    // for nobody. Blocks on the engine if the user is not in memory.
    [[nodiscard]] bool is_current(const Principal &principal);

    // Set-Cookie values: of a new session, and of one that has ended. REQUIRES: a principal with an account.
    [[nodiscard]] std::string session_cookie(const Principal &principal, bool tls);
    [[nodiscard]] std::string clearing_cookie(bool tls) const { return services_.cookies.clearing(tls); }
    // Whether a request that was authenticated by its cookie gets a new one.
    [[nodiscard]] bool should_renew(const net::RequestHead &head) const;

    [[nodiscard]] JwtLogin &jwt() { return jwt_; }
    [[nodiscard]] SecondFactors &second_factors() { return second_factors_; }
    [[nodiscard]] Lockout &lockout() { return lockout_; }
    [[nodiscard]] Users &users() { return services_.users; }
    [[nodiscard]] Clock &clock() { return services_.clock; }

  private:
    // What a step may wait for: nothing, reads of the engine, hashes too, and the directory too.
    enum class Effort : std::uint8_t { none, reads, hashes, directory };
    // What a handler says. too_much: more than the effort that is allowed.
    struct Step {
        enum class Kind : std::uint8_t { pass, found, refused, too_much } kind = Kind::pass;
        Principal principal = {};
        std::optional<Error> error = {};
    };
    static Step refuse(Error error) { return {Step::Kind::refused, {}, std::move(error)}; }
    // nullopt: too much.
    std::optional<Result<Principal>> outcome(Step step, Effort effort);

    std::optional<Result<Principal>> run(const net::RequestHead &head, Effort effort);
    Step by_cookie(const net::RequestHead &head, Effort effort);
    Step by_password(const net::RequestHead &head, Effort effort);
    Step by_proxy(const net::RequestHead &head, Effort effort);
    Step by_token(const net::RequestHead &head, Effort effort);
    Step by_certificate(const net::RequestHead &head, Effort effort);
    // Somebody else vouches for the name; an account of that name may be locked here.
    Step found_elsewhere(Principal principal, Effort effort);

    std::optional<Result<std::shared_ptr<const User>>> find_user(const std::string &name, Effort effort);
    Step check_password(const Login &login, Effort effort);
    Result<void> check_lockout(const Login &login, std::string_view salt);
    Result<ScramStep> scram_step(const ScramCredentials &credentials, const std::string &address);
    Result<Principal> finish_scram(ScramLogins::Begun begun, const std::string &message,
                                   const std::string &address, std::string &server_final);
    Result<void> check_second_factor(const Login &login, const User &user);
    Result<std::shared_ptr<const User>> set_password(const Login &login, std::shared_ptr<const User> user);
    [[nodiscard]] bool has_expired(const User &user) const;
    [[nodiscard]] bool needs_second_factor(const User &user) const;
    [[nodiscard]] bool is_verified(const Login &login, const User &user);
    void remember(const Login &login, const User &user, std::chrono::nanoseconds until);
    // Slow: the user whose password it is.
    Result<std::shared_ptr<const User>> verify(const Login &login, std::shared_ptr<const User> user);
    Result<std::shared_ptr<const User>> verify_in_directory(const Login &login);
    [[nodiscard]] bool is_of_directory(const User *user) const;
    Result<std::shared_ptr<const User>> provision(const ExternalUser &external);
    Error refuse_password(const Login &login, std::string_view salt);
    void upgrade_hash(const User &user, std::string_view password);
    Principal principal_of(std::shared_ptr<const User> user, std::string_view how) const;
    // Makes the effort it takes: `attempt` on the engine's pool, then on the one for logins.
    using Attempt = UniqueFunction<std::optional<Result<Principal>>(Effort)>;
    Task<Result<Principal>> try_harder(Attempt attempt, Executor &home);
    // nullopt: too much. Counts in `running`, of which there is a limit.
    Task<std::optional<Result<Principal>>> try_on(Executor &pool, Effort effort, int &running,
                                                  Attempt &attempt, Executor &home);

    const Services services_;
    JwtLogin jwt_;
    Lockout lockout_;
    VerifiedLogins verified_;
    SecondFactors second_factors_;
    ScramLogins scram_logins_;
    std::mutex mutex_;
    int hashing_ = 0;
    int asking_ = 0;                  // the directory
    std::set<std::string> upgrading_; // names
};

} // namespace divan::access
