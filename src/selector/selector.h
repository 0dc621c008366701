#pragma once

// Mango selectors: compiled once, matched against the stored text of documents.
//
// One form serves `_find`, partial indexes, `_changes?filter=_selector`, `validate_doc_update` and
// replication. Rules: CouchDB 3.5 (mango_selector.erl); where Divan differs stands in docs/differences.md.
//
// Values are compared as view keys are (collation/sort_key.h). `$all` compares for equality of terms: 1 and
// 1.0 differ there.

#include "base/result.h"
#include "selector/node.h"
#include "json/value.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace divan::selector {

struct Limits {
    std::size_t depth_max = 200;                   // of operators and fields inside each other
    std::size_t conditions_max = 10'000;           // and values of $in, $nin and $all
    std::size_t path_bytes_max = 1 << 20;          // of the paths of all conditions, together
    std::size_t regex_bytes_max = 10'000;          // of one pattern
    std::size_t regex_program_bytes_max = 4 << 20; // of all patterns once compiled, together
    std::uint32_t regex_match_max = 100'000; // steps of a match from one place of the string (PCRE2's limit)
    std::uint32_t regex_cpu_ms_max = 200;    // of one match
};

class Selector {
  public:
    // Errors: bad_request with CouchDB's word: invalid_selector_json, invalid_operator, not_supported,
    // bad_arg, bad_field, invalid_field_name, invalid_selector; beyond a limit bad_arg, with a reason that
    // names it. Compiling takes linear time and memory.
    [[nodiscard]] static Result<std::shared_ptr<const Selector>> compile(const json::Value &selector,
                                                                         const Limits &limits = {});
    ~Selector();
    Selector(const Selector &) = delete;
    Selector &operator=(const Selector &) = delete;

    [[nodiscard]] const Node &root() const;
    // Whether it is only `$and`, `$or`, `$nor`, `$in` or `$all` of nothing: CouchDB does not even look for
    // documents then.
    [[nodiscard]] bool is_void() const;
    // The normal form as JSON. `shown`: with fields as `_explain` shows them; otherwise with escapes, so that
    // compile() reads it back.
    [[nodiscard]] json::Value to_json(bool shown) const;
    // Fields of conditions, as CouchDB shows them; in the order of the selector, not unique.
    [[nodiscard]] std::vector<std::string> fields() const;
    // Whether it looks at single members of the document, and at none whose name begins with `_`: then it
    // tells the same of a text without those.
    [[nodiscard]] bool needs_only_plain_members() const;

  private:
    friend class Matcher;
    struct Program;
    explicit Selector(std::unique_ptr<const Program> program);
    std::unique_ptr<const Program> program_;
};

// Matches one text after the other; keeps its memory between them. Not thread-safe; make one for each
// query. Holds the selector.
class Matcher {
  public:
    explicit Matcher(std::shared_ptr<const Selector> selector);
    ~Matcher();
    Matcher(Matcher &&) noexcept;
    Matcher &operator=(Matcher &&) noexcept;

    // REQUIRES: canonical text (json/writer.h). Linear in the text but for regexes, which the limit bounds.
    [[nodiscard]] bool matches(std::string_view json);
    // How many matches of regexes were given up at their limit, which counts as no match (as in CouchDB).
    [[nodiscard]] std::uint64_t regexes_given_up() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace divan::selector
