#include "api/listing.h"
#include "api/query_handlers.h"
#include "api/router.h"

namespace divan::api {
namespace {

using access::Permission;

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

Task<Result<void>> get_all_docs(Call &call) {
    return get_listing<ListingKind::all_docs>(call);
}

Task<Result<void>> post_all_docs(Call &call) {
    return post_listing<ListingKind::all_docs>(call);
}

Task<Result<void>> post_all_docs_queries(Call &call) {
    return post_queries<ListingKind::all_docs>(call);
}

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
        {"update_seq", "boolean", "Adds the database's sequence."},
        {"partition", "string", "Only documents of this partition; keys are not bound by it."}};
    constexpr auto kReader = Permission::database_reader;
    return {
        {"GET", "/{db}/_all_docs", kReader, get_all_docs, "All documents by id.", parameters},
        {"POST", "/{db}/_all_docs", kReader, post_all_docs, "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_all_docs/queries", kReader, post_all_docs_queries, "Several listings at once."},
        {"GET", "/{db}/_design_docs", kReader, get_listing<ListingKind::design_docs>,
         "Design documents by id.", parameters},
        {"POST", "/{db}/_design_docs", kReader, post_listing<ListingKind::design_docs>,
         "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_design_docs/queries", kReader, post_queries<ListingKind::design_docs>,
         "Several listings at once."},
        {"GET", "/{db}/_local_docs", kReader, get_listing<ListingKind::local_docs>, "Local documents by id.",
         parameters},
        {"POST", "/{db}/_local_docs", kReader, post_listing<ListingKind::local_docs>,
         "As GET; parameters in the body.", parameters},
        {"POST", "/{db}/_local_docs/queries", kReader, post_queries<ListingKind::local_docs>,
         "Several listings at once."},
    };
}

} // namespace divan::api
