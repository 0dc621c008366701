#include "api/bulk_handlers.h"
#include "api/document_handlers.h"
#include "api/parameters.h"
#include "db/store.h"
#include "net/multipart.h"
#include "telemetry/metrics.h"
#include "wire/header_values.h"
#include "wire/revision_selection.h"
#include "json/writer.h"

#include <algorithm>
#include <span>

namespace divan::api {
namespace {

// Heads that are read at once.
constexpr std::size_t kHeadsPerRead = 100;
// Rows are gathered for one write until they have so many bytes.
constexpr std::size_t kBytesPerWrite = 256 << 10;

// One entry of `docs`.
struct Wanted {
    json::Value id; // null if it is none
    std::optional<std::vector<doc::RevId>> revs;
    std::optional<std::vector<doc::RevId>> atts_since;
    // The entry itself is wrong; `error_rev` is told as its revision.
    std::optional<Error> error;
    json::Value error_rev;
};

// A revision, or why there is none.
struct Item {
    std::optional<wire::WrittenDocument> document;
    doc::RevId rev;
    json::Value error_rev;
    Error error = ErrorCode::not_found;
    bool of_entry = false; // the error is that of the whole entry
};

struct Row {
    const Wanted *wanted = nullptr;
    std::vector<Item> items;
};

std::optional<doc::RevId> parse_rev(const json::Value &value) {
    auto rev = value.is_string() ? doc::RevId::parse(value.string()) : Error(ErrorCode::bad_request);
    return rev.ok() ? std::optional(std::move(*rev)) : std::nullopt;
}

Wanted wrong(json::Value id, json::Value rev, Error error) {
    Wanted wanted;
    wanted.id = std::move(id);
    wanted.error = std::move(error);
    wanted.error_rev = std::move(rev);
    return wanted;
}

Wanted read_wanted(const db::Database &database, const json::Value &value) {
    if (!value.is_object() || value.object().empty())
        return wrong({}, {}, Error(ErrorCode::bad_request, "document must be a JSON object"));
    const auto &members = value.object();
    const auto *id = members.find("id");
    if (id == nullptr)
        return wrong({}, {}, Error(ErrorCode::bad_request, "document id missed"));
    if (!id->is_string())
        return wrong(*id, {}, Error(ErrorCode::illegal_docid, "Document id must be a string"));
    if (auto legal = database.check_id(id->string()); !legal.ok())
        return wrong(*id, {}, legal.error());
    const Error invalid(ErrorCode::bad_request, "Invalid rev format");
    Wanted wanted;
    wanted.id = *id;
    if (const auto *rev = members.find("rev")) {
        auto parsed = parse_rev(*rev);
        if (!parsed)
            return wrong(*id, *rev, invalid);
        wanted.revs = {std::move(*parsed)};
    }
    const auto *since = members.find("atts_since");
    if (since == nullptr)
        return wanted;
    if (!since->is_array())
        return wrong(*id, *since, Error(ErrorCode::bad_request, "att_since value must be array of revs."));
    for (const auto &entry : since->array()) {
        auto parsed = parse_rev(entry);
        if (!parsed)
            return wrong(*id, entry, invalid);
        if (!wanted.atts_since)
            wanted.atts_since.emplace();
        wanted.atts_since->push_back(std::move(*parsed));
    }
    return wanted;
}

class BulkGet {
  public:
    BulkGet(Call &call, std::vector<Wanted> wanted, wire::DocumentOptions options)
        : call_(call), wanted_(std::move(wanted)), options_(std::move(options)),
          latest_(is_true(call.query, "latest")) {}

    Task<Result<void>> send_json();
    Task<Result<void>> send_multipart(std::string_view type);

  private:
    // The next rows; none at the end. Blocks on the engine.
    Result<std::vector<Row>> read_rows();
    Result<Row> read_row(const Wanted &wanted, const std::optional<db::Head> &head);
    Task<Result<void>> send_parts(Row &row, const std::string &boundary, std::string &text);

