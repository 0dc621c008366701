#include "api/listing.h"

#include "base/bytes.h"
#include "config/config.h"
#include "doc/document_id.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

constexpr std::string_view kLocalPrefix = "_local/";

class Listing final : public RowReader {
  public:
    Listing(std::shared_ptr<db::Database> database, ListingKind kind, ListingOptions options,
            std::uint64_t offset_rows_max)
        : database_(std::move(database)), kind_(kind), options_(std::move(options)),
          offset_rows_max_(offset_rows_max), range_(range()) {}

    Result<std::string> head() override;
    Result<bool> next(RowTexts &rows) override;

  private:
    struct Range {
        std::string begin;
        std::optional<std::string> end; // exclusive
        bool empty = false;
    };

    [[nodiscard]] Range range() const;
    [[nodiscard]] db::HeadParts parts() const {
        return {.bodies = options_.include_docs,
                .trees = options_.include_docs && !options_.document.plain()};
    }
    [[nodiscard]] bool limit_reached() const { return options_.limit && written_ >= *options_.limit; }

    Result<std::optional<std::uint64_t>> offset(std::uint64_t total);
    Result<void> read_rows(RowTexts &rows);
    Result<void> read_key_rows(RowTexts &rows);
    Result<void> read_local_rows(RowTexts &rows);
    Result<void> append_row(RowTexts &rows, const db::Head &head, std::string_view key, bool deleted_rows);
    void append_local(RowTexts &rows, const db::LocalDocument &document);
    void append_missing(RowTexts &rows, const json::Value &key);
    std::string &begin_row(RowTexts &rows) {
        ++written_;
        return rows.begin();
    }

    std::shared_ptr<db::Database> database_;
    ListingKind kind_;
    ListingOptions options_;
    std::uint64_t offset_rows_max_;
    Range range_;
    std::uint64_t skipped_ = 0;
    std::uint64_t written_ = 0;
    std::size_t key_at_ = 0;
    bool done_ = false;
};

// The smallest string behind `id`.
std::string behind(const std::string &id) {
    return id + '\0';
}

Listing::Range Listing::range() const {
    using Side = KeyBound::Side;
    const auto &low = options_.descending ? options_.end : options_.start;
    const auto &high = options_.descending ? options_.start : options_.end;
    Range range;
    if (low) {
        // Downwards the lower bound is the end.
        bool exclusive = options_.descending && !options_.inclusive_end;
        range.begin = exclusive && low->side == Side::at ? behind(low->id) : low->id;
    }
    if (high) {
        range.empty |= high->side == Side::before_all;
        bool exclusive = !options_.descending && !options_.inclusive_end;
        if (high->side == Side::at)
            range.end = exclusive ? high->id : behind(high->id);
    }
    if (kind_ != ListingKind::all_docs) {
        std::string prefix(kind_ == ListingKind::design_docs ? doc::kDesignPrefix : kLocalPrefix);
        range.begin = std::max(range.begin, prefix);
        auto prefix_bound = prefix_end(prefix);
        range.end = range.end ? std::min(*range.end, prefix_bound) : prefix_bound;
    }
    range.empty |= range.end && range.begin >= *range.end;
    return range;
}

// The documents that lie before the first row, in the order of the listing: also those outside of
// `_design/`, as the by-id tree of CouchDB counts them. nullopt with keys and beyond the bound of the count.
Result<std::optional<std::uint64_t>> Listing::offset(std::uint64_t total) {
    if (options_.keys)
        return std::optional<std::uint64_t>();
    std::optional<std::string> first;
    if (options_.start && options_.start->side == KeyBound::Side::at)
        first = options_.start->id;
    if (kind_ == ListingKind::design_docs && options_.descending)
        first = first ? std::min(*first, prefix_end(doc::kDesignPrefix)) : prefix_end(doc::kDesignPrefix);
    else if (kind_ == ListingKind::design_docs)
        first = first ? std::max(*first, std::string(doc::kDesignPrefix)) : std::string(doc::kDesignPrefix);
    std::optional<std::uint64_t> before = 0;
    if (first) {
        DIVAN_TRY(before, database_->count_before(*first, options_.descending, offset_rows_max_));
    }
    if (before)
        before = std::min(*before + options_.skip, total);
    return before;
}

