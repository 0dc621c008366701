#pragma once

// Views as they are queried. A ViewGroup is the index of all views of a design document; design documents
// with equal views share one.
//
// Every call that reads sees one moment of the index: rows, total and offset belong together.
// Threads: any; all calls but update() and update_later() may block on the engine, reduce() with a JavaScript
// reduce also on a worker: Services::view_pool is for them.

#include "base/result.h"
#include "base/unique_function.h"
#include "db/database.h"
#include "design/design_document.h"
#include "script/pool.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::views {

// Which rows, in the order of reading: with `descending` start is the high end.
struct KeyRange {
    std::optional<json::Value> start;
    std::optional<json::Value> end;
    std::optional<std::string> start_id; // startkey_docid; only with `start`
    std::optional<std::string> end_id;   // endkey_docid; only with `end`
    bool inclusive_end = true;
    bool descending = false;
    // Of a view that is queried partition by partition (design::has_partitioned_views); of others none.
    std::optional<std::string> partition;
};

struct Row {
    std::string id;
    std::string key; // canonical JSON texts
    std::string value;
};

struct RowsRequest {
    KeyRange range;
    // Where the page before ended (RowsPage::next); empty = from the start.
    std::string from;
    std::uint64_t skip = 0; // costs O(log rows)
    std::size_t rows_max = 1'000;
    bool offset_wanted = true; // costs O(log rows)
};
struct RowsPage {
    std::vector<Row> rows;
    std::string next; // goes on behind the last row
    bool more = false;
    std::uint64_t total_rows = 0;
    // Rows before the first one of the range in the order of reading, and those skipped; at most total_rows.
    std::uint64_t offset = 0;
    kv::Sequence sequence; // of the database, up to which this moment of the index goes
};

// Which rows make one group: whole keys, or the first `level` elements of arrays. 0 = all in one.
struct Grouping {
    static constexpr std::uint64_t kExact = static_cast<std::uint64_t>(-1);
    std::uint64_t level = 0;
};
struct ReduceRequest {
    KeyRange range;
    Grouping grouping;
    std::string from;
    std::uint64_t skip = 0; // groups
    std::size_t groups_max = 1'000;
};
struct ReducedRow {
    std::string key;       // JSON text of the group: "null" for level 0
    script::Outcome value; // JSON text, or what CouchDB puts into the row: {"error", "reason"}
};
struct ReducedPage {
    std::vector<ReducedRow> rows; // none for an empty range
    std::string next;
    bool more = false;
    kv::Sequence sequence;
};

// A stretch of rows by the bytes of their full keys: the sort key of a row's key, then its document. [begin,
// end); an empty `end` = to the end.
struct RowSpan {
    std::string begin;
    std::string end;
    [[nodiscard]] bool empty() const { return !end.empty() && begin >= end; }
};
// The full key of a document's first row with this sort key.
[[nodiscard]] std::string row_position(std::string_view sort_key, std::string_view id);

// A row without its value, borrowed from what it was read with.
struct RowView {
    std::string_view id;
    std::string_view key; // canonical JSON text
};
struct RowsOfSpan {
    std::vector<RowView> rows;
    std::string last; // full key of the last one
    bool more = false;
    std::shared_ptr<const void> storage; // of the rows
};

// One moment of the rows of a view, for those who know how sort keys are made. Holds a snapshot: for the
// length of one call, not of an answer.
class ViewMoment {
  public:
    virtual ~ViewMoment() = default;
    [[nodiscard]] virtual std::uint64_t total_rows() const = 0;
    [[nodiscard]] virtual kv::Sequence sequence() const = 0; // of the database, up to which it goes
    virtual Result<RowsOfSpan> rows(const RowSpan &span, bool descending, std::size_t rows_max) = 0;
    // O(log rows).
    virtual Result<std::uint64_t> count(const RowSpan &span) = 0;
};

struct GroupInfo { // GET _info
    std::string signature;
    std::string language;
    std::uint64_t file_bytes = 0;
    std::uint64_t external_bytes = 0;
    std::uint64_t active_bytes = 0;
    bool updater_running = false;
    bool compact_running = false;
    std::uint64_t waiting_clients = 0;
    kv::Sequence sequence;
    std::uint64_t purge_seq = 0;
    std::uint64_t updates_pending = 0;
    std::string collator_version;
};

class ViewGroup {
  public:
    // Brings the index to what was committed before the call, then calls `done` on some thread. An error that
    // names the broken function if the views cannot be built.
    void update(UniqueFunction<void(Result<void>)> done);
    // The same in the background, for update=lazy and after writes.
    void update_later();

    // `view` is one of a design document with this group's signature.
    Result<RowsPage> rows(const design::ViewDefinition &view, const RowsRequest &request);
    // Errors: bad_request if the view has no reduce function.
    Result<ReducedPage> reduce(const design::ViewDefinition &view, const ReduceRequest &request);
    Result<std::unique_ptr<ViewMoment>> moment(const design::ViewDefinition &view);
    Result<GroupInfo> info();
    // Begins in the background unless it runs already.
    void start_compaction();

    struct State;
    ViewGroup(std::shared_ptr<State> state, std::shared_ptr<db::Database> database);

  private:
    std::shared_ptr<State> state_;
    std::shared_ptr<db::Database> database_;
};

} // namespace divan::views
