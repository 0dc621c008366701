#include "feed/page_reader.h"

#include <algorithm>
#include <utility>

namespace divan::feed {
namespace {

constexpr std::size_t kRowsPerPage = 1'000;
constexpr std::size_t kRowsPerJudgedPage = 200; // by a function: their documents are in memory
// Up to this many ids are looked up; more are found by reading the feed.
constexpr std::size_t kDocIdsLookedUpMax = 1'000;

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
    if (options_.design_only && !change.id.starts_with("_design/"))
        return false;
    return !options_.doc_ids || options_.doc_ids->contains(change.id);
}

Result<db::ChangesPage> PageReader::look_up_ids() {
    std::vector<std::string> ids(options_.doc_ids->begin(), options_.doc_ids->end());
    DIVAN_TRY(auto heads, database_.heads(ids, {.trees = true}));
    db::ChangesPage page;
    page.last = std::max(last_, at_);
    for (const auto &head : heads) {
        if (!head || head->sequence <= at_)
            continue;
        db::Change change{head->sequence, head->id, head->deleted, {}};
        DIVAN_TRY(auto tree, database_.tree(*head));
        change.leaves = tree.leaves();
        page.last = std::max(page.last, head->sequence);
        page.changes.push_back(std::move(change));
    }
    std::sort(page.changes.begin(), page.changes.end(), [&](const auto &a, const auto &b) {
        return options_.descending ? a.sequence > b.sequence : a.sequence < b.sequence;
    });
    return page;
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
    FilterBatch::Texts texts;
    texts.all_leaves = options_.all_leaves;
    texts.revisions = options_.function != nullptr;
    // Of each leaf CouchDB reads what is there of it alone.
    texts.conflicts = options_.conflicts && (texts.revisions || !texts.all_leaves);
    DIVAN_TRY(auto batch, FilterBatch::read(database_, range.changes, texts));
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
