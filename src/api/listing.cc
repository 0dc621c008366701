#include "api/listing.h"

#include "base/bytes.h"
#include "config/config.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

constexpr std::size_t kRowsPerPage = 1'000;
// A page ends early when its documents have so many bytes.
constexpr std::size_t kBytesPerPage = 1 << 20;
constexpr std::string_view kDesignPrefix = "_design/";
constexpr std::string_view kLocalPrefix = "_local/";

class Listing {
  public:
    Listing(Call &call, ListingKind kind, ListingOptions options)
        : call_(call), kind_(kind), options_(std::move(options)) {}

    Task<Result<void>> write(std::string begin);

  private:
    struct Range {
        std::string begin;
        std::optional<std::string> end; // exclusive
        bool empty = false;
    };

    db::Database &database() { return *call_.database; }
    [[nodiscard]] Range range() const;
    [[nodiscard]] db::HeadParts parts() const {
        return {.bodies = options_.include_docs,
                .trees = options_.include_docs && !options_.document.plain()};
    }
    [[nodiscard]] bool limit_reached() const { return options_.limit && written_ >= *options_.limit; }

    // On the engine pool.
    Result<std::optional<std::uint64_t>> offset(std::uint64_t total);
    Result<std::string> head_text();
    Result<std::string> read_rows();
    Result<std::string> read_key_rows();
    Result<std::string> read_local_rows();
    Result<void> append_row(std::string &out, const db::Head &head, std::string_view key, bool deleted_rows);
    Result<void> append_document(std::string &out, const db::Head &head);
    void begin_row(std::string &out);

    Call &call_;
    ListingKind kind_;
    ListingOptions options_;
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
        std::string prefix(kind_ == ListingKind::design_docs ? kDesignPrefix : kLocalPrefix);
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
        first = first ? std::min(*first, prefix_end(kDesignPrefix)) : prefix_end(kDesignPrefix);
    else if (kind_ == ListingKind::design_docs)
        first = first ? std::max(*first, std::string(kDesignPrefix)) : std::string(kDesignPrefix);
    std::optional<std::uint64_t> before = 0;
    if (first) {
        auto rows_max =
            static_cast<std::uint64_t>(call_.services().config.integer("divan", "all_docs_offset_rows_max"));
        DIVAN_TRY(before, database().count_before(*first, options_.descending, rows_max));
    }
    if (before)
        before = std::min(*before + options_.skip, total);
    return before;
}

Result<std::string> Listing::head_text() {
    std::string text = "{";
    if (kind_ == ListingKind::local_docs) {
        text.append("\"total_rows\":null,\"offset\":null,");
    } else {
        DIVAN_TRY(auto counts, database().counts());
        auto total = kind_ == ListingKind::design_docs ? counts.design_documents : counts.documents;
        DIVAN_TRY(auto offset, this->offset(total));
        text.append("\"total_rows\":").append(std::to_string(total)).append(",\"offset\":");
        text.append(offset ? std::to_string(*offset) : "null").push_back(',');
    }
    if (options_.update_seq && (options_.keys || kind_ == ListingKind::local_docs)) {
        text.append("\"update_seq\":null,");
    } else if (options_.update_seq) {
        DIVAN_TRY(auto last, database().last_sequence());
        text.append("\"update_seq\":\"").append(database().sequence_token(last)).append("\",");
    }
    return text.append("\"rows\":[\r\n");
}

void Listing::begin_row(std::string &out) {
    if (written_ > 0)
        out.append(",\r\n");
    ++written_;
}

Result<void> Listing::append_document(std::string &out, const db::Head &head) {
    if (options_.document.plain() && head.body) {
        out.append(plain_document_json(head, *head.body));
        return {};
    }
    DIVAN_TRY(auto tree, database().tree(head));
    DIVAN_TRY(auto document, write_document(database(), head, tree, tree.winner(), options_.document));
    out.append(document.json);
    return {};
}

Result<void> Listing::append_row(std::string &out, const db::Head &head, std::string_view key,
                                 bool deleted_rows) {
    begin_row(out);
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
            DIVAN_TRY_VOID(append_document(out, head));
        }
    }
    out.push_back('}');
    return {};
}

