#include "access/field_access.h"

#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace divan::access {
namespace {

using selector::Path;

// What a path means in a document: a member, or a list that the path meets on its way.
struct Part {
    std::size_t steps = 0; // to it; 0: nothing stands there
    json::Object *holder = nullptr;
    json::Value *value = nullptr;

    [[nodiscard]] bool same_as(const Part &other) const {
        return steps == other.steps && (steps == 0 || *value == *other.value);
    }
};

Part find_part(json::Object &document, const Path &path) {
    auto *holder = &document;
    for (std::size_t i = 0; i < path.steps.size(); ++i) {
        auto *value = holder->find(path.steps[i]);
        if (value == nullptr)
            break;
        if (i + 1 == path.steps.size() || value->is_array())
            return {i + 1, holder, value};
        if (!value->is_object())
            break;
        holder = &value->object();
    }
    return {};
}

void erase_part(json::Object &document, const Path &path) {
    if (auto part = find_part(document, path); part.steps > 0)
        part.holder->erase(path.steps[part.steps - 1]);
}

// Puts `stored` where it stood, into objects that are made for it where there are none.
void put_part(json::Object &document, const Path &path, const Part &stored) {
    auto *holder = &document;
    for (std::size_t i = 0; i + 1 < stored.steps; ++i) {
        auto *next = holder->find(path.steps[i]);
        if (next == nullptr || !next->is_object()) {
            holder->set(path.steps[i], json::Object());
            next = holder->find(path.steps[i]);
        }
        holder = &next->object();
    }
    holder->set(path.steps[stored.steps - 1], *stored.value);
}

void keep_part(json::Object &document, json::Object *stored, const Path &path, bool deleted) {
    auto part = find_part(document, path);
    auto kept = stored != nullptr ? find_part(*stored, path) : Part();
    if (part.same_as(kept) || (deleted && part.steps == 0))
        return;
    if (part.steps != kept.steps)
        erase_part(document, path);
    if (kept.steps > 0)
        put_part(document, path, kept);
}

bool is_kept_part(json::Object &document, json::Object *stored, const Path &path, bool deleted) {
    auto part = find_part(document, path);
    auto kept = stored != nullptr ? find_part(*stored, path) : Part();
    return part.same_as(kept) || (deleted && part.steps == 0);
}

json::Object parse_text(std::string_view text) {
    auto value = json::parse(std::string(text), {.depth_max = json::kAnyDepth});
    // REQUIRES of all texts here.
    DIVAN_CHECK(value.ok() && value->is_object());
    return std::move(value->object());
}

std::optional<json::Object> parse_stored(const std::string *text) {
    return text != nullptr ? std::optional(parse_text(*text)) : std::nullopt;
}

bool is_list_step(std::string_view step) {
    return step == "[]" || (!step.empty() && std::all_of(step.begin(), step.end(), [](unsigned char c) {
               return std::isdigit(c) != 0;
           }));
}

} // namespace

FieldAccess::FieldAccess(std::vector<Rule> rules) {
    for (auto &rule : rules) {
        Bound bound{std::move(rule.id), std::move(rule.filter), {}};
        auto add = [&](Path path, std::optional<json::Value> mask, Fields kind) {
            std::string member;
            json::write_string(member, path.steps.front());
            member.push_back(':');
            bound.fields.push_back({std::move(path), std::move(member), std::move(mask), kind});
        };
        for (auto &mask : rule.masked)
            add(std::move(mask.path), std::move(mask.shown), Fields::concealed);
        for (auto &path : rule.hidden)
            add(std::move(path), std::nullopt, Fields::concealed);
        for (auto &path : rule.read_only)
            add(std::move(path), std::nullopt, Fields::read_only);
        rules_.push_back(std::move(bound));
    }
}

bool FieldAccess::means(const Bound &rule, std::string_view id, std::string_view json) {
    return !rule.filter || rule.filter->matches(id, json);
}

// Whether any field may be in a text at all.
bool FieldAccess::mentions(std::string_view json) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Bound &rule) {
        return std::any_of(rule.fields.begin(), rule.fields.end(), [&](const Field &field) {
            return json.find(field.member) != std::string_view::npos;
        });
    });
}

bool FieldAccess::conceals() const {
    return std::any_of(rules_.begin(), rules_.end(), [](const Bound &rule) {
        return std::any_of(rule.fields.begin(), rule.fields.end(),
                           [](const Field &field) { return field.kind == Fields::concealed; });
    });
}