Result<std::string> Listing::head() {
    std::string text;
    if (kind_ == ListingKind::local_docs) {
        text.append("\"total_rows\":null,\"offset\":null");
    } else {
        DIVAN_TRY(auto counts, database_->counts());
        auto total = kind_ == ListingKind::design_docs ? counts.design_documents : counts.documents;
        DIVAN_TRY(auto offset, this->offset(total));
        text.append("\"total_rows\":").append(std::to_string(total)).append(",\"offset\":");
        text.append(offset ? std::to_string(*offset) : "null");
    }
    if (options_.update_seq && (options_.keys || kind_ == ListingKind::local_docs)) {
        text.append(",\"update_seq\":null");
    } else if (options_.update_seq) {
        DIVAN_TRY(auto last, database_->last_sequence());
        text.append(",\"update_seq\":\"").append(database_->sequence_token(last)).push_back('"');
    }
    done_ = (range_.empty && !options_.keys) || limit_reached() || (options_.keys && options_.keys->empty());
    return text;
}

Result<void> Listing::append_row(RowTexts &rows, const db::Head &head, std::string_view key,
                                 bool deleted_rows) {
    auto &out = begin_row(rows);
    out.append("{\"id\":");
    json::write_string(out, head.id);
    out.append(",\"key\":");
    json::write_string(out, key);
    out.append(",\"value\":{\"rev\":\"");
    head.rev.append_text(out);
    out.append(head.deleted ? "\",\"deleted\":true}" : "\"}");
    if (options_.include_docs) {
        out.append(",\"doc\":");
        if (deleted_rows && head.deleted) {
            out.append("null");
        } else {
            DIVAN_TRY_VOID(wire::append_winner(out, *database_, head, options_.document));
        }
    }
    out.push_back('}');
    return {};
}

Result<void> Listing::read_rows(RowTexts &rows) {
    db::HeadRange request;
    request.begin = range_.begin;
    request.end = range_.end;
    request.reverse = options_.descending;
    request.parts = parts();
    request.rows_max = kRowsPerPage;
    if (options_.limit)
        request.rows_max = static_cast<std::size_t>(
            std::min<std::uint64_t>(kRowsPerPage, *options_.limit - written_ + options_.skip - skipped_));
    DIVAN_TRY(auto page, database_->scan_heads(request));
    for (const auto &head : page.heads) {
        if (skipped_ < options_.skip) {
            ++skipped_;
            continue;
        }
        if (limit_reached())
            break;
        DIVAN_TRY_VOID(append_row(rows, head, head.id, false));
        if (rows.bytes() >= db::kPageBytesMax && head.id != page.last_id) {
            page.more = true;
            page.last_id = head.id;
            break;
        }
    }
    done_ = !page.more || limit_reached();
    if (options_.descending)
        range_.end = page.last_id;
    else
        range_.begin = behind(page.last_id);
    return {};
}

void Listing::append_missing(RowTexts &rows, const json::Value &key) {
    auto &out = begin_row(rows);
    out.append("{\"key\":");
    json::write(out, key);
    out.append(",\"error\":\"not_found\"}");
}

