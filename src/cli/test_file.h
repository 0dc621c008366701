#pragma once

// A file of `divan test`, read and checked: docs/design-tests.md has the format.

#include "base/result.h"
#include "cli/test_source.h"
#include "net/client.h"
#include "json/value.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace divan::cli {

enum class CaseKind : std::uint8_t { view, filter, validate, update, show, list, find };

// A write as validation functions are asked about it.
struct JudgedWrite {
    json::Value document;
    json::Value old_document;            // null: there is none
    json::Value user;                    // {name, roles}; null: nobody
    std::optional<json::Value> security; // nullopt: that of the database
};

struct TestCase {
    std::string name;
    CaseKind kind;
    // Its target is what follows the name of the database: "/_design/orders/_view/by_status?group=true".
    // Nothing for validate.
    net::ClientRequest request;
    JudgedWrite write; // of validate
    // The members that the kind has; of validate "accepted" or one member, `forbidden` or `unauthorized`,
    // with the message or null for any.
    json::Value expected;
};

struct TestFile {
    std::string name;     // as it was given, or found in the folder
    std::string database; // "shop" of shop.test.yaml
    std::vector<json::Value> designs;
    std::vector<json::Value> documents;
    std::vector<TestCase> cases;
};

// `path`: a file, or a folder, which has them as *.test.yaml, .yml and .json at any depth; sorted.
// Errors: bad_request: there is none, or it cannot be read.
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_test_files(const std::filesystem::path &path);

// Errors: bad_request with file, line and what is wrong, also of the files that it names.
[[nodiscard]] Result<TestFile> read_test_file(const std::filesystem::path &file);

// Reads one case. Errors: as read_test_file().
[[nodiscard]] Result<TestCase> read_test_case(const SourceNode &node);

} // namespace divan::cli
