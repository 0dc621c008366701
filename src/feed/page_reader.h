#pragma once

// Reads the changes of a database page by page, and lets those pass that a reader asked for.
//
//   reader.options().function ? read_unjudged(), batch->judge_some() until done(), PageReader::judged()
//                               : read()
//   reader.go_on(page.last)

#include "db/database.h"
#include "feed/candidate_scan.h"
#include "feed/filter_batch.h"
#include "feed/filters.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace divan::feed {

// Which changes a reader gets; by one filter at most.
struct PageOptions {
    bool descending = false;
    bool all_leaves = false; // functions and selectors judge every leaf, otherwise the winner
    bool conflicts = false;  // the documents that they judge have `_conflicts`
    std::optional<std::set<std::string>> doc_ids;
    bool design_only = false; // design documents alone
    std::shared_ptr<const FunctionFilter> function;
    std::shared_ptr<const selector::Selector> selector;

    // Whether ids decide.
    [[nodiscard]] bool by_id() const { return doc_ids || design_only; }
    // Whether documents decide.
    [[nodiscard]] bool by_document() const { return function || selector; }
};

struct Page {
    // Those that passed. Of those that are judged by documents only the leaves that passed are left.
    std::vector<db::Change> changes;
    // How many changes were read up to each of them, if documents decide; otherwise empty.
    std::vector<std::size_t> examined;
    // Changes of which documents were judged, with those behind the last of `changes`.
    std::size_t examined_count = 0;
    kv::Sequence last; // go on behind this one, whatever passed
    bool more = false; // there is something behind `last` already
};

// Threads: any, one at a time.
class PageReader {
  public:
    // Reads behind `since`, downwards from the newest if `descending`. `last`: the database's last sequence
    // as it was read before; what is committed later is read nevertheless. `database` outlives the reader.
    PageReader(db::Database &database, PageOptions options, kv::Sequence since, kv::Sequence last);

    [[nodiscard]] const PageOptions &options() const { return options_; }
    // Where the next page begins.
    [[nodiscard]] kv::Sequence at() const { return at_; }
    // Goes on behind `at`: Page::last, or the sequence of a change of the page if no more of it was taken.
    void go_on(kv::Sequence at);
    // Whether a page has all there is: few ids are looked up, the feed is not read.
    [[nodiscard]] bool reads_all_at_once() const;

    // The next page; stays where it is. `rows_wanted`: more are not needed, if all that are read pass.
    // REQUIRES: no function. Errors: the engine's. Blocks on the engine.
    [[nodiscard]] Result<Page> read(std::optional<std::uint64_t> rows_wanted = std::nullopt);

    // The same for a function: a page whose changes are to be judged.
    struct Unjudged {
        std::shared_ptr<FilterBatch> batch;
        Page page; // without changes
    };
    [[nodiscard]] Result<Unjudged> read_unjudged();
    // REQUIRES: unjudged.batch->done()
    [[nodiscard]] static Page judged(Unjudged unjudged);

  private:
    // A selector's reader that is far behind looks at the documents themselves first.
    struct Candidates {
        kv::Sequence last;           // the feed goes on behind it
        std::vector<Candidate> rows; // by sequence
    };
    // The next page of them; nothing: the feed is to be read.
    [[nodiscard]] Result<std::optional<Page>> read_candidates();
    [[nodiscard]] Result<bool> scanning_pays();
    Result<Page> next_candidates();
    Result<std::vector<db::Change>> judge(std::vector<db::Change> changes);
    Result<db::ChangesPage> look_up(const std::vector<std::string> &ids);

    [[nodiscard]] FilterBatch::Texts texts() const;
    bool passes(const db::Change &change) const;
    Result<db::ChangesPage> look_up_ids();
    Result<db::ChangesPage> read_range(std::optional<std::uint64_t> rows_wanted);

    db::Database &database_;
    PageOptions options_;
    kv::Sequence at_;
    kv::Sequence last_;
    bool begun_ = false; // go_on() was called
    std::optional<selector::Matcher> matcher_;
    std::optional<CandidateScan> scan_; // under way
    std::optional<Candidates> candidates_;
    bool may_scan_ = true; // until it was decided
};

} // namespace divan::feed
