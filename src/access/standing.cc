#include "access/standing.h"

#include "access/authenticator.h"
#include "db/visibility.h"

#include <algorithm>

namespace divan::access {

Standing::Standing(Authenticator &authenticator, Principal principal)
    : authenticator_(authenticator), principal_(std::move(principal)),
      // Something may have changed since it was authenticated.
      seen_(~std::uint64_t{0}) {}

namespace {

std::string digest_of(const db::Database &database) {
    const auto *visibility = database.visibility();
    return visibility != nullptr ? visibility->digest() : std::string();
}

} // namespace

void Standing::need(const Gate &gate, Permission permission, const db::Database &opened) {
    needs_.push_back({&gate, permission, opened.name(), true, digest_of(opened)});
}

void Standing::need(const Gate &gate, Permission permission, std::string database) {
    needs_.push_back({&gate, permission, std::move(database), false, {}});
}

void Standing::listen(const std::shared_ptr<Event> &event) {
    if (!principal_.anonymous())
        authenticator_.users().listen(event);
    if (auto *policies = authenticator_.policies())
        policies->listen(event);
}

std::uint64_t Standing::change_count() const {
    auto *policies = authenticator_.policies();
    return authenticator_.users().change_count() + (policies != nullptr ? policies->change_count() : 0);
}

bool Standing::note(bool holds, std::uint64_t count) {
    ended_ = ended_ || !holds;
    seen_ = count;
    return !ended_;
}

std::optional<bool> Standing::holds_cached() {
    ended_ = ended_ || time_left() == Millis(0);
    if (ended_ || seen_ == change_count())
        return !ended_;
    return std::nullopt;
}

std::optional<Millis> Standing::time_left() const {
    if (!principal_.valid_until)
        return std::nullopt;
    auto left = *principal_.valid_until - authenticator_.clock().now();
    return std::max(Millis(0), std::chrono::ceil<Millis>(left));
}

bool Standing::holds() {
    auto count = change_count();
    if (!authenticator_.is_current(principal_))
        return note(false, count);
    if (auto *policies = authenticator_.policies(); policies != nullptr && principal_.elevated) {
        // What cannot be read ends nothing: the next request asks again.
        auto current = policies->current();
        auto own = principal_;
        std::erase(own.roles, "_admin");
        if (current.ok() && !(*current)->makes_server_admin(own))
            return note(false, count);
    }
    for (auto &need : needs_) {
        auto opened = need.gate->open(principal_, need.permission, need.database);
        if (need.held && !opened.ok() && opened.error().status() < 500)
            return note(false, count);
        if (!opened.ok())
            continue;
        auto shown = digest_of(**opened);
        if (need.held && shown != need.shown)
            return note(false, count);
        need.held = true;
        need.shown = std::move(shown);
    }
    return note(true, count);
}

} // namespace divan::access
