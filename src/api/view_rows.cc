#include "api/view_rows.h"

#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

// What is left of limit, at most a page.
std::size_t page_rows_max(const std::optional<std::uint64_t> &limit, std::uint64_t read) {
    if (!limit)
        return kRowsPerPage;
    return static_cast<std::size_t>(std::min<std::uint64_t>(kRowsPerPage, *limit - std::min(*limit, read)));
}

void append_update_seq(std::string &out, const ViewRows &rows, kv::Sequence sequence) {
    if (!rows.options.update_seq)
        return;
    out.append(out.empty() ? "" : ",").append("\"update_seq\":\"");
    out.append(rows.database->sequence_token(sequence)).push_back('"');
}

class MapRowReader final : public RowReader {
  public:
    explicit MapRowReader(ViewRows rows)
        : rows_(std::move(rows)), documents_(*rows_.database, rows_.options.document) {
        if (options().keys && options().descending)
            std::reverse(keys().begin(), keys().end());
        // Over keys rows are left out here, and counted.
        to_skip_ = options().keys ? options().skip : 0;
    }

    Result<std::string> head() override;
    Result<bool> next(RowTexts &out) override;

  private:
    ViewOptions &options() { return rows_.options; }
    json::Array &keys() { return options().keys->array(); }
    Result<void> read_page();
    Result<void> read_key_page();
    Result<void> read_range_page();
    Result<views::RowsPage> read(views::RowsRequest request);

    ViewRows rows_;
    IncludedDocuments documents_;
    std::vector<views::Row> page_;
    std::size_t at_ = 0; // in page_
    std::string from_;
    std::size_t key_at_ = 0;
    std::uint64_t read_ = 0; // rows, without those left out
    std::uint64_t to_skip_ = 0;
    bool found_ = false; // a row, so that offset_ is right
    bool more_ = true;
    std::uint64_t total_rows_ = 0;
    std::uint64_t offset_ = 0;
    kv::Sequence sequence_;
};

Result<views::RowsPage> MapRowReader::read(views::RowsRequest request) {
    request.from = from_;
    // A limit of 0 asks for the counts alone.
    request.rows_max = std::max<std::size_t>(1, page_rows_max(options().limit, read_));
    request.offset_wanted = !found_;
    DIVAN_TRY(auto page, rows_.group->rows(*rows_.view, request));
    if (!found_) {
        total_rows_ = page.total_rows;
        offset_ = page.offset;
        sequence_ = page.sequence;
    }
    from_ = page.more ? page.next : std::string();
    return page;
}

Result<void> MapRowReader::read_range_page() {
    views::RowsRequest request;
    request.range = options().range();
    request.skip = found_ ? 0 : options().skip;
    DIVAN_TRY(auto page, read(std::move(request)));
    found_ = true;
    page_ = std::move(page.rows);
    more_ = page.more;
    return {};
}

Result<void> MapRowReader::read_key_page() {
    if (keys().empty() && !found_) {
        // Without keys there are no rows, but the total.
        DIVAN_TRY_VOID(read({}));
        offset_ = 0;
        from_.clear();
    }
    while (page_.size() < kRowsPerPage && key_at_ < keys().size() &&
           (!options().limit || read_ + page_.size() < *options().limit || !found_)) {
        views::RowsRequest request;
        request.range = options().range_of(keys()[key_at_]);
        DIVAN_TRY(auto page, read(std::move(request)));
        found_ |= !page.rows.empty();
        auto skipped = std::min<std::uint64_t>(to_skip_, page.rows.size());
        to_skip_ -= skipped;
        std::move(page.rows.begin() + static_cast<std::ptrdiff_t>(skipped), page.rows.end(),
                  std::back_inserter(page_));
        if (!page.more)
            ++key_at_;
    }
    more_ = key_at_ < keys().size();
    return {};
}

Result<void> MapRowReader::read_page() {
    page_.clear();
    at_ = 0;
    if (options().keys) {
        DIVAN_TRY_VOID(read_key_page());
    } else {
        DIVAN_TRY_VOID(read_range_page());
    }
    if (options().limit) {
        auto left = *options().limit - read_;
        if (page_.size() >= left) {
            page_.resize(static_cast<std::size_t>(left));
            more_ = false;
        }
    }
    read_ += page_.size();
    if (options().include_docs && !page_.empty()) {
        DIVAN_TRY_VOID(documents_.read(page_));
    }
    return {};
}

Result<std::string> MapRowReader::head() {
    DIVAN_TRY_VOID(read_page());
    auto offset = offset_;
    if (options().keys)
        offset = std::min(total_rows_, offset + options().skip);
    std::string text = "\"total_rows\":" + std::to_string(total_rows_);
    text.append(",\"offset\":").append(std::to_string(offset));
    append_update_seq(text, rows_, sequence_);
    return text;
}

