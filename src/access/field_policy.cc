#include "access/field_policy.h"

#include "access/policy_reader.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

Result<selector::Path> read_path(const std::string &field) {
    auto path = selector::parse_path(field);
    if (!path.ok())
        return no_policy(fmt::format("`{}` is no path: {}", field, path.error().reason()));
    if (path->steps.front().starts_with("_"))
        return no_policy(fmt::format(
            "`{}` is no field of a body: rules are for those that do not begin with `_`.", field));
    return path;
}

Result<std::vector<selector::Path>> read_paths(const PolicyReader &reader, std::string_view name) {
    std::vector<selector::Path> paths;
    DIVAN_TRY(auto fields, reader.texts(name));
    for (const auto &field : fields) {
        DIVAN_TRY(auto path, read_path(field));
        paths.push_back(std::move(path));
    }
    return paths;
}

Result<std::vector<FieldRule::Mask>> read_masks(const json::Object &document) {
    std::vector<FieldRule::Mask> masks;
    const auto *value = document.find("mask");
    if (value == nullptr)
        return masks;
    if (!value->is_object())
        return no_policy("`mask` maps fields to what is shown in their place, such as {\"card\": \"****\"}.");
    for (const auto &member : value->object()) {
        DIVAN_TRY(auto path, read_path(member.key));
        masks.push_back({std::move(path), member.value});
    }
    return masks;
}

} // namespace

json::Object FieldRule::to_json() const {
    json::Array hide;
    for (const auto &path : hidden)
        hide.emplace_back(path.escaped());
    json::Array mask;
    for (const auto &field : masked)
        mask.emplace_back(field.path.escaped());
    json::Array kept;
    for (const auto &path : read_only)
        kept.emplace_back(path.escaped());
    json::Object object;
    object.append("hide", std::move(hide));
    object.append("mask", std::move(mask));
    object.append("read_only", std::move(kept));
    return object;
}

Result<FieldRule> read_field_rule(const PolicyReader &reader, const json::Object &document) {
    DIVAN_TRY_VOID(reader.check_members({"databases", "users", "roles", "except_roles", "filter", "hide",
                                         "mask", "read_only", "safe_views"}));
    FieldRule rule;
    DIVAN_TRY(rule.databases, reader.patterns("databases"));
    DIVAN_TRY(rule.subjects, reader.subjects());
    if (const auto *filter = document.find("filter")) {
        DIVAN_TRY_VOID(check_filter(*filter));
        rule.filter = *filter;
    }
    DIVAN_TRY(rule.hidden, read_paths(reader, "hide"));
    DIVAN_TRY(rule.masked, read_masks(document));
    DIVAN_TRY(rule.read_only, read_paths(reader, "read_only"));
    if (!rule.hides() && rule.read_only.empty())
        return no_policy("a field rule names fields in `hide`, `mask` or `read_only`.");
    DIVAN_TRY(rule.safe_views, reader.safe_views());
    return rule;
}

} // namespace divan::access
