#pragma once

// What the settings of every identity provider have in common: sections NAME and NAME_roles.

#include "access/web_request.h"
#include "base/result.h"

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace divan::config {
class Config;
}

namespace divan::access {

struct ProviderSettings {
    std::map<std::string, std::vector<std::string>> roles; // by group
    bool groups_as_roles = false;
    std::vector<std::pair<std::string, std::string>> attributes; // what the provider calls it, member
    WebLimits web;
    std::chrono::seconds leeway{};
    std::size_t pending_max = 0;
    std::chrono::seconds login_timeout{};
};

// A check of one setting, with a reason that goes on after the setting's name.
struct SettingCheck {
    const char *key;
    Result<void> (*check)(std::string_view);
};

// `attributes` is split at the last colon of each word.
[[nodiscard]] ProviderSettings read_provider_settings(const config::Config &config, std::string_view section);
// The checks of the section, by what its settings are now, as an error that names the setting; and from now
// on for every change.
[[nodiscard]] Result<void> run_checks(const config::Config &config, std::string_view section,
                                      std::span<const SettingCheck> checks);
[[nodiscard]] Result<void> add_checks(config::Config &config, std::string_view section,
                                      std::span<const SettingCheck> checks);
[[nodiscard]] Error wrong_setting(std::string_view section, std::string_view key, std::string_view what);

// For a SettingCheck. An empty URL is fine.
[[nodiscard]] Result<void> check_optional_url(std::string_view url);
[[nodiscard]] Result<void> check_optional_url_without_query(std::string_view url);
[[nodiscard]] std::vector<std::string> split_words(std::string_view text, std::string_view separators);

// Of the groups that the provider says, each once, bounded.
[[nodiscard]] std::vector<std::string> roles_of_groups(const std::vector<std::string> &groups,
                                                       const ProviderSettings &settings);

} // namespace divan::access
