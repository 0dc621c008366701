#include "api/audit_notes.h"
#include "audit/log.h"
#include "config/config.h"
#include "json/writer.h"

#include <charconv>

namespace divan::api {
namespace {

constexpr std::uint64_t kLimitDefault = 100;
constexpr std::size_t kScannedMax = 20'000; // of a page; a filter that admits little answers `next` early
constexpr std::size_t kExportRecords = 500; // read at once

struct Request {
    audit::Query query;
    bool lines = false; // all records, one a line
};

Result<std::uint64_t> read_number(const Call &call, std::string_view name, std::uint64_t otherwise) {
    auto text = call.query.find(name);
    if (!text)
        return otherwise;
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size())
        return Error(ErrorCode::query_parse_error,
                     std::string(name) + " must be a number that is not negative.");
    return number;
}

Result<std::string> read_time(const Call &call, std::string_view name) {
    auto text = call.query.find(name);
    return text ? audit::read_time(*text) : Result<std::string>(std::string());
}

Result<audit::Filter> read_filter(const Call &call) {
    audit::Filter filter;
    DIVAN_TRY(filter.since, read_time(call, "since"));
    DIVAN_TRY(filter.until, read_time(call, "until"));
    for (auto [name, member] :
         {std::pair{"kind", &filter.kind}, std::pair{"action", &filter.action},
          std::pair{"outcome", &filter.outcome}, std::pair{"principal", &filter.principal},
          std::pair{"database", &filter.database}, std::pair{"document", &filter.document},
          std::pair{"address", &filter.address}})
        *member = call.query.find(name).value_or("");
    if (!filter.kind.empty() && !audit::parse_kind(filter.kind))
        return Error(ErrorCode::query_parse_error, "There is no kind of this name: see [audit] events.");
    return filter;
}

Result<Request> read_request(const Call &call) {
    Request request;
    auto &query = request.query;
    DIVAN_TRY(query.filter, read_filter(call));
    DIVAN_TRY(query.from, read_number(call, "from", 0));
    auto limit_max = static_cast<std::uint64_t>(call.services().config.integer("audit", "query_records_max"));
    DIVAN_TRY(auto limit, read_number(call, "limit", std::min(kLimitDefault, limit_max)));
    if (limit > limit_max)
        return Error(
            ErrorCode::query_parse_error,
            "limit is above [audit] query_records_max: read on with `next`, or all with format=jsonl.");
    query.records_max = static_cast<std::size_t>(limit);
    query.scanned_max = kScannedMax;
    auto descending = call.query.find("descending").value_or("false");
    if (descending != "true" && descending != "false")
        return Error(ErrorCode::query_parse_error, "descending must be true or false.");
    query.descending = descending == "true";
    auto format = call.query.find("format").value_or("");
    if (!format.empty() && format != "json" && format != "jsonl")
        return Error(ErrorCode::query_parse_error, "format must be json or jsonl.");
    auto accept = call.header("Accept").value_or("");
    request.lines = format == "jsonl" ||
                    (format.empty() && accept.find("application/x-ndjson") != std::string_view::npos);
    return request;
}

Task<Result<void>> send_page(Call &call, const audit::Query &query) {
    auto page = co_await call.on_engine([&] { return call.services().audit->read(query); });
    if (!page.ok())
        co_return page.error();
    std::string text = "{\"records\":[";
    for (std::size_t i = 0; i < page->texts.size(); ++i)
        text.append(i > 0 ? ",\n" : "\n").append(page->texts[i]);
    text.append("\n],\"next\":").append(page->next == 0 ? "null" : std::to_string(page->next));
    text.append(",\"total\":").append(std::to_string(query.count)).append("}");
    co_return co_await call.send_json(200, std::move(text));
}

// A page at a time: what is sent is bounded by the log, and memory by the page.
Task<Result<void>> send_lines(Call &call, audit::Query query) {
    query.records_max = kExportRecords;
    net::Headers headers;
    headers.add("Content-Type", "application/x-ndjson");
    auto started = co_await call.start_json(std::move(headers));
    if (!started.ok())
        co_return started.error();
    for (bool more = true; more;) {
        auto page = co_await call.on_engine([&] { return call.services().audit->read(query); });
        if (!page.ok())
            co_return page.error();
        std::string text;
        for (const auto &record : page->texts)
            text.append(record).push_back('\n');
        if (!text.empty()) {
            auto written = co_await call.response().write(std::move(text));
            if (!written.ok())
                co_return written.error();
        }
        query.from = page->next;
        more = page->next != 0;
    }
    co_return co_await call.response().finish();
}

Task<Result<void>> get_audit(Call &call) {
    auto *log = call.services().audit;
    if (log == nullptr)
        co_return Error(
            ErrorCode::not_found,
            "Nothing is recorded: set enable = true and key_file in [audit] of an ini file, and start "
            "the server again.");
    auto request = read_request(call);
    if (!request.ok())
        co_return request.error();
    auto head = co_await call.on_engine([&] { return log->flush(); });
    if (!head.ok())
        co_return head.error();
    request->query.count = head->count;
    // Who reads is in the log, but not among what is read.
    auto record = audit_record(call, audit::Kind::audit, request->lines ? "exported" : "read");
    co_await note(call, std::move(record));
    if (request->lines) {
        co_return co_await send_lines(call, request->query);
    }
    co_return co_await send_page(call, request->query);
}

} // namespace

std::vector<Route> audit_routes() {
    return {
        {"GET",
         "/_audit",
         access::Permission::auditor,
         get_audit,
         "The audit log: what happened, and who did it.",
         {{"since", "string", "Records from this time on: RFC 3339 in UTC, or a date."},
          {"until", "string", "Records before this time."},
          {"kind", "string", "Records of this kind: `authentication`, `configuration`, ..."},
          {"action", "string", "Records of this action: `login`, `config_set`, ..."},
          {"outcome", "string", "`granted`, `refused` or `failed`."},
          {"principal", "string", "What this user did."},
          {"database", "string", "What was done with this database."},
          {"document", "string", "What was done with documents of this id."},
          {"address", "string", "What came from this address."},
          {"from", "integer", "The number of the record to begin with; `next` of the page before."},
          {"limit", "integer", "Records of a page; 100 if it is absent."},
          {"descending", "boolean", "The newest first."},
          {"format", "string", "`jsonl`: all records, one a line; also by Accept: application/x-ndjson."}}},
    };
}

} // namespace divan::api
