#pragma once

// The members of a policy, read one by one; inside of this module.

#include "access/document_policy.h"
#include "access/name_pattern.h"
#include "base/result.h"
#include "json/value.h"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

inline Error no_policy(std::string reason) {
    return {ErrorCode::forbidden, "This is no policy: " + std::move(reason)};
}

// The members of a policy, taken one by one.
class PolicyReader {
  public:
    explicit PolicyReader(const json::Object &document) : document_(document) {}

    Result<void> check_members(std::initializer_list<std::string_view> known) const {
        for (const auto &member : document_)
            if (std::find(known.begin(), known.end(), member.key) == known.end() && member.key != "type" &&
                member.key != "description")
                return no_policy(fmt::format("its type knows no member `{}`.", member.key));
        return {};
    }

    Result<std::string> text(std::string_view name) const {
        const auto *value = document_.find(name);
        if (value == nullptr || !value->is_string() || value->string().empty())
            return no_policy(fmt::format("`{}` has to be a text.", name));
        return value->string();
    }

    // Absent: empty.
    Result<std::vector<std::string>> texts(std::string_view name) const {
        std::vector<std::string> texts;
        const auto *value = document_.find(name);
        if (value == nullptr)
            return texts;
        if (!value->is_array())
            return no_policy(fmt::format("`{}` has to be a list of texts.", name));
        for (const auto &entry : value->array()) {
            if (!entry.is_string() || entry.string().empty())
                return no_policy(fmt::format("`{}` has to be a list of texts.", name));
            texts.push_back(entry.string());
        }
        return texts;
    }

    Result<std::vector<std::string>> patterns(std::string_view name) const {
        DIVAN_TRY(auto patterns, texts(name));
        if (patterns.empty())
            return no_policy(fmt::format("`{}` has to name databases, such as [\"dev_*\"].", name));
        for (const auto &pattern : patterns)
            if (auto checked = check_pattern(pattern); !checked.ok())
                return no_policy(checked.error().reason());
        return patterns;
    }

    // Whom a rule binds: `users`, `roles`, `except_roles`; all of them absent: everybody.
    Result<Subjects> subjects() const {
        Subjects subjects;
        DIVAN_TRY(subjects.users, texts("users"));
        DIVAN_TRY(subjects.roles, texts("roles"));
        DIVAN_TRY(subjects.except_roles, texts("except_roles"));
        return subjects;
    }

    // "design/view"
    Result<std::set<std::string>> safe_views() const {
        DIVAN_TRY(auto names, texts("safe_views"));
        for (const auto &name : names)
            if (name.find('/') == std::string::npos)
                return no_policy("`safe_views` names views as design/view.");
        return std::set<std::string>(names.begin(), names.end());
    }

  private:
    const json::Object &document_;
};

} // namespace divan::access
