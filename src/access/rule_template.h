#pragma once

// Selectors of rules with `{user.name}` and kin in them, which stand for who asks. A text that is nothing
// else becomes the value itself (a list, for `{user.roles}`); inside of a longer text it becomes a part of
// it.

#include "base/result.h"
#include "json/value.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::access {

// Who asks, as rules see it.
struct RuleUser {
    std::string name; // empty: nobody
    std::vector<std::string> roles;
    json::Object attributes; // `policy_attributes` of the user's document, which admins write
};

// `{user.name}` and `{user.id}` are the name, `{user.roles}` the roles, `{user.X}` the attribute X. nullopt:
// it names what the user does not have. Pure.
[[nodiscard]] std::optional<json::Value> fill_template(const json::Value &filter, const RuleUser &user);
// Errors: bad_request for braces that are no placeholder.
[[nodiscard]] Result<void> check_template(const json::Value &filter);
// Whether it speaks of attributes.
[[nodiscard]] bool names_attributes(const json::Value &filter);

} // namespace divan::access
