// One partition of a partitioned database: what it holds, its documents, its rows of views. find_routes.cc
// has its Mango queries.

#include "api/design_calls.h"
#include "api/partition_calls.h"
#include "api/query_handlers.h"
#include "db/partition.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::api {
namespace {

using access::Permission;

Task<Result<void>> get_partition(Call &call) {
    const auto &partition = call.path_parameter("partition");
    auto info = co_await call.on_engine([&] { return call.database->partition_info(partition); });
    if (!info.ok())
        co_return info.error();
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("db_name", std::string_view(call.database->name()));
    writer.raw("sizes",
               fmt::format(R"({{"active":{},"external":{}}})", info->active_bytes, info->external_bytes));
    writer.member("partition", std::string_view(partition));
    writer.member("doc_count", info->document_count).member("doc_del_count", info->deleted_count);
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> refuse_nameless(Call & /*call*/) {
    co_return Error(ErrorCode::bad_request, "invalid_partition_req");
}

Task<Result<void>> missing(Call & /*call*/) {
    co_return ErrorCode::not_found;
}

void add_listing_routes(std::vector<Route> &routes) {
    constexpr auto kReader = Permission::database_reader;
    constexpr const char *kAllDocs = "/{db}/_partition/{partition}/_all_docs";
    routes.push_back({"GET", kAllDocs, kReader, in_partition<get_all_docs>,
                      "The documents of a partition by id; parameters as of _all_docs."});
    routes.push_back(
        {"POST", kAllDocs, kReader, in_partition<post_all_docs>, "As GET; parameters in the body."});
    routes.push_back({"POST", "/{db}/_partition/{partition}/_all_docs/queries", kReader,
                      in_partition<post_all_docs_queries>, "Several listings at once."});
}

void add_view_routes(std::vector<Route> &routes) {
    constexpr auto kReader = Permission::database_reader;
    constexpr const char *kView = "/{db}/_partition/{partition}/_design/{ddoc}/_view/{view}";
    constexpr const char *kList = "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view}";
    constexpr const char *kListOfOther =
        "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}";
    constexpr const char *kPosted = "As GET; parameters in the body.";
    routes.push_back({"GET", kView, kReader, in_partition<get_view>,
                      "Rows of a view that come of one partition; parameters as of views."});
    routes.push_back({"POST", kView, kReader, in_partition<post_view>, kPosted});
    routes.push_back({"POST", "/{db}/_partition/{partition}/_design/{ddoc}/_view/{view}/queries", kReader,
                      in_partition<post_view_queries>, "Several queries of a view at once."});
    routes.push_back({"GET", kList, kReader, in_partition<get_list>,
                      "A view of one partition, rendered by a list function."});
    routes.push_back({"POST", kList, kReader, in_partition<post_list>, kPosted});
    routes.push_back({"GET", kListOfOther, kReader, in_partition<get_list>,
                      "A view of another design document, of one partition, rendered by a list function."});
    routes.push_back({"POST", kListOfOther, kReader, in_partition<post_list>, kPosted});
    for (const char *pattern : {kView, kList, kListOfOther})
        routes.push_back({kAnyMethod, pattern, kReader, in_partition<refused_design_method<kViewMethods>>,
                          "Refused: there is no such method."});
}

} // namespace

Result<std::string> require_partition(const Call &call) {
    if (!call.database->partitioned())
        return Error(ErrorCode::bad_request, "database is not partitioned");
    const auto &partition = call.path_parameter("partition");
    DIVAN_TRY_VOID(db::check_partition_name(partition));
    if (call.query.find("partition").value_or(partition) != partition)
        return Error(ErrorCode::bad_request, "Conflicting value for `partition` in query string");
    return partition;
}

std::vector<Route> partition_routes() {
    constexpr auto kReader = Permission::database_reader;
    std::vector<Route> routes = {
        {"GET", "/{db}/_partition/{partition}", kReader, get_partition,
         "How many documents a partition has, and how large it is."},
        {kAnyMethod, "/{db}/_partition", kReader, refuse_nameless, "Refused: no partition is named."},
        {kAnyMethod, "/{db}/_partition/{partition}/{rest...}", kReader, in_partition<missing>,
         "Refused: there is none."},
    };
    add_listing_routes(routes);
    add_view_routes(routes);
    return routes;
}

} // namespace divan::api
