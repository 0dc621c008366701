#include "api/listing.h"
#include "api/router.h"

namespace divan::api {
namespace {

using access::Permission;

Result<RowQuery> listing_query(const Call &call, ListingKind kind, const json::Object *body,
                               Precedence precedence) {
    DIVAN_TRY(auto options, read_listing_options(call.query, body, precedence));
    DIVAN_TRY_VOID(apply_query_limit(call.services().config, options.limit));
    if (options.partition && !call.database->partitioned())
        return Error(ErrorCode::query_parse_error, "`partition` parameter is not supported on this db");
    if (options.partition)
        return Error(ErrorCode::not_implemented, "Listings of one partition are not served by this version.");
    return RowQuery{listing_reader(call, kind, std::move(options)), &call.services().engine_pool};
}

Task<Result<void>> serve_one(Call &call, ListingKind kind, const json::Object *body) {
    auto query = listing_query(call, kind, body, Precedence::query);
    if (!query.ok())
        co_return query.error();
    co_return co_await answer_rows(call, std::move(*query));
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
    auto bodies = read_queries(body->object());
    if (!bodies.ok())
        co_return bodies.error();
    std::vector<RowQuery> queries;
    for (const auto *one : *bodies) {
        auto query = listing_query(call, kind, one, Precedence::body);
        if (!query.ok())
            co_return query.error();
        queries.push_back(std::move(*query));
    }
    co_return co_await answer_row_sets(call, std::move(queries));
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
