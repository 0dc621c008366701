#include "mango/index_source.h"

#include "base/bytes.h"
#include "collation/sort_key.h"
#include "mango/projection.h"
#include "json/canonical_text.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::mango {
namespace {

constexpr std::size_t kRowsPerPageMax = 1'000;
constexpr std::size_t kRowsPerPageMin = 32;

// Documents of a covering index, made of its columns.
class RowDocument {
  public:
    // `fields`: in that order; each is a column or `_id`.
    static Result<RowDocument> make(const Index &index, const std::vector<std::string> &fields) {
        std::vector<selector::Path> columns{{{"_id"}}};
        for (const auto &column : index.definition().columns)
            columns.push_back(column.path);
        std::vector<std::size_t> places;
        for (const auto &field : fields) {
            DIVAN_TRY(auto path, selector::parse_path(field));
            auto found = std::find(columns.begin(), columns.end(), path);
            DIVAN_CHECK(found != columns.end());
            places.push_back(static_cast<std::size_t>(found - columns.begin()));
        }
        DIVAN_TRY(auto projection, Projection::make(fields));
        return RowDocument(std::move(projection), std::move(places), columns.size());
    }
    // All columns.
    static Result<RowDocument> make(const Index &index) {
        auto fields = index.fields();
        fields.insert(fields.begin(), "_id");
        return make(index, fields);
    }

    // Valid until the next call.
    std::string_view text(const views::RowView &row) {
        id_.clear();
        json::write_string(id_, row.id);
        columns_[0] = id_;
        json::ElementReader elements(row.key);
        for (std::size_t i = 1; i < columns_.size() && elements.next(); ++i)
            columns_[i] = elements.value();
        for (std::size_t i = 0; i < values_.size(); ++i)
            values_[i] = columns_[places_[i]];
        text_.clear();
        projection_.append_values(text_, values_);
        return text_;
    }

  private:
    RowDocument(Projection projection, std::vector<std::size_t> places, std::size_t width)
        : projection_(std::move(projection)), places_(std::move(places)), columns_(width),
          values_(places_.size()) {}

    Projection projection_;
    std::vector<std::size_t> places_; // of the fields among the columns
    std::vector<std::string_view> columns_, values_;
    std::string id_, text_;
};

// Of an index of elements: whether a row is the first one of its document in the order of the scan, so that a
// document with several elements comes once. It depends on the document alone, so pages join.
class FirstElement {
  public:
    FirstElement(const IndexScan &scan, bool descending) : elements_(scan.elements), descending_(descending) {
        const auto &columns = scan.index->definition().columns;
        auto column = std::find_if(columns.begin(), columns.end(),
                                   [](const auto &each) { return each.element.has_value(); });
        place_ = static_cast<std::size_t>(column - columns.begin());
        const selector::Path outer[] = {column->path}, inner[] = {*column->element};
        array_ = selector::PathReader(outer);
        element_ = selector::PathReader(inner);
        whole_ = column->element->steps.empty();
    }

    bool is_first(const views::RowView &row, std::string_view document) {
        json::ElementReader columns(row.key);
        for (std::size_t i = 0; i <= place_; ++i)
            if (!columns.next())
                return false;
        row_key_.clear();
        collation::append_sort_key(row_key_, columns.value());
        // Spans that were joined hold rows of other elements, too.
        bool first = elements_.contains(row_key_);
        for_each_element(document, [&](std::string_view value) {
            key_.clear();
            collation::append_sort_key(key_, value);
            if ((descending_ ? key_ > row_key_ : key_ < row_key_) && elements_.contains(key_))
                first = false;
        });
        return first;
    }

  private:
    template <typename Use> void for_each_element(std::string_view document, Use use) const {
        selector::Found array[1], element[1];
        array_.read(document, array);
        if (!array[0].is_value())
            return;
        if (!array[0].text.starts_with('[')) {
            if (whole_)
                use(array[0].text);
            return;
        }
        json::ElementReader elements(array[0].text);
        while (elements.next()) {
            element_.read(elements.value(), element);
            if (element[0].is_value())
                use(element[0].text);
        }
    }

    const IntervalSet &elements_;
    const bool descending_;
    std::size_t place_ = 0;
    selector::PathReader array_{{}}, element_{{}};
    bool whole_ = false;
    std::string row_key_, key_;
};

class IndexSource final : public Source {
  public:
    static Result<std::unique_ptr<Source>> make(const SourceContext &context,
                                                const std::optional<Bookmark> &from) {
        auto source = std::unique_ptr<IndexSource>(new IndexSource(context));
        const auto &scan = context.plan.scan();
        if (scan.covering) {
            DIVAN_TRY(auto document, gives_answers(context)
                                         ? RowDocument::make(*scan.index, context.query.fields)
                                         : RowDocument::make(*scan.index));
            source->row_document_.emplace(std::move(document));
        }
        if (scan.index->definition().element_column() != nullptr)
            source->first_element_.emplace(scan, context.plan.descending);
        if (from && from->key.is_array())
            source->go_on_behind(
                from->id.empty() ? group_end(*scan.index, context.query.partition, from->key)
                                 : position_of(*scan.index, context.query.partition, from->key, from->id));
        return std::unique_ptr<Source>(std::move(source));
    }

