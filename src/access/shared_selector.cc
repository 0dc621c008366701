#include "access/shared_selector.h"

#include "json/writer.h"

#include <optional>
#include <string>

namespace divan::access {

bool SharedSelector::matches(std::string_view id, std::string_view json) const {
    std::optional<selector::Matcher> matcher;
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            matcher.emplace(std::move(idle_.back()));
            idle_.pop_back();
        }
    }
    if (!matcher)
        matcher.emplace(selector_);
    bool matched = false;
    if (selector_->needs_only_plain_members() || json.starts_with("{\"_id\":")) {
        matched = matcher->matches(json);
    } else {
        std::string text = "{\"_id\":";
        json::write_string(text, id);
        if (json.size() > 2)
            text.push_back(',');
        text.append(json.substr(1));
        matched = matcher->matches(text);
    }
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(*matcher));
    return matched;
}

} // namespace divan::access