bool FieldAccess::conceals_in(std::string_view id, std::string_view json) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Bound &rule) {
        return std::any_of(rule.fields.begin(), rule.fields.end(),
                           [](const Field &field) { return field.kind == Fields::concealed; }) &&
               means(rule, id, json);
    });
}

bool FieldAccess::conceals_at(std::span<const std::string> steps) const {
    auto tells_of = [&](const Field &field) {
        if (field.kind != Fields::concealed)
            return false;
        const auto &path = field.path.steps;
        for (std::size_t i = 0; i < std::min(path.size(), steps.size()); ++i)
            if (path[i] != steps[i])
                return is_list_step(steps[i]); // of a list that is concealed as a whole
        return true;
    };
    return std::any_of(rules_.begin(), rules_.end(), [&](const Bound &rule) {
        return std::any_of(rule.fields.begin(), rule.fields.end(), tells_of);
    });
}

std::optional<std::string> FieldAccess::shown(std::string_view id, std::string_view json,
                                              bool deleted) const {
    // What is hidden is not there to be masked.
    std::vector<const Field *> masked;
    std::vector<const Field *> hidden;
    for (const auto &rule : rules_) {
        std::optional<bool> is_meant;
        for (const auto &field : rule.fields) {
            if (field.kind != Fields::concealed || json.find(field.member) == std::string_view::npos)
                continue;
            if (!is_meant)
                is_meant = deleted || means(rule, id, json);
            if (*is_meant)
                (field.mask ? masked : hidden).push_back(&field);
        }
    }
    if (masked.empty() && hidden.empty())
        return std::nullopt;
    auto document = parse_text(json);
    for (const auto *field : hidden)
        erase_part(document, field->path);
    for (const auto *field : masked)
        if (auto part = find_part(document, field->path); part.steps > 0)
            *part.value = *field->mask;
    return json::to_text(json::Value(std::move(document)));
}

Result<std::optional<std::string>> FieldAccess::keep(const Write &write) const {
    std::optional<std::string> unchanged;
    if (!mentions(write.written) && (write.deleted || write.stored == nullptr || !mentions(*write.stored)))
        return unchanged;
    auto document = parse_text(write.written);
    auto stored = parse_stored(write.stored);
    auto *kept = stored ? &*stored : nullptr;
    std::vector<bool> bound(rules_.size(), false);
    std::string text(write.written);
    // What is kept may make another rule mean the document.
    for (bool grew = true; grew;) {
        grew = false;
        for (std::size_t i = 0; i < rules_.size(); ++i)
            if (!bound[i] && (write.deleted || means(rules_[i], write.id, text) ||
                              (write.stored != nullptr && means(rules_[i], write.id, *write.stored))))
                grew = bound[i] = true;
        if (!grew)
            break;
        for (std::size_t i = 0; i < rules_.size(); ++i)
            for (const auto &field : rules_[i].fields) {
                if (!bound[i])
                    continue;
                if (kept == nullptr && find_part(document, field.path).steps > 0)
                    return Error(
                        ErrorCode::forbidden,
                        fmt::format("The field {} is not yours to set: leave it out.", field.path.joined()));
                keep_part(document, kept, field.path, write.deleted);
            }
        text = json::to_text(json::Value(document));
    }
    return text == write.written ? unchanged : std::optional(std::move(text));
}

bool FieldAccess::is_kept(const Write &write, Fields fields) const {
    if (!mentions(write.written) && (write.deleted || write.stored == nullptr || !mentions(*write.stored)))
        return true;
    auto document = parse_text(write.written);
    auto stored = parse_stored(write.stored);
    return std::all_of(rules_.begin(), rules_.end(), [&](const Bound &rule) {
        if (!write.deleted && !means(rule, write.id, write.written) &&
            (write.stored == nullptr || !means(rule, write.id, *write.stored)))
            return true;
        return std::all_of(rule.fields.begin(), rule.fields.end(), [&](const Field &field) {
            return field.kind != fields ||
                   is_kept_part(document, stored ? &*stored : nullptr, field.path, write.deleted);
        });
    });
}

std::vector<std::string> FieldAccess::rules_of(std::string_view id, std::string_view json) const {
    std::vector<std::string> ids;
    for (const auto &rule : rules_)
        if (means(rule, id, json))
            ids.push_back(rule.id);
    return ids;
}

} // namespace divan::access
