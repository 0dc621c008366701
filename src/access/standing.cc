#include "access/standing.h"

#include "access/authenticator.h"

#include <algorithm>

namespace divan::access {

Standing::Standing(Authenticator &authenticator, Principal principal)
    : authenticator_(authenticator), principal_(std::move(principal)),
      // Something may have changed since it was authenticated.
      seen_(~std::uint64_t{0}) {}

void Standing::listen(const std::shared_ptr<Event> &event) {
    if (!principal_.anonymous())
        authenticator_.users().listen(event);
}

bool Standing::note(bool holds, std::uint64_t count) {
    ended_ = ended_ || !holds;
    seen_ = count;
    return !ended_;
}

std::optional<bool> Standing::holds_cached() {
    auto count = authenticator_.users().change_count();
    ended_ = ended_ || time_left() == Millis(0);
    if (ended_ || principal_.anonymous() || seen_ == count)
        return !ended_;
    auto holds = authenticator_.is_current_cached(principal_);
    return holds ? std::optional(note(*holds, count)) : std::nullopt;
}

std::optional<Millis> Standing::time_left() const {
    if (!principal_.valid_until)
        return std::nullopt;
    auto left = *principal_.valid_until - authenticator_.clock().now();
    return std::max(Millis(0), std::chrono::ceil<Millis>(left));
}

bool Standing::holds() {
    auto count = authenticator_.users().change_count();
    return note(authenticator_.is_current(principal_), count);
}

} // namespace divan::access
