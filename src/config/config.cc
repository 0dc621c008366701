#include "config/config.h"

#include "base/check.h"
#include "config/yaml.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace divan::config {
namespace {

constexpr std::string_view kSecretShown = "****";

// nullopt: there is no such file.
Result<std::optional<std::string>> read_file(const std::string &path) {
    auto failed = [&] {
        return Error(ErrorCode::bad_request, fmt::format("The configuration file {} cannot be read: {}.",
                                                         path, std::strerror(errno)));
    };
    int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT)
        return std::optional<std::string>();
    if (file < 0)
        return failed();
    std::string text;
    char buffer[16'384];
    ssize_t got = 0;
    while ((got = read(file, buffer, sizeof buffer)) > 0)
        text.append(buffer, static_cast<std::size_t>(got));
    auto result = got < 0 ? Result<std::optional<std::string>>(failed())
                          : Result<std::optional<std::string>>(std::move(text));
    close(file);
    return result;
}

// Replaces a file so that a crash leaves the old or the new one.
bool write_file(const std::string &path, std::string_view text) {
    auto temporary = path + ".new";
    int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool ok = true;
    while (ok && !text.empty()) {
        auto written = write(file, text.data(), text.size());
        ok = written > 0;
        if (ok)
            text.remove_prefix(static_cast<std::size_t>(written));
    }
    ok = ok && fsync(file) == 0;
    ok = close(file) == 0 && ok;
    return ok && rename(temporary.c_str(), path.c_str()) == 0;
}

// Ini files cannot keep white space around a value.
std::string trim(std::string value) {
    constexpr const char *kWhite = " \t\r\n";
    auto last = value.find_last_not_of(kWhite);
    value.erase(last == std::string::npos ? 0 : last + 1);
    value.erase(0, value.find_first_not_of(kWhite));
    return value;
}

struct Place {
    std::string_view section;
    std::string_view key;
    friend bool operator==(const Place &, const Place &) = default;
};

// Where a value belongs; old places are read as the new ones.
Place current_place(std::string_view section, std::string_view key) {
    for (const auto &alias : aliases())
        if (alias.section == section &&
            (alias.key == key ||
             (alias.key.empty() && (find_setting(alias.new_section, key) != nullptr ||
                                    find_without_effect(alias.new_section, key) != nullptr))))
            return {alias.new_section, alias.new_key.empty() ? key : alias.new_key};
    return {section, key};
}

} // namespace

Result<std::unique_ptr<Config>> Config::load(std::vector<std::string> files, std::string local_file) {
    for (const auto &file : files)
        if (access(file.c_str(), R_OK) != 0)
            return Error(ErrorCode::bad_request,
                         fmt::format("The configuration file {} cannot be read.", file));
    std::unique_ptr<Config> config(new Config(std::move(files), std::move(local_file)));
    DIVAN_TRY(auto state, config->read_files());
    config->state_ = std::make_shared<const State>(std::move(state));
    return config;
}

void Config::State::put(std::string_view section, std::string_view key, std::string value) {
    auto &shown = values[std::string(section)][std::string(key)];
    if (!is_secret(section, key)) {
        shown = std::move(value);
        return;
    }
    shown = value.empty() ? std::string() : std::string(kSecretShown);
    secrets[std::string(section)][std::string(key)] = crypto::share_secret(value);
    crypto::cleanse(value);
}

void Config::State::add(const State &other) {
    for (const auto &[section, entries] : other.values)
        for (const auto &[key, value] : entries)
            values[section][key] = value;
    for (const auto &[section, entries] : other.secrets)
        for (const auto &[key, secret] : entries)
            secrets[section][key] = secret;
}

Result<Config::State> Config::read_files() const {
    State state;
    auto files = files_;
    if (!local_file_.empty())
        files.push_back(local_file_);
    for (const auto &path : files) {
        DIVAN_TRY(auto text, read_file(path));
        if (!text)
            continue;
        auto parsed = is_yaml_name(path) ? parse_yaml(*text) : parse_ini(*text);
        crypto::cleanse(*text);
        if (!parsed.ok())
            return Error(ErrorCode::bad_request, fmt::format("{}: {}", path, parsed.error().reason()));
        // Two passes: a value in its current place wins over one in an older place of the same file.
        for (bool aliased : {true, false})
            for (auto &[section, entries] : *parsed)
                for (auto &[key, value] : entries) {
                    auto current = current_place(section, key);
                    if ((current != Place{section, key}) != aliased)
                        continue;
                    if (const auto *setting = find_setting(current.section, current.key)) {
                        auto checked = check_value(*setting, value);
                        if (!checked.ok())
                            return Error(ErrorCode::bad_request,
                                         fmt::format("{}: {}", path, checked.error().reason()));
                    }
                    state.put(current.section, current.key, std::move(value));
                }
    }
    return state;
}

