#include "api/row_reader.h"

#include "api/query_time.h"

namespace divan::api {
namespace {

constexpr std::string_view kRowSeparator = ",\r\n";
constexpr std::string_view kRowsEnd = "\r\n]}";

// Reads one set of rows and gives its text in pieces.
class RowSet {
  public:
    RowSet(Call &call, RowQuery query) : call_(call), query_(std::move(query)), rows_(kRowSeparator) {}

    [[nodiscard]] bool more() const { return more_; }
    // The next piece; the first one has the head.
    Task<Result<std::string>> next() {
        auto text = co_await run_on(*query_.pool, call_.exchange().executor(), [this] { return read(); });
        auto in_time = check_query_time(call_);
        if (!in_time.ok())
            co_return in_time.error();
        co_return text;
    }

  private:
    Result<std::string> read() {
        std::string text;
        if (!begun_) {
            DIVAN_TRY(text, query_.reader->head());
            text.insert(0, 1, '{');
            text.append(text.size() > 1 ? "," : "").append("\"rows\":[\r\n");
            begun_ = true;
        }
        DIVAN_TRY(more_, query_.reader->next(rows_));
        text.append(rows_.take());
        if (!more_)
            text.append(kRowsEnd);
        return text;
    }

    Call &call_;
    RowQuery query_;
    RowTexts rows_;
    bool begun_ = false;
    bool more_ = true;
};

Task<Result<void>> write_rest(Call &call, RowSet &rows) {
    while (rows.more()) {
        auto text = co_await rows.next();
        if (!text.ok())
            co_return text.error();
        auto written = co_await call.response().write(std::move(*text));
        if (!written.ok())
            co_return written.error();
    }
    co_return Result<void>();
}

Task<Result<void>> end(Call &call, std::string text) {
    auto written = co_await call.response().write(std::move(text));
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

} // namespace

std::string RowTexts::take() {
    begins_.clear();
    return std::exchange(text_, std::string());
}

std::vector<std::string> RowTexts::take_rows() {
    std::vector<std::string> rows;
    rows.reserve(begins_.size());
    for (std::size_t i = 0; i < begins_.size(); ++i) {
        auto row_end = i + 1 < begins_.size() ? begins_[i + 1] : text_.size();
        rows.push_back(text_.substr(begins_[i], row_end - begins_[i]));
    }
    begins_.clear();
    text_.clear();
    return rows;
}

Task<Result<void>> answer_rows(Call &call, RowQuery query) {
    RowSet rows(call, std::move(query));
    auto text = co_await rows.next();
    if (!text.ok())
        co_return text.error();
    if (!rows.more())
        co_return co_await call.send_json(200, std::move(*text));
    auto step = co_await call.start_json();
    if (step.ok())
        step = co_await call.response().write(std::move(*text));
    if (step.ok())
        step = co_await write_rest(call, rows);
    if (!step.ok())
        co_return step.error();
    co_return co_await end(call, std::string("\n"));
}

Task<Result<void>> answer_row_sets(Call &call, std::vector<RowQuery> queries) {
    std::string before = "{\"results\":[\r\n";
    for (auto &query : queries) {
        RowSet rows(call, std::move(query));
        auto text = co_await rows.next();
        if (!text.ok())
            co_return text.error();
        text->insert(0, before);
        Result<void> step;
        if (!call.response().started())
            step = co_await call.start_json();
        if (step.ok())
            step = co_await call.response().write(std::move(*text));
        if (step.ok())
            step = co_await write_rest(call, rows);
        if (!step.ok())
            co_return step.error();
        before = ",\r\n";
    }
    if (queries.empty())
        co_return co_await call.send_json(200, std::string("{\"results\":[\r\n]}"));
    co_return co_await end(call, std::string("\r\n]}\n"));
}

} // namespace divan::api
