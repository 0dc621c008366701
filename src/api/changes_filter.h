#pragma once

// Functions of design documents that choose what a feed shows: filter=ddoc/name and filter=_view.

#include "api/call.h"
#include "db/types.h"
#include "script/pool.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::api {

// A filter of a request, looked up before the feed begins; it stays what it was.
struct FunctionFilter {
    std::shared_ptr<const script::Program> program; // one function
    bool is_map = false;                            // a view's map: what it emits something for passes
    std::string request;                            // the JSON text of `req`; not for maps
};

// Looks the function up. `name`: "ddoc/name"; `section`: "filters" or "views"; `malformed`: what is wrong
// with a name that has not two parts. May block on the engine. Errors: bad_request, not_found,
// function_failed "unknown_query_language".
[[nodiscard]] Result<FunctionFilter> find_function_filter(const Call &call, std::string_view section,
                                                          std::string_view name, const char *malformed,
                                                          const std::optional<std::string> &body);

// Changes with what their functions are given.
class FilterBatch {
  public:
    // Reads the revisions of `changes`: the winners, or all leaves. Takes as many changes as fit into a page
    // (db::kPageBytesMax), one at least, and leaves the others in `changes`. May block on the engine.
    static Result<FilterBatch> read(db::Database &database, std::vector<db::Change> &changes, bool all_leaves,
                                    bool conflicts);

    [[nodiscard]] std::size_t change_count() const { return changes_.size(); }
    [[nodiscard]] kv::Sequence last() const { return changes_.back().sequence; }
    // Whether all documents were judged.
    [[nodiscard]] bool done() const { return judged_ == documents_.size(); }
    // Has the function judge some more; calls `done` once, on a worker's thread; the batch lives until then.
    // REQUIRES: !done()
    // Errors: what the function threw.
    void judge_some(script::Pool &scripts, const FunctionFilter &filter,
                    UniqueFunction<void(Result<std::vector<script::LogLine>>)> done);

    // The changes of which a revision passed, with those revisions alone, and how many changes were read up
    // to each. REQUIRES: done()
    struct Passed {
        db::Change change;
        std::size_t examined;
    };
    [[nodiscard]] std::vector<Passed> take_passed();

  private:
    struct Document {
        std::size_t change;
        doc::Leaf leaf;
        std::string json;
        bool passes = false;
    };

    std::vector<db::Change> changes_;
    std::vector<Document> documents_;
    std::size_t judged_ = 0;
};

} // namespace divan::api