std::vector<std::string> Config::notices() const {
    std::vector<std::string> notices;
    auto state = this->state();
    for (const auto &[section, entries] : state->values) {
        if (section == "admins" || section == "jwt_keys" || section == "ldap_roles" ||
            section == "oidc_roles" || section == "saml_roles" || section == "replicator.shares")
            continue;
        for (const auto &[key, value] : entries) {
            if (find_setting(section, key) != nullptr)
                continue;
            if (const auto *entry = find_without_effect(section, key))
                notices.push_back(
                    fmt::format("setting [{}] {} has no effect here: {}", section, key, entry->reason));
            else
                notices.push_back(fmt::format("setting [{}] {} is unknown", section, key));
        }
    }
    return notices;
}

namespace {

std::string profile_of(const IniValues &values) {
    auto section = values.find("divan");
    if (section == values.end())
        return {};
    auto profile = section->second.find("profile");
    return profile == section->second.end() ? std::string() : profile->second;
}

} // namespace

std::optional<std::string> Config::get(std::string_view section, std::string_view key) const {
    auto current = current_place(section, key);
    auto state = this->state();
    auto found = state->values.find(std::string(current.section));
    if (found != state->values.end())
        if (auto value = found->second.find(std::string(current.key)); value != found->second.end())
            return value->second;
    const auto *setting = find_setting(current.section, current.key);
    if (setting == nullptr)
        return std::nullopt;
    auto otherwise = default_value(*setting, profile_of(state->values));
    return otherwise.empty() ? std::nullopt : std::optional<std::string>(otherwise);
}

std::string Config::text(std::string_view section, std::string_view key) const {
    DIVAN_CHECK(find_setting(section, key) != nullptr);
    return get(section, key).value_or("");
}

bool Config::boolean(std::string_view section, std::string_view key) const {
    return text(section, key) == "true";
}

std::int64_t Config::integer(std::string_view section, std::string_view key) const {
    auto value = text(section, key);
    if (value == "infinity")
        return std::numeric_limits<std::int64_t>::max();
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    DIVAN_CHECK(error == std::errc());
    return number;
}

double Config::decimal(std::string_view section, std::string_view key) const {
    auto value = text(section, key);
    double number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    DIVAN_CHECK(error == std::errc());
    return number;
}

std::vector<std::string> Config::list(std::string_view section, std::string_view key) const {
    std::vector<std::string> parts;
    auto value = text(section, key);
    std::string_view rest(value);
    while (!rest.empty()) {
        auto comma = rest.find(',');
        auto part = rest.substr(0, comma);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (!part.empty())
            parts.emplace_back(part);
    }
    return parts;
}

IniValues Config::all() const {
    auto merged = state()->values;
    auto profile = profile_of(merged);
    for (const auto &setting : settings())
        if (auto value = default_value(setting, profile); !value.empty())
            merged[std::string(setting.section)].try_emplace(std::string(setting.key), value);
    return merged;
}

std::map<std::string, std::string> Config::section(std::string_view section) const {
    auto state = this->state();
    auto found = state->values.find(std::string(section));
    return found == state->values.end() ? std::map<std::string, std::string>() : found->second;
}

crypto::SharedSecret Config::secret(std::string_view section, std::string_view key) const {
    DIVAN_CHECK(is_secret(section, key));
    static const auto none = crypto::share_secret("");
    auto state = this->state();
    auto entries = state->secrets.find(section);
    if (entries == state->secrets.end())
        return none;
    auto found = entries->second.find(key);
    return found == entries->second.end() ? none : found->second;
}

std::map<std::string, crypto::SharedSecret, std::less<>> Config::secrets(std::string_view section) const {
    auto state = this->state();
    auto found = state->secrets.find(section);
    return found == state->secrets.end() ? State::Secrets() : found->second;
}

Result<void> Config::set_override(std::string_view section, std::string_view key, std::string value) {
    {
        std::lock_guard lock(mutex_);
        overrides_.put(section, key, value);
    }
    DIVAN_TRY(auto old, set(section, key, std::move(value), false));
    return {};
}

Result<std::string> Config::set(std::string_view section, std::string_view key, std::string value,
                                bool persist) {
    auto current = current_place(section, key);
    value = trim(std::move(value));
    if (const auto *setting = find_setting(current.section, current.key)) {
        DIVAN_TRY_VOID(check_value(*setting, value));
    }
    DIVAN_TRY_VOID(run_check(current.section, current.key, value));
    if (!ini_can_hold(current.section, current.key, value))
        return Error(ErrorCode::bad_request,
                     "A section, key or value has a character that ini files cannot hold.");
    std::string old;
    {
        std::lock_guard lock(mutex_);
        old = get(current.section, current.key).value_or("");
        if (persist) {
            DIVAN_TRY_VOID(this->persist(current.section, current.key, &value));
        }
        auto changed = *state();
        changed.put(current.section, current.key, std::move(value));
        replace(std::move(changed));
    }
    tell_listeners();
    return old;
}

