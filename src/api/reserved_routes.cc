// Paths of CouchDB that Divan knows but does not serve yet. They are routes, so that none of them is taken
// for a database or a document, and a client learns that the feature is missing and not its data.

#include "api/engine_calls.h"
#include "api/partition_calls.h"
#include "api/router.h"

namespace divan::api {
namespace {

using access::Permission;

constexpr char kTextSearch[] = "Text search is not part of this version.";
constexpr char kTimeSequences[] = "The times of sequences are not kept in this version.";

template <const char *reason> Task<Result<void>> not_served_yet(Call & /*call*/) {
    co_return Error(ErrorCode::not_implemented, reason);
}

// As in CouchDB, the design document is looked for first, whatever the method.
Task<Result<void>> design_function(Call &call) {
    auto found = co_await require_document(call, "_design/" + call.path_parameter("ddoc"));
    if (!found.ok())
        co_return found.error();
    co_return Error(ErrorCode::not_implemented, "Views and design functions are not part of this version.");
}

void add_design_functions(std::vector<Route> &routes) {
    static constexpr std::string_view kPatterns[] = {
        "/{db}/_design/{ddoc}/_search/{rest...}",           "/{db}/_design/{ddoc}/_search_info/{rest...}",
        "/{db}/_design/{ddoc}/_search_disk_size/{rest...}", "/{db}/_design/{ddoc}/_nouveau/{rest...}",
        "/{db}/_design/{ddoc}/_nouveau_info/{rest...}",
    };
    for (auto pattern : kPatterns)
        routes.push_back({kAnyMethod, pattern, Permission::database_reader, design_function,
                          "Refused: not part of this version."});
    for (auto pattern : {"/{db}/_partition/{partition}/_design/{ddoc}/_search/{rest...}",
                         "/{db}/_partition/{partition}/_design/{ddoc}/_nouveau/{rest...}"})
        routes.push_back({kAnyMethod, pattern, Permission::database_reader, in_partition<design_function>,
                          "Refused: not part of this version."});
}

} // namespace

std::vector<Route> reserved_routes() {
    constexpr auto kAdmin = Permission::server_admin;
    constexpr const char *kSummary = "Refused: not part of this version.";
    std::vector<Route> routes = {
        {"GET", "/_search_analyze", kAdmin, not_served_yet<kTextSearch>, kSummary},
        {"POST", "/_search_analyze", kAdmin, not_served_yet<kTextSearch>, kSummary},
        {"POST", "/_nouveau_analyze", kAdmin, not_served_yet<kTextSearch>, kSummary},
        {"GET", "/{db}/_time_seq", Permission::database_reader, not_served_yet<kTimeSequences>, kSummary},
        {"DELETE", "/{db}/_time_seq", Permission::database_admin, not_served_yet<kTimeSequences>, kSummary},
    };
    add_design_functions(routes);
    return routes;
}

} // namespace divan::api
