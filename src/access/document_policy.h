#pragma once

// Policies that decide about single documents: rules with a selector, and classifications.

#include "access/principal.h"
#include "base/result.h"
#include "json/value.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class PolicyReader;

// Whom a rule binds; never server admins.
struct Subjects {
    std::vector<std::string> users;
    std::vector<std::string> roles;
    std::vector<std::string> except_roles;

    [[nodiscard]] bool has(const Principal &principal) const;
};

// Who is bound by rules of a database may do to a document what one of them permits, and nothing else.
struct DocumentRule {
    std::string id;                     // of its document
    std::vector<std::string> databases; // patterns
    Subjects subjects;
    bool read = false;
    bool write = false;
    json::Value filter;               // a selector, with placeholders
    std::set<std::string> safe_views; // "design/view": may be answered as they are

    // {"filter", "permissions"}
    [[nodiscard]] json::Object to_json() const;
};

// Documents have a level, and users a clearance; what lies above it is hidden. Of several each counts.
struct Classification {
    std::string id;
    std::vector<std::string> databases;
    Subjects subjects;
    std::string field;                             // of documents, a path as selectors have it
    std::vector<std::string> levels;               // ascending
    std::optional<std::string> default_level;      // of documents without one; nullopt: the highest
    std::map<std::string, std::string> clearances; // by role
    std::optional<std::string> default_clearance;  // nullopt: none, and nothing is shown
    std::set<std::string> safe_views;
};

// Whether one of the patterns means the database. Never system databases: users, replications and policies
// have rules of their own.
[[nodiscard]] bool covers_database(const std::vector<std::string> &patterns, std::string_view database);

// Whether it is a selector, with placeholders. Errors: forbidden, with what is wrong.
Result<void> check_filter(const json::Value &filter);
// Errors: forbidden, with what is wrong.
[[nodiscard]] Result<DocumentRule> read_document_rule(const PolicyReader &reader,
                                                      const json::Object &document);
[[nodiscard]] Result<Classification> read_classification(const PolicyReader &reader,
                                                         const json::Object &document);

} // namespace divan::access
