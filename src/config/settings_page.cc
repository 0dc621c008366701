// docs/settings.md.

#include "config/settings_tables.h"

#include <fmt/format.h>

namespace divan::config {
namespace {

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::boolean:
        return "boolean";
    case Kind::integer:
        return "integer";
    case Kind::decimal:
        return "number";
    case Kind::list:
        return "list";
    case Kind::text:
        break;
    }
    return "text";
}

} // namespace

std::string settings_markdown() {
    std::string out =
        "# Settings\n\n"
        "Ini files as CouchDB's. Later files win; changes through `_node/_local/_config` are kept in "
        "`local.ini` of the data directory.\nThis page is made by `divan settings`.\n";
    std::string_view section;
    for (const auto &setting : settings()) {
        if (setting.section != section) {
            section = setting.section;
            out += fmt::format(
                "\n## [{}]\n\n| setting | kind | default | bounds | meaning |\n|---|---|---|---|---|\n",
                section);
        }
        bool is_number = setting.kind == Kind::integer || setting.kind == Kind::decimal;
        std::string bounds =
            is_number ? fmt::format("{} to {}", setting.min, setting.max) : std::string(setting.choices);
        if ((setting.flags & kInfinityAllowed) != 0)
            bounds += ", infinity";
        std::string meaning(setting.description);
        if ((setting.flags & kNeedsRestart) != 0)
            meaning += " Read at start.";
        if ((setting.flags & kReadOnlyOverHttp) != 0)
            meaning += " Not changed over HTTP.";
        out += fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.key, kind_name(setting.kind),
                           setting.default_value.empty() ? std::string()
                                                         : fmt::format("`{}`", setting.default_value),
                           bounds, meaning);
    }
    out += "\n## The profile `enterprise`\n\nDefaults that `[divan] profile = enterprise` changes.\n\n"
           "| setting | default |\n|---|---|\n";
    for (const auto &entry : enterprise_defaults())
        out += fmt::format("| `[{}] {}` | `{}` |\n", entry.section, entry.key, entry.value);
    out += "\n## Older places\n\n| written as | read as |\n|---|---|\n";
    for (const auto &alias : aliases())
        out +=
            fmt::format("| `[{}] {}` | `[{}]{}{}` |\n", alias.section, alias.key.empty() ? "..." : alias.key,
                        alias.new_section, alias.new_key.empty() ? "" : " ", alias.new_key);
    out += "\n## Without effect\n\nThese settings of CouchDB are recognised and reported once at start.\n\n"
           "| setting | why |\n|---|---|\n";
    for (const auto &entry : without_effect())
        out += fmt::format("| `[{}] {}` | {} |\n", entry.section, entry.key.empty() ? "..." : entry.key,
                           entry.reason);
    return out;
}

} // namespace divan::config
