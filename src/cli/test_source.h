#pragma once

// The files of `divan test`: YAML or JSON as a JSON value whose parts know where they stand.
//
// YAML: one document of the 1.2 core schema. Plain scalars are null, booleans, numbers or else strings;
// quoted and block scalars are strings. No tags but !!str, no equal keys. A name that ends in ".json" is
// JSON.

#include "base/result.h"
#include "json/value.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::cli {

// The line of a value, from 1 (0: not known), and those of its elements or members.
struct SourceLines {
    int line = 0;
    std::vector<SourceLines> inside;
};

struct Source {
    std::string name; // of the file, for messages
    json::Value value;
    SourceLines lines;
};

// A value within a source. Keeps a pointer to it: valid while the source is, where it is.
class SourceNode {
  public:
    explicit SourceNode(const Source &source);

    [[nodiscard]] const json::Value &value() const { return *value_; }
    // "shop.test.yaml:12: tests[1].view: WHAT"
    [[nodiscard]] Error error(std::string_view what) const;
    // REQUIRES: an array.
    [[nodiscard]] std::vector<SourceNode> elements() const;
    // The member of an object; nullopt: there is none, or this is no object.
    [[nodiscard]] std::optional<SourceNode> find(std::string_view name) const;

  private:
    SourceNode(const Source &source, const json::Value &value, const SourceLines *lines, std::string path);
    [[nodiscard]] SourceNode inside(const json::Value &value, std::size_t index, std::string path) const;

    const Source *source_;
    const json::Value *value_;
    const SourceLines *lines_; // null: not known
    std::string path_;
};

// Errors of all: bad_request with file, line and what is wrong.
[[nodiscard]] Result<Source> parse_yaml(std::string name, const std::string &text);
[[nodiscard]] Result<Source> parse_json(std::string name, const std::string &text);
[[nodiscard]] Result<Source> read_source(const std::filesystem::path &file);

} // namespace divan::cli
