#include "config/settings_tables.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace divan::config {
namespace {

constexpr ProfileDefault kEnterpriseDefaults[] = {
    {"replicator", "encrypted_replication", "true"},     {"authentication", "password_min_length", "12"},
    {"authentication", "require_uppercase", "true"},     {"authentication", "require_numbers", "true"},
    {"authentication", "require_special_chars", "true"}, {"authentication", "password_history", "5"},
    {"authentication", "password_max_age", "90"},
};

bool is_choice(std::string_view choices, std::string_view value) {
    while (!choices.empty()) {
        auto comma = choices.find(", ");
        if (choices.substr(0, comma) == value)
            return true;
        choices.remove_prefix(comma == std::string_view::npos ? choices.size() : comma + 2);
    }
    return false;
}

// The value, or of a list each of its elements.
bool are_choices(const Setting &setting, std::string_view value) {
    if (setting.kind != Kind::list)
        return is_choice(setting.choices, value);
    while (!value.empty()) {
        auto comma = value.find(',');
        auto part = value.substr(0, comma);
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        auto begin = part.find_first_not_of(' ');
        if (begin == std::string_view::npos ||
            !is_choice(setting.choices, part.substr(begin, part.find_last_not_of(' ') - begin + 1)))
            return false;
    }
    return true;
}

// Of names in this table, which live as long as the process.
using Name = std::pair<std::string_view, std::string_view>;

struct NameHash {
    std::size_t operator()(const Name &name) const {
        std::hash<std::string_view> hash;
        return hash(name.first) * 31 + hash(name.second);
    }
};

struct Table {
    Table() {
        for (auto part : {server_settings(), access_settings(), identity_settings(), replicator_settings(),
                          audit_settings(), anomaly_settings(), divan_settings()})
            settings.insert(settings.end(), part.begin(), part.end());
        for (const auto &setting : settings)
            by_name.emplace(Name(setting.section, setting.key), &setting);
    }
    std::vector<Setting> settings;
    std::unordered_map<Name, const Setting *, NameHash> by_name;
};

const Table &table() {
    static const Table kMade;
    return kMade;
}

template <typename Number> bool lies_between(std::string_view value, const Setting &setting) {
    Number number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc() && end == value.data() + value.size() &&
           number >= static_cast<Number>(setting.min) && number <= static_cast<Number>(setting.max);
}

} // namespace

std::span<const Setting> settings() {
    return table().settings;
}

const Setting *find_setting(std::string_view section, std::string_view key) {
    const auto &names = table().by_name;
    auto found = names.find(Name(section, key));
    return found == names.end() ? nullptr : found->second;
}

std::span<const ProfileDefault> enterprise_defaults() {
    return kEnterpriseDefaults;
}

std::string_view default_value(const Setting &setting, std::string_view profile) {
    if (profile == "enterprise")
        for (const auto &other : kEnterpriseDefaults)
            if (other.section == setting.section && other.key == setting.key)
                return other.value;
    return setting.default_value;
}

Result<void> check_value(const Setting &setting, std::string_view value) {
    auto name = fmt::format("[{}] {}", setting.section, setting.key);
    if (setting.kind == Kind::boolean && value != "true" && value != "false")
        return Error(ErrorCode::bad_request, fmt::format("{} must be true or false, not `{}`.", name, value));
    if (!setting.choices.empty() && value != setting.default_value && !are_choices(setting, value))
        return Error(ErrorCode::bad_request,
                     fmt::format("{} must be one of {}, not `{}`.", name, setting.choices, value));
    if ((setting.flags & kInfinityAllowed) != 0 && value == "infinity")
        return {};
    bool decimal = setting.kind == Kind::decimal;
    bool fits = decimal ? lies_between<double>(value, setting) : lies_between<std::int64_t>(value, setting);
    if ((decimal || setting.kind == Kind::integer) && !fits)
        return Error(ErrorCode::bad_request,
                     fmt::format("{} must be a {}number from {} to {}, not `{}`.", name,
                                 decimal ? "" : "whole ", setting.min, setting.max, value));
    return {};
}

} // namespace divan::config
