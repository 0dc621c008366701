#pragma once

// Names of fields as Mango writes them, and reading many of them from a JSON text in one pass.
//
// "a.b" is the member b of the member a; a step into an array is a number from 0. "a\.b" is one step with a
// point, "\$a" one with a dollar: every backslash is taken out. (CouchDB mango_util:parse_field,
// mango_doc:get_field.)
//
// Threads: any; a PathReader is read only.

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::selector {

struct Path {
    std::vector<std::string> steps; // empty = the value itself
    friend auto operator<=>(const Path &, const Path &) = default;

    // Joined by points, without escapes: how CouchDB shows a field. "a\.b" and "a.b" look the same.
    [[nodiscard]] std::string joined() const;
    // A name that parse_path() reads back as this path. REQUIRES: steps that parse_path() gave, of which none
    // but the last is empty.
    [[nodiscard]] std::string escaped() const;
};

// Errors: bad_request with the word "invalid_field_name" for a name with an empty step.
[[nodiscard]] Result<Path> parse_path(std::string_view field);

// What stands at a path.
struct Found {
    enum class State : std::uint8_t {
        value,
        missing,  // the last object on the way has no such member
        bad_path, // the way leads through a scalar, or out of an array
    };
    State state = State::missing;
    std::string_view text; // canonical text of the value, inside the text that was read

    [[nodiscard]] bool is_value() const { return state == State::value; }
};

// Reads a set of paths from canonical texts (json/writer.h): members that no path needs are skipped over.
class PathReader {
  public:
    explicit PathReader(std::span<const Path> paths);
    ~PathReader();
    PathReader(PathReader &&) noexcept;
    PathReader &operator=(PathReader &&) noexcept;

    [[nodiscard]] std::size_t size() const; // paths given
    // found[i] is what stands at paths[i]. REQUIRES: `json` is canonical; found.size() == size(). No
    // allocation but for names with escapes.
    void read(std::string_view json, std::span<Found> found) const;

  private:
    struct Tree;
    std::unique_ptr<Tree> tree_;
};

} // namespace divan::selector
