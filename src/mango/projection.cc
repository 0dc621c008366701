#include "mango/projection.h"

#include "selector/erlang_text.h"
#include "json/value.h"
#include "json/writer.h"

#include <algorithm>
#include <set>

namespace divan::mango {
namespace {

// Puts a value where the steps lead. What is inside of a value that was put whole is there already.
void set_field(json::Object &object, std::span<const std::string> steps, std::string_view text) {
    if (steps.size() == 1) {
        object.set(steps[0], json::Raw{std::string(text)});
        return;
    }
    auto *inner = object.find(steps[0]);
    if (inner == nullptr) {
        object.append(steps[0], json::Object());
        inner = object.find(steps[0]);
    }
    if (inner->is_object())
        set_field(inner->object(), steps.subspan(1), text);
}

} // namespace

Result<std::vector<std::string>> read_fields(const json::Value &value) {
    if (!value.is_array())
        return Error(ErrorCode::bad_request, "invalid_fields",
                     "Fields must be an array of strings, not: " + selector::erlang_text(value));
    std::vector<std::string> fields;
    for (const auto &field : value.array()) {
        if (!field.is_string())
            return Error(ErrorCode::bad_request, "invalid_field",
                         "Invalid JSON for field spec: " + selector::erlang_text(field));
        DIVAN_TRY(auto path, selector::parse_path(field.string()));
        fields.push_back(field.string());
    }
    return fields;
}

Projection::Projection(std::vector<selector::Path> paths) : paths_(std::move(paths)), reader_(paths_) {
    std::set<selector::Path> seen;
    for (const auto &path : paths_)
        flat_ = flat_ && path.steps.size() == 1 && seen.insert(path).second;
}

Result<Projection> Projection::make(std::span<const std::string> fields) {
    std::vector<selector::Path> paths;
    for (const auto &field : fields) {
        DIVAN_TRY(auto path, selector::parse_path(field));
        paths.push_back(std::move(path));
    }
    return Projection(std::move(paths));
}

void Projection::append(std::string &out, std::string_view document) const {
    if (paths_.empty()) {
        out.append(document);
        return;
    }
    std::vector<selector::Found> found(paths_.size());
    reader_.read(document, found);
    std::vector<std::string_view> values(found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i].is_value())
            values[i] = found[i].text;
    append_values(out, values);
}

void Projection::append_values(std::string &out, std::span<const std::string_view> values) const {
    if (!flat_) {
        json::Object object;
        for (std::size_t i = 0; i < paths_.size(); ++i)
            if (!values[i].empty())
                set_field(object, paths_[i].steps, values[i]);
        json::write(out, json::Value(std::move(object)));
        return;
    }
    json::ObjectWriter writer(out);
    for (std::size_t i = 0; i < paths_.size(); ++i)
        if (!values[i].empty())
            writer.raw(paths_[i].steps[0], values[i]);
    writer.close();
}

} // namespace divan::mango
