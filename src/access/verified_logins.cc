#include "access/verified_logins.h"

#include "crypto/digest.h"

#include <fmt/format.h>

namespace divan::access {

std::string VerifiedLogins::fingerprint(std::string_view name, std::string_view password,
                                        const crypto::PasswordHash &hash) const {
    return crypto::hmac_sha256(key_, fmt::format("{}:{}{}:{}{}:{}{}", name.size(), name, password.size(),
                                                 password, hash.salt.size(), hash.salt, hash.key));
}

bool VerifiedLogins::contains(std::string_view name, std::string_view password,
                              const crypto::PasswordHash &hash) {
    auto wanted = fingerprint(name, password, hash);
    std::lock_guard lock(mutex_);
    auto found = known_.find(wanted);
    if (found == known_.end())
        return false;
    order_.splice(order_.begin(), order_, found->second);
    return true;
}

void VerifiedLogins::remember(std::string_view name, std::string_view password,
                              const crypto::PasswordHash &hash, std::size_t entries_max) {
    auto made = fingerprint(name, password, hash);
    std::lock_guard lock(mutex_);
    if (known_.contains(made))
        return;
    order_.push_front(made);
    known_[std::move(made)] = order_.begin();
    while (known_.size() > entries_max) {
        known_.erase(order_.back());
        order_.pop_back();
    }
}

} // namespace divan::access
