#include "access/lockout.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kSection = "chttpd_auth_lockout";

} // namespace

std::string Lockout::key(std::string_view address, std::string_view name, std::string_view salt) {
    return fmt::format("{}\n{}:{}\n{}", address, name.size(), name, salt);
}

std::string Lockout::mode() const {
    return config_.boolean("authentication", "lockout_enabled") ? config_.text(kSection, "mode") : "off";
}

std::chrono::nanoseconds Lockout::lifetime() const {
    if (auto lifetime_ms = config_.integer(kSection, "max_lifetime"); lifetime_ms > 0)
        return Millis(lifetime_ms);
    return std::chrono::seconds(config_.integer("authentication", "lockout_duration"));
}

bool Lockout::expired(const Entry &entry) const {
    return config_.boolean("authentication", "auto_unlock") && clock_.monotonic() - entry.first >= lifetime();
}

void Lockout::erase(Entries::iterator entry) {
    by_key_.erase(key(entry->address, entry->name, entry->salt));
    entries_.erase(entry);
}

Lockout::Entry *Lockout::find(const std::string &key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end())
        return nullptr;
    if (expired(*found->second)) {
        erase(found->second);
        return nullptr;
    }
    return &*found->second;
}

Lockout::Verdict Lockout::check(std::string_view address, std::string_view name, std::string_view salt) {
    {
        std::lock_guard lock(mutex_);
        if (entries_.empty())
            return Verdict::free;
    }
    auto mode = this->mode();
    if (mode == "off")
        return Verdict::free;
    std::lock_guard lock(mutex_);
    const auto *of_name = find(key(address, name, salt));
    if (of_name != nullptr && of_name->failures >= config_.integer(kSection, "threshold"))
        return mode == "warn" ? Verdict::warned : Verdict::name_locked;
    const auto *of_address = find(key(address, "", ""));
    auto address_max = config_.integer(kSection, "address_threshold");
    if (of_address != nullptr && address_max > 0 && of_address->failures >= address_max)
        return mode == "warn" ? Verdict::warned : Verdict::address_locked;
    return Verdict::free;
}

void Lockout::count(std::string_view address, std::string_view name, std::string_view salt) {
    auto entry_key = key(address, name, salt);
    if (auto *entry = find(entry_key)) {
        ++entry->failures;
        return;
    }
    entries_.push_front({std::string(address), std::string(name), std::string(salt), clock_.monotonic(), 1});
    by_key_[std::move(entry_key)] = entries_.begin();
    while (entries_.size() > static_cast<std::size_t>(config_.integer(kSection, "max_objects")))
        erase(std::prev(entries_.end()));
}

void Lockout::failed(std::string_view address, std::string_view name, std::string_view salt) {
    if (mode() == "off")
        return;
    std::lock_guard lock(mutex_);
    if (!name.empty())
        count(address, name, salt);
    count(address, "", "");
}

void Lockout::succeeded(std::string_view address, std::string_view name, std::string_view salt) {
    std::lock_guard lock(mutex_);
    if (entries_.empty())
        return;
    if (auto found = by_key_.find(key(address, name, salt)); found != by_key_.end())
        erase(found->second);
}

std::vector<Lockout::Locked> Lockout::list() {
    auto threshold = config_.integer(kSection, "threshold");
    auto address_max = config_.integer(kSection, "address_threshold");
    auto lifetime = this->lifetime();
    std::vector<Locked> locked;
    std::lock_guard lock(mutex_);
    for (const auto &entry : entries_) {
        bool beyond = entry.name.empty() ? address_max > 0 && entry.failures >= address_max
                                         : entry.failures >= threshold;
        if (beyond && !expired(entry))
            locked.push_back({entry.address, entry.name, entry.first + lifetime - clock_.monotonic()});
    }
    return locked;
}

std::size_t Lockout::unlock(std::string_view name) {
    std::size_t count = 0;
    std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        auto current = entry++;
        if (current->name != name)
            continue;
        erase(current);
        ++count;
    }
    return count;
}

} // namespace divan::access
