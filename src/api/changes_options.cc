#include "api/changes_feed.h"
#include "api/changes_filter.h"
#include "api/document_handlers.h"
#include "api/parameters.h"
#include "config/config.h"
#include "selector/limits.h"
#include "json/parser.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::api {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

Result<std::uint64_t> parse_non_negative(std::string_view name, std::string_view text) {
    auto number = parse_integer(text);
    if (!number)
        return Error(ErrorCode::bad_request,
                     fmt::format("The {} parameter should be a non-negative integer", name));
    if (*number < 0)
        return Error(ErrorCode::bad_request,
                     fmt::format("The {} value should be a non-negative integer", name));
    return static_cast<std::uint64_t>(*number);
}

Result<Millis> parse_heartbeat(std::string_view text) {
    if (text == "true")
        return Millis(60'000);
    auto number = parse_integer(text);
    if (!number)
        return Error(ErrorCode::bad_request,
                     "Invalid heartbeat value. Expecting a positive integer value (in milliseconds).");
    if (*number <= 0)
        return Error(ErrorCode::bad_request,
                     "The heartbeat value should be a positive integer (in milliseconds).");
    return Millis(*number);
}

Result<FeedKind> parse_kind(std::string_view text) {
    if (text == "normal")
        return FeedKind::normal;
    if (text == "longpoll")
        return FeedKind::longpoll;
    if (text == "continuous" || text == "live")
        return FeedKind::continuous;
    if (text == "eventsource")
        return FeedKind::eventsource;
    return Error(ErrorCode::bad_request,
                 "Supported `feed` types: normal, continuous, live, longpoll, eventsource");
}

Result<std::set<std::string>> read_doc_ids(const net::Query &query, const json::Value *body) {
    Error invalid(ErrorCode::bad_request, "`doc_ids` filter parameter is not a list of doc ids.");
    json::Value list;
    if (body != nullptr && body->is_object() && body->object().contains("doc_ids")) {
        list = *body->object().find("doc_ids");
    } else if (auto text = query.find("doc_ids")) {
        DIVAN_TRY(list, json::parse(*text));
    }
    if (!list.is_array())
        return invalid;
    std::set<std::string> ids;
    for (const auto &id : list.array()) {
        if (!id.is_string())
            return invalid;
        ids.insert(id.string());
    }
    return ids;
}

Result<void> read_filter(const Call &call, const net::Query &query, const json::Value *body,
                         const std::optional<std::string> &body_text, FeedOptions &options) {
    auto find = [&](std::string_view section, std::string_view name, const char *malformed) -> Result<void> {
        DIVAN_TRY(auto found, find_function_filter(call, section, name, malformed, body_text));
        options.pages.function = std::make_shared<const feed::FunctionFilter>(std::move(found));
        return {};
    };
    auto filter = query.find("filter").value_or("");
    if (filter.empty())
        return {};
    if (filter == "_doc_ids") {
        DIVAN_TRY(options.pages.doc_ids, read_doc_ids(query, body));
        return {};
    }
    if (filter == "_design") {
        options.pages.design_only = true;
        return {};
    }
    if (filter == "_selector") {
        if (body == nullptr)
            return Error(ErrorCode::bad_request, "Selector must be specified in POST payload");
        DIVAN_TRY(auto selected,
                  read_selector_filter(body->object(), selector::limits(call.services().config)));
        options.pages.selector = std::move(selected.selector);
        options.fields = std::move(selected.fields);
        return {};
    }
    if (filter == "_view") {
        auto view = query.find("view").value_or("");
        if (view.empty())
            return Error(ErrorCode::bad_request, "`view` filter parameter is not provided.");
        return find("views", view, "`view` must be of the form `designname/viewname`");
    }
    if (filter[0] == '_')
        return Error(ErrorCode::bad_request, "unknown builtin filter name");
    return find("filters", filter, "`filter` must be of the form `designname/filtername`");
}

// The names of this feed's parameters are read without case.
net::Query with_lower_case_names(const net::Query &query) {
    net::Query lowered;
    for (const auto &[name, value] : query) {
        std::string lower = name;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
        lowered.add(std::move(lower), value);
    }
    return lowered;
}

} // namespace

Result<FeedOptions> read_feed_options(const Call &call, const json::Value *body,
                                      const std::optional<std::string> &body_text) {
    auto query = with_lower_case_names(call.query);
    FeedOptions options;
    if (auto feed = query.find("feed")) {
        DIVAN_TRY(options.kind, parse_kind(*feed));
    }
    if (auto since = query.find("since"))
        options.since = *since;
    if (auto last = query.find("last-event-id"))
        options.since = *last;
    if (options.kind == FeedKind::eventsource)
        if (auto last = call.header("Last-Event-ID"))
            options.since = *last;
    options.pages.descending = is_true(query, "descending");
    if (auto limit = query.find("limit")) {
        DIVAN_TRY(options.limit, parse_non_negative("limit", *limit));
    }
    auto style = query.find("style");
    options.pages.all_leaves = style && *style == "all_docs";
    options.include_docs = is_true(query, "include_docs");
    options.document.conflicts = options.pages.conflicts = is_true(query, "conflicts");
    options.document.attachments = is_true(query, "attachments");
    options.document.encoding_info = is_true(query, "att_encoding_info");
    if (auto heartbeat = query.find("heartbeat"); heartbeat && *heartbeat != "false") {
        DIVAN_TRY(options.heartbeat, parse_heartbeat(*heartbeat));
    }
    options.timeout = Millis(call.services().config.integer("chttpd", "changes_timeout"));
    if (auto timeout = query.find("timeout")) {
        DIVAN_TRY(auto asked, parse_non_negative("timeout", *timeout));
        options.timeout = std::min(
            options.timeout, Millis(static_cast<std::int64_t>(std::min<std::uint64_t>(asked, 1ull << 40))));
    }
    if (auto interval = query.find("seq_interval")) {
        auto number = parse_integer(*interval);
        if (!number || *number <= 0)
            return Error(ErrorCode::bad_request, "invalid_seq_interval");
        options.seq_interval = static_cast<std::uint64_t>(*number);
    }
    DIVAN_TRY_VOID(read_filter(call, query, body, body_text, options));
    return options;
}

} // namespace divan::api