    Result<bool> next(const Visitor &visit) override {
        stopped_ = false;
        matching_.begin();
        DIVAN_TRY(auto moment, open_moment(context_, *context_.plan.scan().index));
        std::size_t rows_left = context_.options.rows_max;
        while (!spans_.empty() && !stopped_ && rows_left > 0) {
            DIVAN_TRY(auto rows, moment->rows(spans_.back(), context_.plan.descending, rows_per_page_));
            DIVAN_TRY(auto done,
                      row_document_ ? take_rows(rows.rows, visit) : take_documents(rows.rows, visit));
            DIVAN_TRY_VOID(matching_.check());
            if (done < rows.rows.size()) {
                DIVAN_TRY_VOID(go_on_behind_row(rows.rows[done - 1]));
            } else if (rows.more) {
                go_on_behind(rows.last);
            } else {
                spans_.pop_back();
            }
            rows_left -= std::min(rows_left, std::max<std::size_t>(done, 1));
            rows_per_page_ = std::min(2 * rows_per_page_, kRowsPerPageMax);
        }
        return !spans_.empty();
    }
    [[nodiscard]] const Statistics &statistics() const override { return matching_.statistics; }

  private:
    explicit IndexSource(const SourceContext &context) : context_(context), matching_(context) {
        spans_ = context.plan.scan().spans;
        if (!context.plan.descending)
            std::reverse(spans_.begin(), spans_.end());
        rows_per_page_ = std::clamp(context.options.rows_hint, kRowsPerPageMin, kRowsPerPageMax);
    }

    void go_on_behind(const std::string &position) {
        const bool down = context_.plan.descending;
        while (!spans_.empty()) {
            auto &span = spans_.back();
            if (down ? span.begin < position : span.end.empty() || span.end > position)
                break;
            spans_.pop_back();
        }
        if (spans_.empty())
            return;
        auto &span = spans_.back();
        if (down && (span.end.empty() || position < span.end))
            span.end = position;
        if (!down && position >= span.begin)
            span.begin = position + '\0';
    }

    Result<void> go_on_behind_row(const views::RowView &row) {
        DIVAN_TRY(auto key, json::parse(row.key, {.depth_max = json::kAnyDepth}));
        go_on_behind(position_of(*context_.plan.scan().index, context_.query.partition, key, row.id));
        return {};
    }

    void visit_if(bool matches, const views::RowView &row, std::string_view text, const Visitor &visit) {
        stopped_ = (matches && !visit({row.id, text, row.key})) || matching_.is_enough();
    }

    // Both give the number of rows that were looked at.

    Result<std::size_t> take_rows(const std::vector<views::RowView> &rows, const Visitor &visit) {
        const bool exact = context_.plan.scan().exact;
        std::size_t done = 0;
        for (; done < rows.size() && !stopped_; ++done) {
            const auto &row = rows[done];
            ++matching_.statistics.keys_examined;
            if (!context_.plan.ids.contains(row.id))
                continue;
            auto text = row_document_->text(row);
            visit_if(exact || matching_.matches(text), row, text, visit);
        }
        return done;
    }

    Result<std::size_t> take_documents(const std::vector<views::RowView> &rows, const Visitor &visit) {
        std::vector<std::string> ids;
        ids.reserve(rows.size());
        for (const auto &row : rows)
            ids.emplace_back(row.id);
        std::size_t done = 0;
        while (done < rows.size() && !stopped_) {
            DIVAN_TRY(auto texts, context_.database->texts(std::span(ids).subspan(done),
                                                           {.conflicts = context_.query.conflicts}));
            for (std::size_t i = 0; i < texts.size() && !stopped_; ++i, ++done)
                take_document(rows[done], texts[i], visit);
        }
        return done;
    }

    void take_document(const views::RowView &row, const std::optional<std::string> &text,
                       const Visitor &visit) {
        ++matching_.statistics.keys_examined;
        ++matching_.statistics.documents_examined;
        if (!text || !context_.plan.ids.contains(row.id))
            return;
        const bool matches =
            matching_.matches(*text) && (!first_element_ || first_element_->is_first(row, *text));
        visit_if(matches, row, *text, visit);
    }

    const SourceContext context_;
    std::vector<views::RowSpan> spans_; // what is left; the next one last
    std::optional<RowDocument> row_document_;
    std::optional<FirstElement> first_element_;
    Matching matching_;
    bool stopped_ = false;
    std::size_t rows_per_page_;
};

} // namespace

Result<std::unique_ptr<Source>> open_index_source(const SourceContext &context,
                                                  const std::optional<Bookmark> &from) {
    return IndexSource::make(context, from);
}

} // namespace divan::mango
