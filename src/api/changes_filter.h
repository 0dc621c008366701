#pragma once

// What chooses the rows of a feed by their documents: functions of design documents (filter=ddoc/name and
// filter=_view), and selectors (filter=_selector).

#include "api/call.h"
#include "db/types.h"
#include "mango/projection.h"
#include "script/pool.h"
#include "selector/selector.h"
#include "json/value.h"

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

// A selector of a request.
struct SelectorFilter {
    std::shared_ptr<const selector::Selector> selector;
    std::optional<mango::Projection> fields; // what is shown of documents; nullopt = all
};

// Reads `selector` and `fields` of a body. Errors: bad_request, as couch_changes says.
[[nodiscard]] Result<SelectorFilter> read_selector_filter(const json::Object &body,
                                                          const selector::Limits &limits);

// Changes with their documents, as they are judged.
class FilterBatch {
  public:
    struct Texts {
        bool all_leaves = false; // of all leaves, otherwise of the winners
        bool conflicts = false;  // with `_conflicts`
        bool revisions = false;  // with `_revisions`: for functions
    };
    // Reads the documents of `changes`. Takes as many changes as fit into a page (db::kPageBytesMax), one at
    // least, and leaves the others in `changes`. May block on the engine.
    static Result<FilterBatch> read(db::Database &database, std::vector<db::Change> &changes, Texts texts);

    [[nodiscard]] std::size_t change_count() const { return changes_.size(); }
    [[nodiscard]] kv::Sequence last() const { return changes_.back().sequence; }
    // Whether all documents were judged.
    [[nodiscard]] bool done() const { return judged_ == documents_.size(); }
    // Judges all documents.
    void match(selector::Matcher &matcher);
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

    Result<std::size_t> add_change(db::Database &database, const db::Change &change, const db::Head &head,
                                   Texts texts);

    std::vector<db::Change> changes_;
    std::vector<Document> documents_;
    std::size_t judged_ = 0;
};

} // namespace divan::api
