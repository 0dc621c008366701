#include "access/pending_logins.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kPathBytesMax = 2'048;

} // namespace

PendingLogin PendingLogins::begin(std::string redirect_uri, std::string next, std::size_t pending_max,
                                  std::chrono::seconds timeout) {
    auto secret = [this] { return base64_url_encode(random_.bytes(kSecretBytes)); };
    PendingLogin login{secret(),        secret(),    secret(), secret(), std::move(redirect_uri),
                       std::move(next), clock_.now()};
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

Result<PendingLogins::Entries::iterator> PendingLogins::entry_of(std::string_view state) const {
    auto found = by_state_.find(state);
    if (found == by_state_.end() || found->second->until <= clock_.monotonic())
        return Error(
            ErrorCode::bad_request,
            fmt::format("This login is not known, was ended already, or took too long: begin again at {}.",
                        login_path_));
    return found->second;
}

Result<PendingLogins::Entries::iterator> PendingLogins::unanswered(std::string_view state) const {
    DIVAN_TRY(auto entry, entry_of(state));
    if (entry->login.user)
        return Error(ErrorCode::bad_request,
                     fmt::format("The identity provider has answered this login already: begin again at {}.",
                                 login_path_));
    return entry;
}

Result<PendingLogin> PendingLogins::find(std::string_view state) const {
    std::lock_guard lock(mutex_);
    DIVAN_TRY(auto entry, unanswered(state));
    return entry->login;
}

Result<void> PendingLogins::set_user(std::string_view state, ExternalUser user) {
    std::lock_guard lock(mutex_);
    DIVAN_TRY(auto entry, unanswered(state));
    entry->login.user = std::move(user);
    return {};
}

Result<PendingLogin> PendingLogins::take(std::string_view state, std::string_view browser) {
    std::lock_guard lock(mutex_);
    DIVAN_TRY(auto entry, entry_of(state));
    if (!crypto::constant_time_equal(entry->login.browser, browser))
        return Error(
            ErrorCode::forbidden,
            fmt::format("This login was begun by another browser, or its cookie is missing: begin again "
                        "at {}.",
                        login_path_));
    auto login = std::move(entry->login);
    by_state_.erase(login.state);
    entries_.erase(entry);
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
