#pragma once

// Every setting, declared once: name, kind, default, bounds, meaning. docs/settings.md is made of it.

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace divan::config {

enum class Kind : std::uint8_t { text, boolean, integer, decimal, list };

enum Flag : std::uint8_t {
    kNone = 0,
    kNeedsRestart = 1,
    kReadOnlyOverHttp = 2, // PUT and DELETE through _config answer 403
    kInfinityAllowed = 4,  // "infinity" stands for no limit
    kSecret = 8,           // never shown: Config::is_secret
};

struct Setting {
    std::string_view section;
    std::string_view key;
    Kind kind = Kind::text;
    std::string_view default_value;
    std::int64_t min = 0; // of integers
    std::int64_t max = 0;
    std::uint8_t flags = kNone;
    std::string_view description;
    std::string_view choices = {}; // of texts: the words that are accepted, separated by ", "
};

[[nodiscard]] std::span<const Setting> settings();
// Null if no such setting is declared.
[[nodiscard]] const Setting *find_setting(std::string_view section, std::string_view key);

// The default in a profile ([divan] profile): `enterprise` has some of its own.
[[nodiscard]] std::string_view default_value(const Setting &setting, std::string_view profile);

// Older places and names of a setting that are still read: [httpd] port -> [chttpd] port.
struct Alias {
    std::string_view section;
    std::string_view key; // empty: every key of the section that the new section declares
    std::string_view new_section;
    std::string_view new_key = {}; // empty: the same
};
[[nodiscard]] std::span<const Alias> aliases();

// Settings of CouchDB that have no effect here, and why. An empty key stands for the whole section.
struct WithoutEffect {
    std::string_view section;
    std::string_view key;
    std::string_view reason;
};
[[nodiscard]] const WithoutEffect *find_without_effect(std::string_view section, std::string_view key);

// Errors: bad_request naming section, key and bounds.
[[nodiscard]] Result<void> check_value(const Setting &setting, std::string_view value);

// The page of all settings, as Markdown.
[[nodiscard]] std::string settings_markdown();

} // namespace divan::config
