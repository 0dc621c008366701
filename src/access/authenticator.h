#pragma once

// Who sends a request: Basic passwords and session cookies of the admins in [admins].

#include "access/principal.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "config/config.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

// Credentials as a request carries them.
struct Credentials {
    std::optional<std::string_view> authorization; // the header
    std::optional<std::string_view> cookie;        // the header
};

// Thread-safe. Passwords are hashed slowly on purpose, so that is done on the pool, by a bounded number
// of threads, and a verified password is remembered (as a keyed hash) while its stored hash is the same.
class Authenticator {
  public:
    Authenticator(config::Config &config, Clock &clock, Random &random, Executor &pool);

    // What needs no slow hash: nobody, cookies, remembered passwords. nullopt: ask check_password.
    // Errors: unauthorized (wrong name or password), bad_request (malformed header or cookie).
    [[nodiscard]] std::optional<Result<Principal>> authenticate_quickly(const Credentials &credentials);

    // The slow way; goes on on `home`. Errors: unauthorized, service_unavailable (too many at once).
    Task<Result<Principal>> authenticate(std::string authorization, Executor &home);
    Task<Result<Principal>> check_password(std::string name, std::string password, Executor &home);

    // The Set-Cookie value of a new session; `secure`: for connections of TLS only.
    [[nodiscard]] std::string session_cookie(const std::string &name, bool secure = false);
    // Of an ended one: the same attributes, no value.
    [[nodiscard]] std::string clearing_cookie(bool secure = false) const;
    // Whether less than 90 % of a cookie's life is left: it should be renewed with the answer.
    [[nodiscard]] bool should_renew(std::string_view cookie_header) const;

    // Whether others than this machine can reach the server; then known default passwords are refused.
    void set_exposed(bool exposed) { exposed_ = exposed; }
    // The text to store for an admin whose password is given in plain text.
    // Errors: bad_request for no password, and for a known default one if the server is exposed.
    [[nodiscard]] Result<std::string> admin_text(std::string_view name, std::string_view password);
    // Hashes the passwords of [admins] that were written in plain text. Errors: as admin_text.
    // Returns the names of those whose password is a known default.
    [[nodiscard]] Result<std::vector<std::string>> hash_plain_admins();
    [[nodiscard]] bool has_admin() const;

  private:
    struct Parsed {
        std::string name;
        std::string password;
    };
    [[nodiscard]] static Result<std::optional<Parsed>> parse_basic(std::string_view authorization);
    [[nodiscard]] std::optional<std::string> admin_hash(const std::string &name) const;
    [[nodiscard]] Result<Principal> authenticate_cookie(std::string_view value) const;
    [[nodiscard]] std::string fingerprint(const std::string &name, std::string_view password,
                                          std::string_view hash) const;
    [[nodiscard]] bool remembered(const std::string &fingerprint);
    void remember(const std::string &fingerprint);
    [[nodiscard]] std::string sign(std::string_view name_and_time, std::string_view salt, bool sha256) const;
    [[nodiscard]] std::string cookie_attributes(bool secure) const;

    config::Config &config_;
    Clock &clock_;
    Random &random_;
    Executor &pool_;
    const std::string fingerprint_key_;
    std::atomic<bool> exposed_ = false;
    std::mutex mutex_;
    std::list<std::string> order_; // most recently used first
    std::map<std::string, std::list<std::string>::iterator> known_;
    int hashing_ = 0;
};

// The AuthSession cookie of a Cookie header.
[[nodiscard]] std::optional<std::string_view> find_session_cookie(std::string_view cookie_header);

// Whether a password is one that everybody tries first.
[[nodiscard]] bool is_known_default_password(std::string_view name, std::string_view password);

} // namespace divan::access
