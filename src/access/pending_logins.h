#pragma once

// Logins that have begun at an identity provider and not ended.

#include "access/external_user.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace divan::access {

struct PendingLogin {
    std::string state;    // names it in URLs
    std::string browser;  // names the browser it was begun by, in a cookie
    std::string nonce;    // in the ID token; in the ID of a SAML request
    std::string verifier; // of PKCE (RFC 7636)
    std::string redirect_uri;
    std::string next;                     // path of this server
    std::chrono::microseconds begun_at{}; // since the epoch
    // Once the provider has said who it is, where another request ends the login.
    std::optional<ExternalUser> user = {};
};

// A login that has begun, for the browser: where it goes, and the cookie it has to come back with.
struct LoginStart {
    std::string location;
    std::string state;
    std::string browser;
    std::chrono::seconds timeout;
};

// One that has ended at the provider.
struct FinishedLogin {
    ExternalUser user;
    std::string next;
};

// Thread-safe. Bounded: beyond the limit the oldest is forgotten, so that whoever begins logins and never
// ends them cannot keep others from theirs.
class PendingLogins {
  public:
    // `login_path`: where errors say that a login begins.
    PendingLogins(Clock &clock, Random &random, std::string login_path)
        : clock_(clock), random_(random), login_path_(std::move(login_path)) {}

    // With new secrets, 256 bits each.
    [[nodiscard]] PendingLogin begin(std::string redirect_uri, std::string next, std::size_t pending_max,
                                     std::chrono::seconds timeout);
    // One whose user is not known yet; it stays. Errors: bad_request (unknown, ended, too late, or the user
    // is known).
    [[nodiscard]] Result<PendingLogin> find(std::string_view state) const;
    // Keeps the user with it, once. Errors: as find().
    [[nodiscard]] Result<void> set_user(std::string_view state, ExternalUser user);
    // Takes it out: it ends once. `browser`: what the browser's cookie says. Errors: bad_request (unknown,
    // ended, too late), forbidden (another browser; it stays).
    [[nodiscard]] Result<PendingLogin> take(std::string_view state, std::string_view browser);
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        PendingLogin login;
        std::chrono::nanoseconds until; // monotonic
    };
    using Entries = std::list<Entry>;
    void forget(Entries::iterator entry);
    // REQUIRES: the lock.
    [[nodiscard]] Result<Entries::iterator> entry_of(std::string_view state) const;
    [[nodiscard]] Result<Entries::iterator> unanswered(std::string_view state) const;

    Clock &clock_;
    Random &random_;
    const std::string login_path_;
    mutable std::mutex mutex_;
    Entries entries_; // oldest first
    std::map<std::string, Entries::iterator, std::less<>> by_state_;
};

// A path of this server that a browser may be sent to: it begins with one slash, and no browser takes it for
// another server ("//host", "/\host"). Errors: bad_request.
[[nodiscard]] Result<void> check_local_path(std::string_view path);

} // namespace divan::access
