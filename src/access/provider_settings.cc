#include "access/provider_settings.h"

#include "config/config.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kRolesMax = 1'000;
constexpr std::size_t kGroupBytesMax = 1'000;

Result<void> check_url(std::string_view url, bool with_query) {
    auto address = WebAddress::parse(url);
    if (!address.ok())
        return Error(ErrorCode::bad_request,
                     fmt::format("is not a URL that can be used: {}", address.error().reason()));
    if (!with_query && url.find('?') != std::string_view::npos)
        return Error(ErrorCode::bad_request, "is not a URL that can be used: it has a query");
    return {};
}

} // namespace

Error wrong_setting(std::string_view section, std::string_view key, std::string_view what) {
    return {ErrorCode::bad_request, fmt::format("[{}] {} {}", section, key, what)};
}

std::vector<std::string> split_words(std::string_view text, std::string_view separators) {
    std::vector<std::string> words;
    while (!text.empty()) {
        auto end = std::min(text.find_first_of(separators), text.size());
        if (end > 0)
            words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Result<void> check_optional_url(std::string_view url) {
    return url.empty() ? Result<void>() : check_url(url, true);
}

Result<void> check_optional_url_without_query(std::string_view url) {
    return url.empty() ? Result<void>() : check_url(url, false);
}

Result<void> run_checks(const config::Config &config, std::string_view section,
                        std::span<const SettingCheck> checks) {
    for (const auto &[key, check] : checks)
        if (auto checked = check(config.text(section, key)); !checked.ok())
            return wrong_setting(section, key, checked.error().reason());
    return {};
}

Result<void> add_checks(config::Config &config, std::string_view section,
                        std::span<const SettingCheck> checks) {
    for (const auto &[key, check] : checks)
        DIVAN_TRY_VOID(config.add_check(section, key, check));
    return {};
}

ProviderSettings read_provider_settings(const config::Config &config, std::string_view section) {
    auto text = [&](const char *key) { return config.text(section, key); };
    auto number = [&](const char *key) { return config.integer(section, key); };
    ProviderSettings settings;
    for (const auto &[group, roles] : config.section(fmt::format("{}_roles", section)))
        settings.roles[group] = split_words(roles, ", ");
    settings.groups_as_roles = config.boolean(section, "groups_as_roles");
    for (const auto &word : split_words(text("attributes"), ", ")) {
        auto colon = word.rfind(':');
        settings.attributes.emplace_back(word.substr(0, colon),
                                         colon == std::string::npos ? word : word.substr(colon + 1));
    }
    settings.web.ca_file = text("ca_file");
    settings.web.timeout = Millis(number("timeout_ms"));
    settings.web.body_bytes_max = static_cast<std::size_t>(number("response_bytes_max"));
    settings.leeway = std::chrono::seconds(number("clock_leeway_seconds"));
    settings.pending_max = static_cast<std::size_t>(number("logins_pending_max"));
    settings.login_timeout = std::chrono::seconds(number("login_timeout_seconds"));
    return settings;
}

std::vector<std::string> roles_of_groups(const std::vector<std::string> &groups,
                                         const ProviderSettings &settings) {
    std::vector<std::string> roles;
    auto add = [&](const std::string &role) {
        if (std::find(roles.begin(), roles.end(), role) == roles.end() && roles.size() < kRolesMax)
            roles.push_back(role);
    };
    for (const auto &group : groups) {
        auto mapped = settings.roles.find(group);
        if (mapped != settings.roles.end())
            std::for_each(mapped->second.begin(), mapped->second.end(), add);
        else if (settings.groups_as_roles && group.size() <= kGroupBytesMax)
            add(group);
    }
    return roles;
}

} // namespace divan::access
