#pragma once

// The AuthSession cookie, as CouchDB makes it (couch_httpd_auth, couch_secrets): base64url of name ":" time
// in hexadecimal ":" HMAC, the key of which is [chttpd_auth] secret and the salt of the user's password.
// Nodes that share the secret accept each other's cookies, and a new password ends the sessions.

#include "base/clock.h"
#include "config/config.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace divan::access {

struct SessionToken {
    std::string name;
    std::int64_t issued = 0; // seconds since the epoch
    std::string signed_text;
    std::string signature;
};

// The HMAC of a text under one of [chttpd_auth] hash_algorithms, raw.
[[nodiscard]] std::string sign_by_name(std::string_view algorithm, std::string_view key,
                                       std::string_view text);

// The value of the AuthSession cookie of a Cookie header; empty: it was cleared.
[[nodiscard]] std::optional<std::string_view> find_session_cookie(std::string_view cookie_header);
// nullopt for a malformed value.
[[nodiscard]] std::optional<SessionToken> parse_session_token(std::string_view value);

// Thread-safe.
class SessionCookies {
  public:
    // Both outlive it.
    SessionCookies(const config::Config &config, Clock &clock) : config_(config), clock_(clock) {}

    // Whether the token was signed here for a user with that salt, its time is not over, and the user's
    // sessions were not ended since.
    [[nodiscard]] bool verify(const SessionToken &token, std::string_view salt);
    // Less than 90 % of its life is left: it should be renewed with the answer.
    [[nodiscard]] bool should_renew(const SessionToken &token) const;

    // Set-Cookie values. `tls`: the request came over TLS.
    [[nodiscard]] std::string make(std::string_view name, std::string_view salt, bool tls);
    [[nodiscard]] std::string clearing(bool tls) const; // the same attributes, no value

    // Tokens of the user that were made before now are not accepted any more.
    void end_sessions(std::string_view name);

  private:
    [[nodiscard]] std::int64_t now_seconds() const;
    [[nodiscard]] crypto::Secret signing_key(std::string_view salt) const;
    [[nodiscard]] std::string attributes(bool tls) const;

    const config::Config &config_;
    Clock &clock_;
    std::mutex mutex_;
    // By name: the first second of tokens that count. An entry is needed for as long as a token lives.
    std::map<std::string, std::int64_t, std::less<>> valid_from_;
};

} // namespace divan::access