Result<std::string> Config::erase(std::string_view section, std::string_view key, bool persist) {
    auto current = current_place(section, key);
    std::string old;
    {
        std::lock_guard lock(mutex_);
        auto changed = *state();
        auto found = changed.values.find(std::string(current.section));
        if (found == changed.values.end() || !found->second.contains(std::string(current.key))) {
            // A default cannot be removed, but CouchDB's clients expect its value back.
            auto value = get(current.section, current.key);
            if (!value)
                return ErrorCode::unknown_config_value;
            return *value;
        }
        old = found->second[std::string(current.key)];
        if (persist) {
            DIVAN_TRY_VOID(this->persist(current.section, current.key, nullptr));
        }
        found->second.erase(std::string(current.key));
        changed.secrets[std::string(current.section)].erase(std::string(current.key));
        replace(std::move(changed));
    }
    tell_listeners();
    return old;
}

Result<void> Config::persist(std::string_view section, std::string_view key, const std::string *value) {
    if (local_file_.empty())
        return {};
    DIVAN_TRY(auto text, read_file(local_file_));
    auto changed = change_ini(text ? *text : std::string(), section, key, value);
    if (text)
        crypto::cleanse(*text);
    // An older place of the same setting would come back with the next start.
    for (const auto &alias : aliases())
        if (auto old = alias.new_key.empty() ? key : alias.key;
            value == nullptr && current_place(alias.section, old) == Place{section, key})
            changed = change_ini(changed, alias.section, old, nullptr);
    bool written = write_file(local_file_, changed);
    crypto::cleanse(changed);
    if (!written)
        return Error(ErrorCode::storage_failed,
                     fmt::format("The configuration file {} cannot be written.", local_file_));
    return {};
}

// Whoever reads the new number reads the new values.
void Config::replace(State state) {
    std::atomic_store(&state_, std::make_shared<const State>(std::move(state)));
    ++revision_;
}

void Config::tell_listeners() const {
    for (const auto &listener : listeners_)
        listener();
}

Result<void> Config::reload() {
    {
        std::lock_guard lock(mutex_);
        DIVAN_TRY(auto state, read_files());
        state.add(overrides_);
        DIVAN_TRY_VOID(check_all(state));
        replace(std::move(state));
    }
    tell_listeners();
    return {};
}

Result<void> Config::check_all(const State &state) const {
    for (const auto &[section, entries] : state.values)
        for (const auto &[key, value] : entries)
            if (!is_secret(section, key)) {
                DIVAN_TRY_VOID(run_check(section, key, value));
            }
    for (const auto &[section, entries] : state.secrets)
        for (const auto &[key, secret] : entries) {
            DIVAN_TRY_VOID(run_check(section, key, secret->reveal()));
        }
    return {};
}

Result<void> Config::run_check(std::string_view section, std::string_view key, std::string_view value) const {
    Result<void> checked;
    if (auto found = checks_.find(std::pair(std::string(section), std::string(key))); found != checks_.end())
        checked = found->second(value);
    if (auto found = section_checks_.find(section); checked.ok() && found != section_checks_.end())
        checked = found->second(key, value);
    if (!checked.ok())
        return Error(ErrorCode::bad_request,
                     fmt::format("[{}] {}: {}", section, key, checked.error().reason()));
    return {};
}

Result<void> Config::add_check(std::string_view section, std::string_view key, Check check) {
    checks_[std::pair(std::string(section), std::string(key))] = std::move(check);
    if (is_secret(section, key))
        return run_check(section, key, secret(section, key)->reveal());
    return run_check(section, key, text(section, key));
}

Result<void> Config::add_section_check(std::string_view section, SectionCheck check) {
    section_checks_[std::string(section)] = std::move(check);
    return check_all(*state());
}

bool Config::is_secret(std::string_view section, std::string_view key) {
    auto current = current_place(section, key);
    const auto *setting = find_setting(current.section, current.key);
    return current.section == "admins" || current.section == "jwt_keys" ||
           (setting != nullptr && (setting->flags & kSecret) != 0);
}

Result<void> Config::check_http_change(std::string_view section, std::string_view key) {
    // What could run programs, load code or read files (CVE-2017-12636, CVE-2018-8007 and kin).
    static const std::set<std::string_view> kRefused = {"daemons",
                                                        "external",
                                                        "httpd_design_handlers",
                                                        "httpd_db_handlers",
                                                        "native_query_servers",
                                                        "os_daemons",
                                                        "query_servers",
                                                        "update_notification",
                                                        "httpd_global_handlers",
                                                        "indexers"};
    auto current = current_place(section, key);
    const auto *setting = find_setting(current.section, current.key);
    if (kRefused.contains(section) || (setting != nullptr && (setting->flags & kReadOnlyOverHttp) != 0) ||
        (section == "couchdb" && key == "util_driver_dir") ||
        (section == "chttpd" && key == "config_whitelist"))
        return Error(ErrorCode::forbidden, "Config section and key may not be changed over HTTP.");
    return {};
}

void Config::on_change(std::function<void()> listener) {
    std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
}

} // namespace divan::config
