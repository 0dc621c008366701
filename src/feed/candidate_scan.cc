#include "feed/candidate_scan.h"

#include <algorithm>
#include <deque>

namespace divan::feed {
namespace {

// Of one part and one call.
constexpr std::size_t kRowsPerScan = 2'500;
constexpr std::size_t kParts = 4;
// Ids that are looked at to find parts of about the same size.
constexpr std::uint64_t kSamples = 63;

} // namespace

Result<CandidateScan> CandidateScan::begin(db::Database &database,
                                           std::shared_ptr<const selector::Selector> selector,
                                           kv::Sequence since) {
    DIVAN_TRY(auto last, database.last_sequence());
    CandidateScan scan(database, since, last);
    scan.plain_members_ = selector->needs_only_plain_members();
    DIVAN_TRY_VOID(scan.split(selector));
    return scan;
}

// The feed has ids in no order of theirs, so that some from all over it tell how they are spread.
Result<void> CandidateScan::split(const std::shared_ptr<const selector::Selector> &selector) {
    std::vector<std::string> ids;
    for (std::uint64_t i = 1; i <= kSamples; ++i) {
        db::Database::ChangesRange range;
        range.since = kv::Sequence(since_.value + (last_.value - since_.value) * i / (kSamples + 1));
        range.rows_max = 1;
        range.last = last_;
        DIVAN_TRY(auto page, database_->changes(range));
        if (!page.changes.empty())
            ids.push_back(std::move(page.changes.front().id));
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::string begin;
    for (std::size_t i = 1; i <= kParts; ++i) {
        std::optional<std::string> end;
        if (i < kParts && !ids.empty())
            end = ids[ids.size() * i / kParts];
        if (end && *end <= begin)
            continue;
        parts_.push_back(Part{begin, end, false, selector::Matcher(selector), {}});
        if (!end)
            break;
        begin = *end;
    }
    return {};
}

Result<void> CandidateScan::scan_some() {
    std::vector<Part *> left;
    for (auto &part : parts_)
        if (!part.done)
            left.push_back(&part);
    std::vector<Result<void>> results(left.size());
    database_->run_beside(left.size(), [&](std::size_t i) { results[i] = scan(*left[i]); });
    for (const auto &result : results)
        if (!result.ok())
            return result.error();
    return {};
}

Result<void> CandidateScan::scan(Part &part) const {
    std::deque<std::pair<std::string_view, kv::Sequence>> texts; // that are to be visited, in order
    db::DocumentScan scan;
    scan.begin = part.begin;
    scan.end = part.end;
    scan.documents_max = scan.rows_max = kRowsPerScan;
    scan.text.plain_members = plain_members_;
    scan.choose = [&](std::string_view id, const db::RowFacts &facts) {
        // What is committed meanwhile is in the feed behind.
        if (facts.sequence <= since_ || facts.sequence > last_)
            return false;
        if (facts.deleted || facts.leaf_count > 1) {
            part.found.push_back({facts.sequence, std::string(id), false});
            return false;
        }
        texts.emplace_back(id, facts.sequence);
        return true;
    };
    DIVAN_TRY(auto end, database_->scan_documents(scan, [&](std::string_view id, std::string_view text) {
        while (texts.front().first.data() != id.data())
            texts.pop_front(); // its body is gone
        if (part.matcher.matches(text))
            part.found.push_back({texts.front().second, std::string(id), true});
        texts.pop_front();
        return true;
    }));
    part.begin = end.last_id + '\0';
    part.done = end.exhausted;
    return {};
}

bool CandidateScan::done() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Part &part) { return part.done; });
}

std::size_t CandidateScan::count() const {
    std::size_t count = 0;
    for (const auto &part : parts_)
        count += part.found.size();
    return count;
}

std::vector<Candidate> CandidateScan::take() {
    std::vector<Candidate> rows;
    rows.reserve(count());
    for (auto &part : parts_)
        std::move(part.found.begin(), part.found.end(), std::back_inserter(rows));
    std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.sequence < b.sequence; });
    return rows;
}

} // namespace divan::feed
