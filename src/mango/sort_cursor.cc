#include "collation/sort_key.h"
#include "mango/cursors.h"
#include "mango/projection.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace divan::mango {
namespace {

// Values of the fields of a sort, and what orders them: bytes.
class SortValues {
  public:
    static Result<SortValues> make(std::span<const SortField> sort) {
        std::vector<selector::Path> paths;
        for (const auto &field : sort) {
            DIVAN_TRY(auto path, selector::parse_path(field.field));
            paths.push_back(std::move(path));
        }
        return SortValues(sort, paths);
    }

    // False if the document lacks one of them.
    bool read(std::string_view document) {
        reader_.read(document, found_);
        return std::all_of(found_.begin(), found_.end(), [](const auto &each) { return each.is_value(); });
    }
    // Of the document that was read last: [value, ...]
    [[nodiscard]] std::string values() const {
        std::string text = "[";
        for (std::size_t i = 0; i < found_.size(); ++i)
            text.append(i > 0 ? "," : "").append(found_[i].text);
        return text + "]";
    }
    [[nodiscard]] std::string key(std::string_view id) const {
        std::string key;
        for (std::size_t i = 0; i < found_.size(); ++i)
            append(key, i, found_[i].text);
        return with_id(std::move(key), id);
    }
    // Of values that values() gave. Empty if they are others.
    [[nodiscard]] std::string key(const json::Value &values, std::string_view id) const {
        std::string key;
        if (!values.is_array() || values.array().size() != found_.size())
            return key;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            std::string part = collation::sort_key(values.array()[i]);
            append_part(key, i, part);
        }
        return with_id(std::move(key), id);
    }

  private:
    SortValues(std::span<const SortField> sort, std::span<const selector::Path> paths)
        : sort_(sort), reader_(paths), found_(paths.size()) {}

    // No sort key is the beginning of another, so their complements have the reverse order.
    static std::string reversed(std::string bytes) {
        for (char &byte : bytes)
            byte = static_cast<char>(~byte);
        return bytes;
    }
    void append_part(std::string &key, std::size_t field, const std::string &part) const {
        key.append(sort_[field].descending ? reversed(part) : part);
    }
    void append(std::string &key, std::size_t field, std::string_view text) const {
        std::string part;
        collation::append_sort_key(part, text);
        append_part(key, field, part);
    }
    // Documents that are equal come in the order of ids, as an index has them that is read in this direction.
    [[nodiscard]] std::string with_id(std::string key, std::string_view id) const {
        std::string part;
        collation::append_bytes(part, id);
        append_part(key, 0, part);
        return key;
    }

    std::span<const SortField> sort_;
    selector::PathReader reader_;
    std::vector<selector::Found> found_;
};

class SortCursor final : public Cursor {
  public:
    static Result<std::unique_ptr<Cursor>> make(const SourceContext &context, const CursorOptions &options) {
        const auto &query = context.query;
        if (query.limit > options.sort_documents_max || query.skip > options.sort_documents_max - query.limit)
            return Error(
                ErrorCode::bad_request, "sort_too_large",
                fmt::format("Without an index skip and limit together may be {} at most: ask in pages, by "
                            "bookmark, or create an index: {}",
                            options.sort_documents_max, missing_index(query)));
        DIVAN_TRY(auto values, SortValues::make(query.sort));
        DIVAN_TRY(auto projection, Projection::make(query.fields));
        DIVAN_TRY(auto source, open_source(context, std::nullopt));
        auto cursor = std::unique_ptr<SortCursor>(new SortCursor(
            context, std::move(source), std::move(values), std::move(projection), options.memory_bytes_max));
        if (query.bookmark) {
            DIVAN_TRY(auto from, decode_bookmark(*query.bookmark));
            cursor->from_ = cursor->values_.key(from.key, from.id);
            if (cursor->from_.empty())
                return Error(ErrorCode::bad_request, "invalid_bookmark",
                             "Invalid bookmark value: it is one of another sort.");
        }
        return std::unique_ptr<Cursor>(std::move(cursor));
    }

    Result<bool> next(std::vector<std::string> &rows) override {
        const auto &query = context_.query;
        DIVAN_TRY(bool more, source_->next([&](const Match &match) {
            take(match);
            return bytes_ <= bytes_max_;
        }));
        if (bytes_ > bytes_max_)
            return Error(
                ErrorCode::bad_request, "sort_too_large",
                fmt::format("Without an index the documents of a page may have {} bytes at most: ask "
                            "for fewer of them, or of their fields, or create an index: {}",
                            bytes_max_, missing_index(query)));
        if (more)
            return true;
        std::uint64_t skip = query.skip;
        for (auto &[key, document] : best_) {
            last_ = Bookmark{"", json::Raw{std::move(document.values)}, std::move(document.id)};
            if (skip > 0)
                --skip;
            else
                rows.push_back(std::move(document.text));
        }
        returned_ = rows.size();
        return false;
    }
    [[nodiscard]] std::string bookmark() const override {
        return last_ ? encode_bookmark(*last_) : context_.query.bookmark.value_or("");
    }
    [[nodiscard]] Statistics statistics() const override {
        auto statistics = source_->statistics();
        statistics.results_returned = returned_;
        return statistics;
    }
    [[nodiscard]] std::optional<std::uint64_t> count() const override {
        return context_.query.count ? std::optional(matches_) : std::nullopt;
    }

  private:
    struct Document {
        std::string id, values, text;

        [[nodiscard]] std::size_t size() const {
            return sizeof(*this) + id.size() + values.size() + text.size();
        }
    };

    SortCursor(const SourceContext &context, std::unique_ptr<Source> source, SortValues values,
               Projection projection, std::size_t bytes_max)
        : context_(context), source_(std::move(source)), values_(std::move(values)),
          projection_(std::move(projection)), best_max_(context.query.skip + context.query.limit),
          bytes_max_(bytes_max) {}

    void take(const Match &match) {
        if (!values_.read(match.text))
            return;
        ++matches_;
        auto key = values_.key(match.id);
        if (best_max_ == 0 || key <= from_ || (best_.size() == best_max_ && key >= best_.rbegin()->first))
            return;
        Document document{std::string(match.id), values_.values(), {}};
        projection_.append(document.text, match.text);
        bytes_ += key.size() + document.size();
        best_.emplace(std::move(key), std::move(document));
        if (best_.size() > best_max_) {
            const auto last = std::prev(best_.end());
            bytes_ -= last->first.size() + last->second.size();
            best_.erase(last);
        }
    }

    const SourceContext context_;
    std::unique_ptr<Source> source_;
    SortValues values_;
    Projection projection_;
    const std::size_t best_max_, bytes_max_;
    std::size_t bytes_ = 0; // of `best_`
    std::string from_;      // key of the bookmark
    std::map<std::string, Document> best_;
    std::uint64_t matches_ = 0, returned_ = 0;
    std::optional<Bookmark> last_;
};

} // namespace

Result<std::unique_ptr<Cursor>> open_sort_cursor(const SourceContext &context, const CursorOptions &options) {
    return SortCursor::make(context, options);
}

} // namespace divan::mango
