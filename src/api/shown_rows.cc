// Rows of a view for who may not see every document of the database.

#include "api/included_documents.h"
#include "api/view_rows.h"
#include "db/visibility.h"
#include "doc/document_id.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

// Rows of hidden documents are passed over before skip and limit count. How many rows there are in all is not
// told.
class ShownRowReader final : public RowReader {
  public:
    explicit ShownRowReader(ViewRows rows)
        : rows_(std::move(rows)), documents_(*rows_.database, rows_.options.document),
          to_skip_(rows_.options.skip), left_(rows_.options.limit) {
        if (options().keys && options().descending)
            std::reverse(options().keys->array().begin(), options().keys->array().end());
    }

    Result<std::string> head() override {
        DIVAN_TRY_VOID(read_page());
        std::string text = "\"total_rows\":null,\"offset\":null";
        if (options().update_seq)
            text.append(",\"update_seq\":\"")
                .append(rows_.database->sequence_token(sequence_))
                .push_back('"');
        return text;
    }

    Result<bool> next(RowTexts &out) override {
        if (at_ == page_.size() && more_) {
            DIVAN_TRY_VOID(read_page());
        }
        for (; at_ < page_.size() && out.bytes() < db::kPageBytesMax; ++at_) {
            DIVAN_TRY_VOID(append_row(out.begin(), page_[at_], documents_, options().include_docs, at_));
        }
        return at_ < page_.size() || more_;
    }

  private:
    ViewOptions &options() { return rows_.options; }

    // One page of the index, of which perhaps nothing is shown.
    Result<void> read_page() {
        page_.clear();
        at_ = 0;
        const auto *keys = options().keys ? &options().keys->array() : nullptr;
        views::RowsRequest request;
        request.range = options().range();
        if (keys != nullptr && !keys->empty())
            request.range = options().range_of(keys->at(key_at_));
        request.from = from_;
        request.rows_max = left_ == 0 || (keys != nullptr && keys->empty()) ? 1 : kRowsPerPage;
        request.offset_wanted = false;
        DIVAN_TRY(auto page, rows_.group->rows(*rows_.view, request));
        sequence_ = page.sequence;
        more_ = page.more;
        from_ = page.more ? page.next : std::string();
        if (keys != nullptr && !page.more)
            more_ = ++key_at_ < keys->size();
        if (keys == nullptr || !keys->empty()) {
            DIVAN_TRY_VOID(take_shown(page));
        }
        more_ = more_ && left_ != 0;
        if (options().include_docs && !page_.empty()) {
            DIVAN_TRY_VOID(documents_.read(page_));
        }
        return {};
    }

    Result<void> take_shown(views::RowsPage &page) {
        std::vector<std::string> ids;
        for (const auto &row : page.rows)
            ids.push_back(row.id);
        DIVAN_TRY(auto heads, rows_.database->heads(ids));
        for (std::size_t i = 0; i < page.rows.size() && left_ != 0; ++i) {
            // A row of an older state than the one that was judged may tell what that one did not show.
            if (!heads[i] || heads[i]->sequence > page.sequence)
                continue;
            if (to_skip_ > 0) {
                --to_skip_;
                continue;
            }
            page_.push_back(std::move(page.rows[i]));
            if (left_)
                --*left_;
        }
        return {};
    }

    ViewRows rows_;
    IncludedDocuments documents_;
    std::uint64_t to_skip_;
    std::optional<std::uint64_t> left_;
    std::vector<views::Row> page_;
    std::size_t at_ = 0; // in page_
    std::string from_;
    std::size_t key_at_ = 0;
    bool more_ = true;
    kv::Sequence sequence_;
};

} // namespace

std::unique_ptr<RowReader> shown_row_reader(ViewRows rows) {
    return std::make_unique<ShownRowReader>(std::move(rows));
}

Result<void> check_view_is_shown(const db::Database &database, std::string_view design_id,
                                 std::string_view view_name, bool reduced) {
    const auto *visibility = database.visibility();
    std::string name(design_id.substr(doc::kDesignPrefix.size()));
    name.append("/").append(view_name);
    if (visibility == nullptr)
        return {};
    if (visibility->hides_fields() && !visibility->is_fieldless_view(name))
        return Error(ErrorCode::forbidden,
                     "Views tell of fields that are hidden from you: have an admin name this one in "
                     "`safe_views` of the field rule if it does not.");
    if (!reduced || !visibility->hides_documents() || visibility->is_open_view(name))
        return {};
    return Error(
        ErrorCode::forbidden,
        "A reduce counts documents that are hidden from you: ask with reduce=false, or have an admin name "
        "the view in `safe_views` of the document rule.");
}

} // namespace divan::api
