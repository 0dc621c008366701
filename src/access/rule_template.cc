#include "access/rule_template.h"

#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kBegin = "{user.";

// The texts of a value, also those in lists and members.
template <typename Visit> bool all_texts(const json::Value &value, const Visit &visit) {
    if (value.is_string())
        return visit(value.string());
    if (value.is_array())
        for (const auto &element : value.array())
            if (!all_texts(element, visit))
                return false;
    if (value.is_object())
        for (const auto &member : value.object())
            if (!all_texts(member.value, visit))
                return false;
    return true;
}

// What lies between `{user.` and the next brace, at `begin` of the text.
std::optional<std::string_view> placeholder_at(std::string_view text, std::size_t begin) {
    auto end = text.find('}', begin);
    auto name_at = begin + kBegin.size();
    if (end == std::string_view::npos || end == name_at)
        return std::nullopt;
    return text.substr(name_at, end - name_at);
}

std::optional<json::Value> value_of(std::string_view name, const RuleUser &user) {
    if (name == "name" || name == "id")
        return user.name.empty() ? std::nullopt : std::optional(json::Value(user.name));
    if (name == "roles") {
        json::Array roles;
        for (const auto &role : user.roles)
            roles.emplace_back(role);
        return json::Value(std::move(roles));
    }
    const auto *attribute = user.attributes.find(name);
    // An object would be taken for operators.
    if (attribute == nullptr || attribute->is_object() || attribute->is_null())
        return std::nullopt;
    return *attribute;
}

std::optional<json::Value> fill_text(const std::string &text, const RuleUser &user) {
    auto begin = text.find(kBegin);
    if (begin == std::string::npos)
        return json::Value(text);
    auto whole = placeholder_at(text, begin);
    if (whole && begin == 0 && text.size() == kBegin.size() + whole->size() + 1)
        return value_of(*whole, user);
    std::string filled;
    std::size_t done = 0;
    for (; begin != std::string::npos; begin = text.find(kBegin, done)) {
        auto name = placeholder_at(text, begin);
        auto value = name ? value_of(*name, user) : std::nullopt;
        if (!value || value->is_array())
            return std::nullopt;
        filled.append(text, done, begin - done);
        filled.append(value->is_string() ? value->string() : json::to_text(*value));
        done = begin + kBegin.size() + name->size() + 1;
    }
    filled.append(text, done, std::string::npos);
    return json::Value(std::move(filled));
}

// A name that is no text but a pattern would match others.
bool in_a_pattern(const json::Value &filter) {
    if (filter.is_array())
        return std::any_of(filter.array().begin(), filter.array().end(), in_a_pattern);
    if (!filter.is_object())
        return false;
    return std::any_of(filter.object().begin(), filter.object().end(), [](const json::Member &member) {
        bool pattern = member.key == "$regex" && member.value.is_string() &&
                       member.value.string().find(kBegin) != std::string::npos;
        return pattern || in_a_pattern(member.value);
    });
}

} // namespace

std::optional<json::Value> fill_template(const json::Value &filter, const RuleUser &user) {
    if (filter.is_string())
        return fill_text(filter.string(), user);
    if (filter.is_array()) {
        json::Array filled;
        for (const auto &element : filter.array()) {
            auto value = fill_template(element, user);
            if (!value)
                return std::nullopt;
            filled.push_back(std::move(*value));
        }
        return json::Value(std::move(filled));
    }
    if (filter.is_object()) {
        json::Object filled;
        for (const auto &member : filter.object()) {
            auto value = fill_template(member.value, user);
            if (!value)
                return std::nullopt;
            filled.append(member.key, std::move(*value));
        }
        return json::Value(std::move(filled));
    }
    return filter;
}

Result<void> check_template(const json::Value &filter) {
    if (in_a_pattern(filter))
        return Error(
            ErrorCode::bad_request,
            "A placeholder cannot stand in a $regex: what a user is called would be a pattern there.");
    std::string wrong;
    auto legal = [&](const std::string &text) {
        for (auto begin = text.find(kBegin); begin != std::string::npos; begin = text.find(kBegin, begin + 1))
            if (!placeholder_at(text, begin))
                wrong = text;
        return wrong.empty();
    };
    if (all_texts(filter, legal))
        return {};
    return Error(ErrorCode::bad_request,
                 fmt::format("`{}` has a placeholder without an end or a name: write {{user.name}}.", wrong));
}

bool names_attributes(const json::Value &filter) {
    auto plain = [](const std::string &text) {
        for (auto begin = text.find(kBegin); begin != std::string::npos;
             begin = text.find(kBegin, begin + 1)) {
            auto name = placeholder_at(text, begin);
            if (name && *name != "name" && *name != "id" && *name != "roles")
                return false;
        }
        return true;
    };
    return !all_texts(filter, plain);
}

} // namespace divan::access
