#include "feed/page_reader.h"

#include "doc/document_id.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace divan::feed {
namespace {

constexpr std::size_t kRowsPerPage = 1'000;
constexpr std::size_t kRowsPerJudgedPage = 200; // by a function: their documents are in memory
// Up to this many ids are looked up; more are found by reading the feed.
constexpr std::size_t kDocIdsLookedUpMax = 1'000;
// Looking a document up costs about so many times what passing over it in a scan costs.
constexpr std::uint64_t kLookUpCost = 8;
constexpr std::uint64_t kScannedChangesMin = 2'000;
// Candidates are in memory until they were read; with more of them the feed is read instead.
constexpr std::size_t kCandidatesMax = 200'000;

} // namespace

PageReader::PageReader(db::Database &database, PageOptions options, kv::Sequence since, kv::Sequence last)
    : database_(database), options_(std::move(options)), at_(since), last_(last) {
    if (options_.selector)
        matcher_.emplace(options_.selector);
}

void PageReader::go_on(kv::Sequence at) {
    at_ = at;
    begun_ = true;
}

bool PageReader::reads_all_at_once() const {
    return options_.doc_ids && options_.doc_ids->size() <= kDocIdsLookedUpMax;
}

bool PageReader::passes(const db::Change &change) const {
    if (options_.design_only && !doc::is_design_id(change.id))
        return false;
    return !options_.doc_ids || options_.doc_ids->contains(change.id);
}

Result<db::ChangesPage> PageReader::look_up_ids() {
    DIVAN_TRY(auto page, look_up({options_.doc_ids->begin(), options_.doc_ids->end()}));
    page.last = std::max(last_, at_);
    for (const auto &change : page.changes)
        page.last = std::max(page.last, change.sequence);
    return page;
}

// The changes of some documents behind where the reader is, in order.
Result<db::ChangesPage> PageReader::look_up(const std::vector<std::string> &ids) {
    DIVAN_TRY(auto heads, database_.heads(ids, {.trees = true}));
    db::ChangesPage page;
    for (const auto &head : heads) {
        if (!head || head->sequence <= at_)
            continue;
        db::Change change{head->sequence, head->id, head->deleted, {}};
        DIVAN_TRY(auto tree, database_.tree(*head));
        change.leaves = tree.leaves();
        page.changes.push_back(std::move(change));
    }
    std::sort(page.changes.begin(), page.changes.end(), [&](const auto &a, const auto &b) {
        return options_.descending ? a.sequence > b.sequence : a.sequence < b.sequence;
    });
    return page;
}

Result<bool> PageReader::scanning_pays() {
    DIVAN_TRY(auto behind, database_.pending(at_));
    if (behind < kScannedChangesMin)
        return false;
    DIVAN_TRY(auto counts, database_.counts());
    return behind * kLookUpCost > counts.documents + counts.deleted;
}

Result<std::vector<db::Change>> PageReader::judge(std::vector<db::Change> changes) {
    std::vector<db::Change> passed;
    while (!changes.empty()) {
        DIVAN_TRY(auto batch, FilterBatch::read(database_, changes, texts()));
        batch.match(*matcher_);
        for (auto &one : batch.take_passed())
            passed.push_back(std::move(one.change));
    }
    return passed;
}

Result<Page> PageReader::next_candidates() {
    const auto &found = *candidates_;
    auto row =
        std::upper_bound(found.rows.begin(), found.rows.end(), at_,
                         [](kv::Sequence at, const auto &candidate) { return at < candidate.sequence; });
    std::vector<std::string> ids;
    std::set<kv::Sequence> doubtful;
    for (; row != found.rows.end() && ids.size() < kRowsPerPage; ++row) {
        ids.push_back(row->id);
        if (!row->passes)
            doubtful.insert(row->sequence);
    }
    Page page;
    page.last = row == found.rows.end() ? found.last : std::prev(row)->sequence;
    page.more = true;
    page.examined_count = ids.size();
    DIVAN_TRY(auto changes, look_up(ids));
    std::vector<db::Change> to_judge;
    for (auto &change : changes.changes) {
        if (change.sequence > page.last)
            continue; // written meanwhile: it comes with the feed
        (doubtful.contains(change.sequence) ? to_judge : page.changes).push_back(std::move(change));
    }
    DIVAN_TRY(auto passed, judge(std::move(to_judge)));
    std::move(passed.begin(), passed.end(), std::back_inserter(page.changes));
    std::sort(page.changes.begin(), page.changes.end(),
              [](const auto &a, const auto &b) { return a.sequence < b.sequence; });
    for (std::size_t i = 0; i < page.changes.size(); ++i)
        page.examined.push_back(i + 1);
    return page;
}