    Call &call_;
    std::vector<Wanted> wanted_;
    wire::DocumentOptions options_;
    bool latest_;
    std::size_t at_ = 0; // the next of wanted_
    std::vector<std::optional<db::Head>> heads_;
    std::size_t heads_begin_ = 0; // heads_[0] belongs to this one of wanted_
};

Result<Row> BulkGet::read_row(const Wanted &wanted, const std::optional<db::Head> &head) {
    Row row{&wanted, {}};
    auto fail = [&](Item item) { row.items.push_back(std::move(item)); };
    if (wanted.error) {
        fail({std::nullopt, {}, wanted.error_rev, *wanted.error, true});
        return row;
    }
    doc::RevTree tree;
    if (head) {
        DIVAN_TRY(tree, call_.database->tree(*head));
    } else if (!wanted.revs) {
        fail({std::nullopt, {}, "undefined", ErrorCode::not_found, true});
        return row;
    }
    auto options = options_;
    options.atts_since = wanted.atts_since;
    auto selected = wire::select_revisions(tree, wanted.revs, latest_);
    for (const auto &leaf : selected.found) {
        auto document = wire::write_document(*call_.database, *head, tree, leaf, options);
        if (document.ok())
            row.items.push_back({std::move(*document), leaf.rev, {}});
        else
            fail({std::nullopt, leaf.rev, leaf.rev.text(), document.error()});
    }
    for (const auto &rev : selected.missing)
        fail({std::nullopt, rev, rev.text(), ErrorCode::not_found});
    return row;
}

Result<std::vector<Row>> BulkGet::read_rows() {
    std::vector<Row> rows;
    std::size_t bytes = 0;
    while (at_ < wanted_.size() && bytes < kBytesPerWrite) {
        if (at_ == heads_begin_ + heads_.size()) {
            std::vector<std::string> ids;
            for (auto i = at_; i < std::min(wanted_.size(), at_ + kHeadsPerRead); ++i)
                ids.push_back(wanted_[i].error ? std::string() : wanted_[i].id.string());
            heads_begin_ = at_;
            DIVAN_TRY(heads_, call_.database->heads(ids, {.bodies = true, .trees = true, .leaves = true}));
        }
        DIVAN_TRY(auto row, read_row(wanted_[at_], heads_[at_ - heads_begin_]));
        for (const auto &item : row.items)
            bytes += item.document ? item.document->json.size() : 0;
        rows.push_back(std::move(row));
        ++at_;
    }
    return rows;
}

// ---- as JSON

void append_error(std::string &out, const Row &row, const Item &item) {
    json::ObjectWriter writer(out);
    writer.value("rev", item.error_rev).member("reason", std::string_view(item.error.reason()));
    writer.value("id", row.wanted->id).member("error", item.error.word());
    writer.close();
}

void append_row(std::string &out, const Row &row) {
    out.append("{\"id\":");
    json::write(out, row.wanted->id);
    out.append(",\"docs\":[");
    for (std::size_t i = 0; i < row.items.size(); ++i) {
        const auto &item = row.items[i];
        out.append(i > 0 ? "," : "");
        if (item.document) {
            out.append("{\"ok\":").append(item.document->json);
        } else {
            out.append("{\"error\":");
            append_error(out, row, item);
        }
        out.push_back('}');
    }
    out.append("]}");
}

Task<Result<void>> BulkGet::send_json() {
    std::string text = "{\"results\":[";
    bool first = true;
    for (;;) {
        auto rows = co_await call_.on_engine([&] { return read_rows(); });
        if (!rows.ok())
            co_return rows.error();
        if (first) { // not before the first rows are there: an early error has its own status
            auto started = co_await call_.start_json();
            if (!started.ok())
                co_return started.error();
        }
        for (const auto &row : *rows) {
            text.append(first ? "" : ",");
            first = false;
            append_row(text, row);
        }
        if (rows->empty()) {
            text.append("]}\n");
            break;
        }
        auto written = co_await call_.response().write(std::move(text));
        if (!written.ok())
            co_return written.error();
        text.clear();
    }
    auto written = co_await call_.response().write(std::move(text));
    if (!written.ok())
        co_return written.error();
    co_return co_await call_.response().finish();
}

// ---- as multipart, in the form of chttpd_db:bulk_get_ret_multipart

// A part for an item that is JSON; a document with attachments that follow has a multipart part instead.
void append_json_part(std::string &out, const std::string &boundary, const Row &row, const Item &item) {
    out.append("\r\n--").append(boundary).append("\r\nContent-Type: application/json");
    if (item.document) {
        out.append("\r\n\r\n").append(item.document->json);
        return;
    }
    out.append("; error=\"true\"\r\n\r\n");
    if (item.of_entry) {
        append_error(out, row, item);
        return;
    }
    json::ObjectWriter writer(out);
    writer.value("rev", item.error_rev).member("error", item.error.word());
    writer.member("reason", std::string_view(item.error.reason()));
    writer.close();
}

Task<Result<void>> BulkGet::send_parts(Row &row, const std::string &boundary, std::string &text) {
    for (auto &item : row.items) {
        if (!item.document || item.document->following.empty()) {
            append_json_part(text, boundary, row, item);
            continue;
        }
        auto inner = new_boundary(call_);
        text.append("\r\n--").append(boundary);
        text.append("\r\nX-Doc-Id: ").append(wire::header_text(row.wanted->id.string()));
        text.append("\r\nX-Rev-Id: ").append(wire::header_text(item.rev.text()));
        text.append("\r\nContent-Type: multipart/related; boundary=").append(inner).append("\r\n\r\n");
        auto written = co_await call_.response().write(std::move(text));
        text.clear();
        if (written.ok())
            written = co_await write_related(call_, std::move(*item.document), std::move(inner));
        if (!written.ok())
            co_return written.error();
    }
    co_return Result<void>();
}

Task<Result<void>> BulkGet::send_multipart(std::string_view type) {
    auto boundary = "--" + new_boundary(call_);
    options_.attachments = false;
    options_.follows = true;
    std::string text;
    bool started = false;
    for (;;) {
        auto rows = co_await call_.on_engine([&] { return read_rows(); });
        if (!rows.ok())
            co_return rows.error();
        if (!started) {
            started = true;
            net::ResponseHead head;
            head.headers.add("Content-Type", std::string(type) + "; boundary=\"" + boundary + "\"");
            auto begun = co_await call_.start(std::move(head));
            if (!begun.ok())
                co_return begun.error();
        }
        if (rows->empty())
            break;
        for (auto &row : *rows) {
            auto sent = co_await send_parts(row, boundary, text);
            if (!sent.ok())
                co_return sent.error();
        }
        auto written = co_await call_.response().write(std::move(text));
        if (!written.ok())
            co_return written.error();
        text.clear();
    }
    if (!wanted_.empty()) {
        auto written = co_await call_.response().write(net::multipart_end(boundary) + "\r\n");
        if (!written.ok())
            co_return written.error();
    }
    co_return co_await call_.response().finish();
}

} // namespace

Task<Result<void>> post_bulk_get(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    call.services().metrics.count(telemetry::Metric::bulk_requests);
    auto value = co_await call.read_json();
    if (!value.ok())
        co_return value.error();
    if (value->is_object() && !value->object().contains("docs"))
        co_return Error(ErrorCode::bad_request, "Missing JSON list of 'docs'.");
    auto docs = find_docs(*value);
    if (!docs.ok())
        co_return docs.error();
    for (std::string_view refused : {"rev", "open_revs", "atts_since", "w", "new_edits"})
        if (call.query.find(refused))
            co_return Error(ErrorCode::bad_request,
                            "\"" + std::string(refused) + "\" query parameter is not acceptable");
    auto options = document_options(call.query);
    if (!options.ok())
        co_return options.error();
    options->conflicts = options->deleted_conflicts = options->revs_info = options->local_seq = false;
    std::vector<Wanted> wanted;
    wanted.reserve((*docs)->size());
    for (const auto &doc : **docs)
        wanted.push_back(read_wanted(*call.database, doc));
    BulkGet bulk_get(call, std::move(wanted), std::move(*options));
    bool mixed = accepts(call, "multipart/mixed");
    if (accepts(call, "application/json") || (!mixed && !accepts(call, "multipart/related"))) {
        auto sent = co_await bulk_get.send_json();
        co_return sent;
    }
    std::string_view type = mixed ? "multipart/mixed" : "multipart/related";
    auto sent = co_await bulk_get.send_multipart(type);
    co_return sent;
}

} // namespace divan::api
