#pragma once

// Changes with their documents, as filters judge them.

#include "base/unique_function.h"
#include "db/database.h"
#include "feed/filters.h"
#include "script/pool.h"
#include "selector/selector.h"

#include <string>
#include <vector>

namespace divan::feed {

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

} // namespace divan::feed