Result<std::optional<Page>> PageReader::read_candidates() {
    if (!options_.descending && std::exchange(may_scan_, false)) {
        DIVAN_TRY(bool pays, scanning_pays());
        if (pays) {
            DIVAN_TRY(scan_, CandidateScan::begin(database_, options_.selector, at_));
        }
    }
    if (scan_) {
        DIVAN_TRY_VOID(scan_->scan_some());
        if (scan_->count() > kCandidatesMax)
            scan_.reset();
        else if (scan_->done()) {
            candidates_ = Candidates{scan_->last(), scan_->take()};
            scan_.reset();
        } else {
            Page nothing_yet;
            nothing_yet.last = at_;
            nothing_yet.more = true;
            return std::optional(std::move(nothing_yet));
        }
    }
    if (candidates_ && at_ < candidates_->last) {
        DIVAN_TRY(auto page, next_candidates());
        return std::optional(std::move(page));
    }
    candidates_.reset();
    return std::optional<Page>();
}

FilterBatch::Texts PageReader::texts() const {
    FilterBatch::Texts texts;
    texts.all_leaves = options_.all_leaves;
    texts.revisions = options_.function != nullptr;
    // Of each leaf CouchDB reads what is there of it alone.
    texts.conflicts = options_.conflicts && (texts.revisions || !texts.all_leaves);
    return texts;
}

Result<db::ChangesPage> PageReader::read_range(std::optional<std::uint64_t> rows_wanted) {
    if (reads_all_at_once())
        return look_up_ids();
    db::Database::ChangesRange range;
    range.since = at_;
    range.reverse = options_.descending;
    if (options_.descending && begun_)
        range.before = at_;
    range.last = last_;
    range.rows_max = options_.function ? kRowsPerJudgedPage : kRowsPerPage;
    if (rows_wanted && !options_.by_id() && !options_.by_document())
        range.rows_max = static_cast<std::size_t>(std::min<std::uint64_t>(kRowsPerPage, *rows_wanted));
    return database_.changes(range);
}

Result<Page> PageReader::read(std::optional<std::uint64_t> rows_wanted) {
    if (options_.selector) {
        DIVAN_TRY(auto candidates, read_candidates());
        if (candidates)
            return std::move(*candidates);
        DIVAN_TRY(auto unjudged, read_unjudged());
        unjudged.batch->match(*matcher_);
        return judged(std::move(unjudged));
    }
    DIVAN_TRY(auto range, read_range(rows_wanted));
    std::erase_if(range.changes, [&](const db::Change &change) { return !passes(change); });
    Page page;
    page.changes = std::move(range.changes);
    page.last = range.last;
    page.more = range.more;
    return page;
}

Result<PageReader::Unjudged> PageReader::read_unjudged() {
    DIVAN_TRY(auto range, read_range(std::nullopt));
    DIVAN_TRY(auto batch, FilterBatch::read(database_, range.changes, texts()));
    Unjudged unjudged;
    unjudged.page.last = range.changes.empty() ? range.last : batch.last();
    unjudged.page.more = range.more || !range.changes.empty();
    unjudged.batch = std::make_shared<FilterBatch>(std::move(batch));
    return unjudged;
}

Page PageReader::judged(Unjudged unjudged) {
    Page page = std::move(unjudged.page);
    page.examined_count = unjudged.batch->change_count();
    for (auto &passed : unjudged.batch->take_passed()) {
        page.examined.push_back(passed.examined);
        page.changes.push_back(std::move(passed.change));
    }
    return page;
}

} // namespace divan::feed
