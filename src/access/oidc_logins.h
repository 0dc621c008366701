#pragma once

// Logins that have begun at an identity provider and not ended.

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace divan::access {

struct PendingLogin {
    std::string state;    // names it in URLs
    std::string browser;  // names the browser it was begun by, in a cookie
    std::string nonce;    // in the ID token
    std::string verifier; // of PKCE (RFC 7636)
    std::string redirect_uri;
    std::string next; // path of this server
};

// Thread-safe. Bounded: beyond the limit the oldest is forgotten, so that whoever begins logins and never
// ends them cannot keep others from theirs.
class PendingLogins {
  public:
    PendingLogins(Clock &clock, Random &random) : clock_(clock), random_(random) {}

    // With new secrets, 256 bits each.
    [[nodiscard]] PendingLogin begin(std::string redirect_uri, std::string next, std::size_t pending_max,
                                     std::chrono::seconds timeout);
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

    Clock &clock_;
    Random &random_;
    mutable std::mutex mutex_;
    Entries entries_; // oldest first
    std::map<std::string, Entries::iterator, std::less<>> by_state_;
};

// A path of this server that a browser may be sent to: it begins with one slash, and no browser takes it for
// another server ("//host", "/\host"). Errors: bad_request.
[[nodiscard]] Result<void> check_local_path(std::string_view path);

} // namespace divan::access
