#include "access/verified_logins.h"

#include "crypto/digest.h"

#include <fmt/format.h>

namespace divan::access {

std::string VerifiedLogins::fingerprint(std::string_view name, std::string_view password,
                                        std::string_view against) const {
    return crypto::hmac_sha256(
        key_, fmt::format("{}:{}{}:{}{}", name.size(), name, password.size(), password, against));
}

bool VerifiedLogins::contains(std::string_view name, std::string_view password, std::string_view against,
                              std::chrono::nanoseconds now) {
    auto wanted = fingerprint(name, password, against);
    std::lock_guard lock(mutex_);
    auto found = known_.find(wanted);
    if (found == known_.end())
        return false;
    if (found->second->until <= now) {
        entries_.erase(found->second);
        known_.erase(found);
        return false;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return true;
}

void VerifiedLogins::remember(std::string_view name, std::string_view password, std::string_view against,
                              std::chrono::nanoseconds until, std::size_t entries_max) {
    auto made = fingerprint(name, password, against);
    std::lock_guard lock(mutex_);
    if (auto found = known_.find(made); found != known_.end()) {
        found->second->until = until;
        return;
    }
    entries_.push_front({made, until});
    known_[std::move(made)] = entries_.begin();
    while (known_.size() > entries_max) {
        known_.erase(entries_.back().fingerprint);
        entries_.pop_back();
    }
}

} // namespace divan::access
