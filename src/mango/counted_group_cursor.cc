// Counts of groups from the levels above the rows of an index.

#include "mango/groups.h"
#include "mango/index_source.h"
#include "json/canonical_text.h"

#include <algorithm>

namespace divan::mango {
namespace {

// A group that goes on behind a page of rows is counted as a whole; smaller ones by their rows.
constexpr std::size_t kRowsPerPage = 64;

class CountedGroupCursor final : public GroupCursor {
  public:
    CountedGroupCursor(const SourceContext &context, Groups groups, const std::optional<Bookmark> &from)
        : GroupCursor(context, std::move(groups)), spans_(context.plan.scan().spans) {
        std::reverse(spans_.begin(), spans_.end());
        if (from)
            go_on_at(behind(from->key));
    }

    Result<bool> next(std::vector<std::string> &rows) override {
        DIVAN_TRY(auto moment, open_moment(context_, *context_.plan.scan().index));
        std::size_t pages_left = context_.options.rows_max / kRowsPerPage + 1;
        while (!spans_.empty() && limit_ > 0 && pages_left-- > 0) {
            DIVAN_TRY(auto page, moment->rows(spans_.back(), false, kRowsPerPage));
            DIVAN_TRY_VOID(take(*moment, page, rows));
        }
        if (!spans_.empty() && limit_ > 0)
            return true;
        if (limit_ > 0)
            close(rows);
        return false;
    }
    [[nodiscard]] Statistics statistics() const override {
        auto statistics = statistics_;
        statistics.results_returned = returned_;
        return statistics;
    }

  private:
    [[nodiscard]] std::string behind(const json::Value &row_key) const {
        return group_end(*context_.plan.scan().index, context_.query.partition, row_key);
    }

    void go_on_at(const std::string &position) {
        while (!spans_.empty() && !spans_.back().end.empty() && spans_.back().end <= position)
            spans_.pop_back();
        if (!spans_.empty())
            spans_.back().begin = std::max(spans_.back().begin, position);
    }

    // False: there are enough groups.
    bool close(std::vector<std::string> &rows) {
        if (!open_)
            return true;
        bool go_on = finish(*open_, {name_of(*context_.plan.index()), row_key_, ""}, rows);
        open_.reset();
        return go_on;
    }

    // Adds a row to its group.
    bool add(const views::RowView &row, std::vector<std::string> &rows) {
        ++statistics_.keys_examined;
        auto columns = first_columns(row.key);
        if (open_ && columns != columns_ && behind(values_of(columns)) == end_) {
            columns_ = std::move(columns); // the same value, written in another way
        } else if (!open_ || columns != columns_) {
            if (!close(rows))
                return false;
            columns_ = std::move(columns);
            row_key_ = values_of(columns_);
            end_ = behind(row_key_);
            open_ = groups_.begin(group_values(row.key));
            rows_here_ = 0;
        }
        open_->add_documents(1);
        ++rows_here_;
        return true;
    }

    Result<void> take(views::ViewMoment &moment, const views::RowsOfSpan &page,
                      std::vector<std::string> &rows) {
        rows_here_ = 0;
        for (const auto &row : page.rows)
            if (!add(row, rows))
                return {};
        if (!page.more) {
            spans_.pop_back();
        } else if (rows_here_ < page.rows.size()) {
            go_on_at(page.last + '\0');
        } else {
            views::RowSpan rest{page.last + '\0', spans_.back().end};
            if (rest.end.empty() || end_ < rest.end)
                rest.end = end_;
            DIVAN_TRY(auto count, moment.count(rest));
            open_->add_documents(count);
            go_on_at(rest.end);
        }
        return {};
    }

    // The texts of the columns up to the last of the group.
    [[nodiscard]] std::string first_columns(std::string_view row_key) const {
        json::ElementReader reader(row_key);
        std::size_t end = 1;
        for (std::size_t i = 0; i < context_.plan.group_columns && reader.next(); ++i)
            end = static_cast<std::size_t>(reader.value().end() - row_key.begin());
        return std::string(row_key.substr(0, end)) + "]";
    }
    [[nodiscard]] static json::Value values_of(const std::string &columns) {
        json::Array values;
        json::ElementReader reader(columns);
        while (reader.next())
            values.emplace_back(json::Raw{std::string(reader.value())});
        return values;
    }
    [[nodiscard]] std::string group_values(std::string_view row_key) const {
        std::string text = "[";
        json::ElementReader reader(row_key);
        for (std::size_t i = 0; i < context_.plan.group_columns && reader.next(); ++i)
            if (i >= context_.plan.group_columns - groups_.size())
                text.append(text.size() > 1 ? "," : "").append(reader.value());
        return text + "]";
    }

    std::vector<views::RowSpan> spans_; // what is left; the next one last
    std::optional<Group> open_;
    std::string columns_; // of the open group
    json::Value row_key_;
    std::string end_;           // the place behind its rows
    std::size_t rows_here_ = 0; // of it, in the page at hand
    Statistics statistics_;
};

} // namespace

Result<std::unique_ptr<Cursor>> open_counted_group_cursor(const SourceContext &context, Groups groups,
                                                          const std::optional<Bookmark> &from) {
    return std::unique_ptr<Cursor>(std::make_unique<CountedGroupCursor>(context, std::move(groups), from));
}

} // namespace divan::mango
