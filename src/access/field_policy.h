#pragma once

// Policies that decide about single fields of documents.

#include "access/document_policy.h"
#include "selector/path.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace divan::access {

// Where a path meets a list, it means the whole list: its elements have no names that an edit would keep.
struct FieldRule {
    struct Mask {
        selector::Path path;
        json::Value shown; // in its place
    };

    std::string id;                     // of its document
    std::vector<std::string> databases; // patterns
    Subjects subjects;
    std::optional<json::Value> filter; // of documents, a selector with placeholders; nullopt: all
    std::vector<selector::Path> hidden;
    std::vector<Mask> masked;
    std::vector<selector::Path> read_only;
    std::set<std::string> safe_views; // "design/view": tell nothing of these fields

    // What is not shown as it is.
    [[nodiscard]] bool hides() const { return !hidden.empty() || !masked.empty(); }
    // {"hide", "mask", "read_only"}: names of fields
    [[nodiscard]] json::Object to_json() const;
};

// Errors: forbidden, with what is wrong.
[[nodiscard]] Result<FieldRule> read_field_rule(const PolicyReader &reader, const json::Object &document);

} // namespace divan::access
