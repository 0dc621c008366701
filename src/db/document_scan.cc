#include "db/document_scan.h"

#include "base/bytes.h"
#include "base/run_beside.h"
#include "db/head_texts.h"
#include "db/keys.h"
#include "db/visibility.h"
#include "doc/document_id.h"

#include <algorithm>

namespace divan::db {
namespace {

// Heads read by one call to the engine.
constexpr std::size_t kHeadsPerReadMax = 1'000;

std::string_view id_of(std::string_view key) {
    return key.substr(keys::kHeadPrefix.size());
}

// The text that is shown, which may be put into `shown`; nullopt: none.
std::optional<std::string_view> shown_text(const Visibility *visibility, std::string_view id,
                                           std::string_view text, std::string &shown) {
    if (visibility == nullptr || doc::is_design_id(id))
        return text;
    if (visibility->hides_documents() && !visibility->shows(id, text))
        return std::nullopt;
    if (auto other = visibility->shown_text(id, text, false)) {
        shown = std::move(*other);
        return shown;
    }
    return text;
}

// The pages of one scan.
class ScanRun {
  public:
    ScanRun(Database::State &state, const Visibility *visibility, const DocumentScan &scan,
            const DocumentVisitor &visit)
        : state_(state), visibility_(visibility), scan_(scan), visit_(visit) {
        request_.shard = state.entry.shard;
        request_.begin = keys::head(scan.begin);
        request_.end = scan.end ? keys::head(*scan.end) : prefix_end(keys::kHeadPrefix);
        request_.reverse = scan.reverse;
        request_.bytes_max = scan.page_bytes_max;
    }

    Result<DocumentScanEnd> run() {
        end_.exhausted = request_.begin >= request_.end;
        while (!end_.exhausted && !stopped_ && end_.documents < scan_.documents_max &&
               end_.rows < scan_.rows_max && text_bytes_ < scan_.text_bytes_max) {
            DIVAN_TRY_VOID(next_page());
        }
        return std::move(end_);
    }

  private:
    Result<void> next_page();
    // Takes the rows of a page that may be visited, as many as are still wanted; returns how many it looked
    // at.
    std::size_t choose(const kv::Page &page);
    // Goes on behind the first `rows` rows of a page.
    void leave(const kv::Page &page, std::size_t rows);
    [[nodiscard]] std::size_t documents_left() const { return scan_.documents_max - end_.documents; }

    Database::State &state_;
    const Visibility *visibility_; // or null
    const DocumentScan &scan_;
    const DocumentVisitor &visit_;
    kv::ScanRequest request_;
    std::size_t pages_ = 0;
    bool stopped_ = false; // by the visitor
    std::size_t text_bytes_ = 0;
    DocumentScanEnd end_;
    // Kept for their memory.
    std::string text_;
    std::string shown_;
    std::vector<HeadTexts::Row> rows_;
    std::vector<std::size_t> places_; // of `rows_` in the page
};

Result<void> ScanRun::next_page() {
    // What is likely to be visited, and more if that was not enough.
    auto rows_max = pages_++ == 0 ? documents_left() : std::max(documents_left(), 2 * request_.rows_max);
    request_.rows_max = std::min({rows_max, scan_.page_rows_max, scan_.rows_max - end_.rows});
    DIVAN_TRY(auto page, state_.context.engine.scan(request_));
    auto looked_at = choose(page);
    HeadTexts texts(state_, rows_, scan_.text, scan_.page_bytes_max);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        DIVAN_TRY(auto text, texts.stored(i));
        if (!text) {
            text_.clear();
            DIVAN_TRY(bool has_text, texts.append(text_, i));
            if (!has_text)
                continue;
            text = text_;
        }
        text = shown_text(visibility_, rows_[i].id, *text, shown_);
        if (!text)
            continue;
        ++end_.documents;
        text_bytes_ += text->size();
        stopped_ = !visit_(rows_[i].id, *text);
        if (stopped_ || text_bytes_ >= scan_.text_bytes_max) {
            leave(page, places_[i] + 1);
            return {};
        }
    }
    leave(page, looked_at);
    return {};
}

std::size_t ScanRun::choose(const kv::Page &page) {
    rows_.clear();
    places_.clear();
    std::size_t row = 0;
    for (; row < page.size() && rows_.size() < documents_left(); ++row) {
        auto value = page.value(row);
        auto id = id_of(page.key(row));
        if (scan_.choose && !scan_.choose(id, format::head_facts(value)))
            continue;
        if (format::head_is_deleted(value) || (!scan_.design_documents && doc::is_design_id(id)))
            continue;
        rows_.push_back({id, value});
        places_.push_back(row);
    }
    return row;
}

void ScanRun::leave(const kv::Page &page, std::size_t rows) {
    end_.rows += rows;
    end_.exhausted = rows == page.size() && !page.more;
    if (rows == 0)
        return;
    auto key = page.key(rows - 1);
    end_.last_id = id_of(key);
    if (scan_.reverse)
        request_.end = key;
    else
        request_.begin.assign(key).push_back('\0');
}

} // namespace

Result<DocumentScanEnd> Database::scan_documents(const DocumentScan &scan, const DocumentVisitor &visit) {
    DIVAN_TRY_VOID(state_->check_open());
    return ScanRun(*state_, visibility_.get(), scan, visit).run();
}

void Database::run_beside(std::size_t count, const std::function<void(std::size_t)> &work) {
    divan::run_beside(state_->context.pool, count, work);
}

Result<std::vector<std::optional<std::string>>> Database::texts(std::span<const std::string> ids,
                                                                TextOptions options, std::size_t bytes_max) {
    DIVAN_TRY_VOID(state_->check_open());
    std::vector<std::optional<std::string>> texts;
    texts.reserve(ids.size());
    std::size_t bytes = 0;
    while (texts.size() < ids.size()) {
        auto part = ids.subspan(texts.size(), std::min(kHeadsPerReadMax, ids.size() - texts.size()));
        std::vector<std::string> keys;
        keys.reserve(part.size());
        for (const auto &id : part)
            keys.push_back(keys::head(id));
        DIVAN_TRY(auto values, format::read_rows(state_->context.engine, state_->entry.shard, keys));
        std::vector<HeadTexts::Row> rows;
        rows.reserve(part.size());
        for (std::size_t i = 0; i < part.size(); ++i)
            rows.push_back({part[i], values[i] ? std::string_view(*values[i]) : std::string_view()});
        HeadTexts heads(*state_, rows, options, kPageBytesMax);
        for (std::size_t i = 0; i < part.size(); ++i) {
            std::string text;
            DIVAN_TRY(bool has_text, heads.append(text, i));
            bytes += text.size();
            std::string other;
            auto shown = has_text ? shown_text(visibility_.get(), part[i], text, other) : std::nullopt;
            // One of the two, to be moved.
            texts.push_back(shown ? std::optional(std::move(other.empty() ? text : other)) : std::nullopt);
            if (bytes > bytes_max)
                return texts;
        }
    }
    return texts;
}

} // namespace divan::db