Result<std::string> Listing::read_rows() {
    std::string out;
    db::HeadRange request;
    request.begin = range_.begin;
    request.end = range_.end;
    request.reverse = options_.descending;
    request.parts = parts();
    request.rows_max = kRowsPerPage;
    if (options_.limit)
        request.rows_max = static_cast<std::size_t>(
            std::min<std::uint64_t>(kRowsPerPage, *options_.limit - written_ + options_.skip - skipped_));
    DIVAN_TRY(auto page, database().scan_heads(request));
    out.reserve(page.heads.size() * (options_.include_docs ? 800 : 120));
    for (const auto &head : page.heads) {
        if (skipped_ < options_.skip) {
            ++skipped_;
            continue;
        }
        if (limit_reached())
            break;
        DIVAN_TRY_VOID(append_row(out, head, head.id, false));
        if (out.size() >= kBytesPerPage && head.id != page.last_id) {
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
    return out;
}

Result<std::string> Listing::read_key_rows() {
    const auto &keys = *options_.keys;
    auto end = std::min(keys.size(), key_at_ + kRowsPerPage);
    std::vector<std::string> ids;
    for (auto i = key_at_; i < end; ++i)
        ids.push_back(keys[i].is_string() ? keys[i].string() : std::string());
    DIVAN_TRY(auto heads, database().heads(ids, parts()));
    std::string out;
    auto i = key_at_;
    for (; i < end && !limit_reached() && out.size() < kBytesPerPage; ++i) {
        if (skipped_ < options_.skip) {
            ++skipped_;
            continue;
        }
        const auto &head = heads[i - key_at_];
        if (kind_ == ListingKind::design_docs && !ids[i - key_at_].starts_with(kDesignPrefix))
            continue;
        if (!head || !keys[i].is_string()) {
            begin_row(out);
            out.append("{\"key\":");
            json::write(out, keys[i]);
            out.append(",\"error\":\"not_found\"}");
            continue;
        }
        DIVAN_TRY_VOID(append_row(out, *head, head->id, true));
    }
    key_at_ = i;
    done_ = key_at_ == keys.size() || limit_reached();
    return out;
}

Result<std::string> Listing::read_local_rows() {
    std::string out;
    auto append = [&](const db::LocalDocument &document) {
        if (skipped_ < options_.skip) {
            ++skipped_;
            return;
        }
        if (limit_reached())
            return;
        begin_row(out);
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
    };
    if (options_.keys) {
        for (const auto &key : *options_.keys) {
            std::optional<db::LocalDocument> found;
            if (!key.is_string() || !key.string().starts_with(kLocalPrefix))
                continue;
            DIVAN_TRY(found, database().local(key.string()));
            if (found) {
                append(*found);
            } else {
                begin_row(out);
                out.append("{\"key\":");
                json::write(out, key);
                out.append(",\"error\":\"not_found\"}");
            }
        }
        done_ = true;
        return out;
    }
    DIVAN_TRY(auto page, database().scan_local(range_.begin, range_.end, options_.descending, kRowsPerPage));
    for (const auto &document : page.documents)
        append(document);
    done_ = !page.more || limit_reached();
    if (!page.documents.empty()) {
        if (options_.descending)
            range_.end = page.documents.back().id;
        else
            range_.begin = behind(page.documents.back().id);
    }
    return out;
}

Task<Result<void>> Listing::write(std::string begin) {
    range_ = range();
    auto text = std::move(begin);
    auto head = co_await call_.on_engine([&] { return head_text(); });
    if (!head.ok())
        co_return head.error();
    text.append(*head);
    done_ = (range_.empty && !options_.keys) || limit_reached() || (options_.keys && options_.keys->empty());
    while (!done_) {
        auto rows = co_await call_.on_engine([&] {
            if (kind_ == ListingKind::local_docs)
                return read_local_rows();
            return options_.keys ? read_key_rows() : read_rows();
        });
        if (!rows.ok())
            co_return rows.error();
        if (!call_.response().started()) {
            // The first rows are read before the status is sent, so that an early failure has its own.
            auto started = co_await call_.start_json();
            if (!started.ok())
                co_return started.error();
        }
        text.append(*rows);
        auto written = co_await call_.response().write(std::move(text));
        if (!written.ok())
            co_return written.error();
        text.clear();
    }
    if (!call_.response().started()) {
        auto started = co_await call_.start_json();
        if (!started.ok())
            co_return started.error();
    }
    text.append("\r\n]}");
    co_return co_await call_.response().write(std::move(text));
}

} // namespace

Task<Result<void>> write_listing(Call &call, ListingKind kind, ListingOptions options, std::string begin) {
    Listing listing(call, kind, std::move(options));
    auto written = co_await listing.write(std::move(begin));
    co_return written;
}

} // namespace divan::api