Result<bool> MapRowReader::next(RowTexts &out) {
    if (at_ == page_.size() && more_) {
        DIVAN_TRY_VOID(read_page());
    }
    for (; at_ < page_.size() && out.bytes() < db::kPageBytesMax; ++at_) {
        DIVAN_TRY_VOID(append_row(out.begin(), page_[at_], documents_, options().include_docs, at_));
    }
    return at_ < page_.size() || more_;
}

class ReduceRowReader final : public RowReader {
  public:
    explicit ReduceRowReader(ViewRows rows) : rows_(std::move(rows)) {
        to_skip_ = options().keys ? options().skip : 0;
    }

    Result<std::string> head() override;
    Result<bool> next(RowTexts &out) override;

  private:
    const ViewOptions &options() const { return rows_.options; }
    Result<void> read_page();

    ViewRows rows_;
    std::vector<views::ReducedRow> page_;
    std::size_t at_ = 0; // in page_
    std::string from_;
    std::size_t key_at_ = 0;
    std::uint64_t read_ = 0;
    std::uint64_t to_skip_ = 0;
    bool begun_ = false;
    bool more_ = true;
    kv::Sequence sequence_;
};

Result<void> ReduceRowReader::read_page() {
    page_.clear();
    at_ = 0;
    do {
        views::ReduceRequest request;
        request.grouping = options().grouping();
        request.from = from_;
        request.groups_max = std::max<std::size_t>(1, page_rows_max(options().limit, read_ + page_.size()));
        if (options().keys) {
            if (key_at_ == options().keys->array().size()) {
                more_ = false;
                break;
            }
            request.range = options().range_of(options().keys->array()[key_at_]);
        } else {
            request.range = options().range();
            request.skip = begun_ ? 0 : options().skip;
        }
        DIVAN_TRY(auto page, rows_.group->reduce(*rows_.view, request));
        if (!begun_)
            sequence_ = page.sequence;
        begun_ = true;
        from_ = page.more ? page.next : std::string();
        auto skipped = std::min<std::uint64_t>(to_skip_, page.rows.size());
        to_skip_ -= skipped;
        std::move(page.rows.begin() + static_cast<std::ptrdiff_t>(skipped), page.rows.end(),
                  std::back_inserter(page_));
        more_ = page.more;
        if (options().keys && !page.more)
            more_ = ++key_at_ < options().keys->array().size();
    } while (options().keys && more_ && page_.size() < kRowsPerPage &&
             (!options().limit || read_ + page_.size() < *options().limit));
    if (options().limit && page_.size() >= *options().limit - read_) {
        page_.resize(static_cast<std::size_t>(*options().limit - read_));
        more_ = false;
    }
    read_ += page_.size();
    return {};
}

Result<std::string> ReduceRowReader::head() {
    DIVAN_TRY_VOID(read_page());
    std::string text;
    append_update_seq(text, rows_, sequence_);
    return text;
}

// As in CouchDB a built-in that cannot go on fails the query, and a result that grows replaces its row. A
// function that threw gives null there; here its row also says so.
Result<void> append_reduced(std::string &out, const views::ReducedRow &row) {
    if (const auto *text = std::get_if<std::string>(&row.value)) {
        out.append("{\"key\":").append(row.key).append(",\"value\":").append(*text).push_back('}');
        return {};
    }
    const auto &error = std::get<script::FunctionError>(row.value);
    if (error.error == "invalid_value")
        return Error(ErrorCode::invalid_value, error.reason);
    json::ObjectWriter writer(out);
    if (error.error == "reduce_overflow_error")
        writer.null("key");
    else
        writer.raw("key", row.key).null("value");
    writer.member("error", std::string_view(error.error)).member("reason", std::string_view(error.reason));
    writer.close();
    return {};
}

Result<bool> ReduceRowReader::next(RowTexts &out) {
    if (at_ == page_.size() && more_) {
        DIVAN_TRY_VOID(read_page());
    }
    for (; at_ < page_.size() && out.bytes() < db::kPageBytesMax; ++at_) {
        DIVAN_TRY_VOID(append_reduced(out.begin(), page_[at_]));
    }
    return at_ < page_.size() || more_;
}

} // namespace

Result<void> append_row(std::string &out, const views::Row &row, IncludedDocuments &documents,
                        bool include_docs, std::size_t place) {
    out.append("{\"id\":");
    json::write_string(out, row.id);
    out.append(",\"key\":").append(row.key).append(",\"value\":").append(row.value);
    if (include_docs) {
        out.append(",\"doc\":");
        DIVAN_TRY_VOID(documents.append(out, place));
    }
    out.push_back('}');
    return {};
}

std::unique_ptr<RowReader> map_row_reader(ViewRows rows) {
    return std::make_unique<MapRowReader>(std::move(rows));
}

std::unique_ptr<RowReader> reduce_row_reader(ViewRows rows) {
    return std::make_unique<ReduceRowReader>(std::move(rows));
}

} // namespace divan::api
