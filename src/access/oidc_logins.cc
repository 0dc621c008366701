#include "access/oidc_logins.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <algorithm>

namespace divan::access {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kPathBytesMax = 2'048;

} // namespace

PendingLogin PendingLogins::begin(std::string redirect_uri, std::string next, std::size_t pending_max,
                                  std::chrono::seconds timeout) {
    auto secret = [this] { return base64_url_encode(random_.bytes(kSecretBytes)); };
    PendingLogin login{secret(), secret(), secret(), secret(), std::move(redirect_uri), std::move(next)};
    auto now = clock_.monotonic();
    std::lock_guard lock(mutex_);
    while (!entries_.empty() && (entries_.size() >= pending_max || entries_.front().until <= now))
        forget(entries_.begin());
    entries_.push_back({login, now + timeout});
    by_state_[login.state] = std::prev(entries_.end());
    return login;
}

void PendingLogins::forget(Entries::iterator entry) {
    by_state_.erase(entry->login.state);
    entries_.erase(entry);
}

Result<PendingLogin> PendingLogins::take(std::string_view state, std::string_view browser) {
    auto now = clock_.monotonic();
    std::lock_guard lock(mutex_);
    auto found = by_state_.find(state);
    if (found == by_state_.end() || found->second->until <= now)
        return Error(ErrorCode::bad_request,
                     "This login is not known, was ended already, or took too long: begin "
                     "again at /_session/oidc/login.");
    if (!crypto::constant_time_equal(found->second->login.browser, browser))
        return Error(ErrorCode::forbidden,
                     "This login was begun by another browser, or its cookie is missing: begin again at "
                     "/_session/oidc/login.");
    auto login = found->second->login;
    forget(found->second);
    return login;
}

std::size_t PendingLogins::size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

Result<void> check_local_path(std::string_view path) {
    bool visible =
        std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
    if (!path.starts_with('/') || path.starts_with("//") || !visible || path.size() > kPathBytesMax)
        return Error(ErrorCode::bad_request,
                     "next must be a path of this server: it begins with one `/`, and has neither `\\` nor "
                     "characters that are not encoded.");
    return {};
}

} // namespace divan::access