Result<void> Listing::read_key_rows(RowTexts &rows) {
    const auto &keys = *options_.keys;
    auto end = std::min(keys.size(), key_at_ + kRowsPerPage);
    std::vector<std::string> ids;
    for (auto i = key_at_; i < end; ++i)
        ids.push_back(keys[i].is_string() ? keys[i].string() : std::string());
    DIVAN_TRY(auto heads, database_->heads(ids, parts()));
    auto i = key_at_;
    for (; i < end && !limit_reached() && rows.bytes() < db::kPageBytesMax; ++i) {
        if (skipped_ < options_.skip) {
            ++skipped_;
            continue;
        }
        const auto &head = heads[i - key_at_];
        if (kind_ == ListingKind::design_docs && !doc::is_design_id(ids[i - key_at_]))
            continue;
        if (!head || !keys[i].is_string()) {
            append_missing(rows, keys[i]);
            continue;
        }
        DIVAN_TRY_VOID(append_row(rows, *head, head->id, true));
    }
    key_at_ = i;
    done_ = key_at_ == keys.size() || limit_reached();
    return {};
}

void Listing::append_local(RowTexts &rows, const db::LocalDocument &document) {
    if (skipped_ < options_.skip) {
        ++skipped_;
        return;
    }
    if (limit_reached())
        return;
    auto &out = begin_row(rows);
    out.append("{\"id\":");
    json::write_string(out, document.id);
    out.append(",\"key\":");
    json::write_string(out, document.id);
    out.append(",\"value\":{\"rev\":\"").append(document.rev).append("\"}");
    if (options_.include_docs) {
        out.append(",\"doc\":{\"_id\":");
        json::write_string(out, document.id);
        out.append(",\"_rev\":\"").append(document.rev).push_back('"');
        if (document.json.size() > 2)
            out.append(",").append(document.json, 1, document.json.size() - 2);
        out.push_back('}');
    }
    out.push_back('}');
}

Result<void> Listing::read_local_rows(RowTexts &rows) {
    if (options_.keys) {
        for (const auto &key : *options_.keys) {
            std::optional<db::LocalDocument> found;
            if (!key.is_string() || !key.string().starts_with(kLocalPrefix))
                continue;
            DIVAN_TRY(found, database_->local(key.string()));
            if (found)
                append_local(rows, *found);
            else
                append_missing(rows, key);
        }
        done_ = true;
        return {};
    }
    DIVAN_TRY(auto page, database_->scan_local(range_.begin, range_.end, options_.descending, kRowsPerPage));
    for (const auto &document : page.documents)
        append_local(rows, document);
    done_ = !page.more || limit_reached();
    if (!page.documents.empty()) {
        if (options_.descending)
            range_.end = page.documents.back().id;
        else
            range_.begin = behind(page.documents.back().id);
    }
    return {};
}

Result<bool> Listing::next(RowTexts &rows) {
    if (done_)
        return false;
    if (kind_ == ListingKind::local_docs) {
        DIVAN_TRY_VOID(read_local_rows(rows));
    } else if (options_.keys) {
        DIVAN_TRY_VOID(read_key_rows(rows));
    } else {
        DIVAN_TRY_VOID(read_rows(rows));
    }
    return !done_;
}

// As in CouchDB a key that can be no id fails the whole listing.
Result<void> check_keys(const db::Database &database, ListingKind kind, const ListingOptions &options) {
    if (options.keys && kind == ListingKind::all_docs)
        for (const auto &key : *options.keys)
            if (key.is_string()) {
                DIVAN_TRY_VOID(database.check_known_id(key.string()));
            }
    return {};
}

} // namespace

Result<RowQuery> listing_query(const Call &call, ListingKind kind, const json::Object *body,
                               Precedence precedence) {
    const auto &config = call.services().config;
    DIVAN_TRY(auto options, read_listing_options(call.query, body, precedence));
    if (options.partition && !call.database->partitioned())
        return Error(ErrorCode::query_parse_error, "`partition` parameter is not supported on this db");
    DIVAN_TRY_VOID(apply_query_limit(config, options.partition.has_value(), options.limit));
    DIVAN_TRY_VOID(check_keys(*call.database, kind, options));
    auto rows_max = static_cast<std::uint64_t>(config.integer("divan", "all_docs_offset_rows_max"));
    return RowQuery{std::make_unique<Listing>(call.database, kind, std::move(options), rows_max),
                    &call.services().engine_pool};
}

} // namespace divan::api
