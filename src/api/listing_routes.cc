#include "api/listing.h"
#include "api/router.h"

namespace divan::api {
namespace {

using access::Permission;

Result<ListingOptions> read_options(const Call &call, const json::Object *body, Precedence precedence) {
    DIVAN_TRY(auto options, read_listing_options(call.query, body, precedence));
    if (options.partition && !call.database->partitioned())
        return Error(ErrorCode::query_parse_error, "`partition` parameter is not supported on this db");
    if (options.partition)
        return Error(ErrorCode::not_implemented, "Listings of one partition are not served by this version.");
    return options;
}

Task<Result<void>> serve_one(Call &call, ListingKind kind, const json::Object *body) {
    auto options = read_options(call, body, Precedence::query);
    if (!options.ok())
        co_return options.error();
    auto written = co_await write_listing(call, kind, std::move(*options), std::string());
    if (written.ok())
        written = co_await call.response().write("\n");
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

Task<Result<json::Value>> read_object(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (body.ok() && !body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    co_return body;
}

template <ListingKind kind> Task<Result<void>> get_listing(Call &call) {
    co_return co_await serve_one(call, kind, nullptr);
}

template <ListingKind kind> Task<Result<void>> post_listing(Call &call) {
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    co_return co_await serve_one(call, kind, &body->object());
}

template <ListingKind kind> Task<Result<void>> post_queries(Call &call) {
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    const auto *queries = body->object().find("queries");
    if (queries == nullptr)
        co_return Error(ErrorCode::bad_request, "POST body must include `queries` parameter.");
    if (!queries->is_array())
        co_return Error(ErrorCode::bad_request, "`queries` member must be an array.");
    std::vector<ListingOptions> all;
    for (const auto &query : queries->array()) {
        if (!query.is_object())
            co_return Error(ErrorCode::bad_request, "A query must be a JSON object.");
        auto options = read_options(call, &query.object(), Precedence::body);
        if (!options.ok())
            co_return options.error();
        all.push_back(std::move(*options));
    }
    auto started = co_await call.start_json();
    if (!started.ok())
        co_return started.error();
    std::string begin = "{\"results\":[\r\n";
    for (auto &options : all) {
        auto written = co_await write_listing(call, kind, std::move(options), std::move(begin));
        if (!written.ok())
            co_return written.error();
        begin = ",\r\n";
    }
    std::string end = all.empty() ? begin : std::string();
    end.append("\r\n]}\n");
    auto written = co_await call.response().write(std::move(end));
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

} // namespace

std::vector<Route> listing_routes() {
    std::vector<ParameterInfo> parameters = {
        {"startkey", "json", "First id; also start_key."},
        {"endkey", "json", "Last id; also end_key."},
        {"key", "json", "One id."},
        {"keys", "json", "A list of ids, answered in their order."},
        {"inclusive_end", "boolean", "false: without the last id."},
        {"descending", "boolean", "From the end."},
        {"limit", "integer", "Rows at most."},
        {"skip", "integer", "Rows to leave out first."},
        {"include_docs", "boolean", "Adds the documents."},
        {"conflicts", "boolean", "Adds _conflicts to the documents."},
        {"attachments", "boolean", "Adds attachment data to the documents."},
        {"att_encoding_info", "boolean", "Adds encoding and encoded_length."},
        {"update_seq", "boolean", "Adds the database's sequence."}};
    constexpr auto kMember = Permission::database_member;
    return {
        {"GET", "/{db}/_all_docs", kMember, get_listing<ListingKind::all_docs>, "All documents by id.",
         parameters},
        {"POST", "/{db}/_all_docs", kMember, post_listing<ListingKind::all_docs>,
         "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_all_docs/queries", kMember, post_queries<ListingKind::all_docs>,
         "Several listings at once."},
        {"GET", "/{db}/_design_docs", kMember, get_listing<ListingKind::design_docs>,
         "Design documents by id.", parameters},
        {"POST", "/{db}/_design_docs", kMember, post_listing<ListingKind::design_docs>,
         "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_design_docs/queries", kMember, post_queries<ListingKind::design_docs>,
         "Several listings at once."},
        {"GET", "/{db}/_local_docs", kMember, get_listing<ListingKind::local_docs>, "Local documents by id.",
         parameters},
        {"POST", "/{db}/_local_docs", kMember, post_listing<ListingKind::local_docs>,
         "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_local_docs/queries", kMember, post_queries<ListingKind::local_docs>,
         "Several listings at once."},
    };
}

} // namespace divan::api
