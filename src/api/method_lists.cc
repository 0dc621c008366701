#include "api/router.h"

namespace divan::api {
namespace {

struct MethodList {
    std::string_view pattern;
    std::string_view methods;
};

// CouchDB takes HEAD wherever it takes GET, as Divan does, but names it only here and there, and in the
// order in which its source has them (send_method_not_allowed). Creating a database is no method of it.
constexpr MethodList kLists[] = {
    {"/_uuids", "GET"},
    {"/_membership", "GET"},
    {"/_db_updates", "GET"},
    {"/_cluster_setup", "GET,POST"},
    {"/_node/{node}/_stats", "GET"},
    {"/_node/{node}/_prometheus", "GET"},
    {"/_node/{node}/_system", "GET"},
    {"/_node/{node}/_versions", "GET"},
    {"/_node/{node}/_smoosh/status", "GET"},
    {"/_node/{node}/_config", "GET"},
    {"/_node/{node}/_config/{section}", "GET"},
    {"/_node/{node}/_config/{section}/{key}", "GET,PUT,DELETE"},
    {"/{db}", "DELETE,GET,HEAD,POST"},
    {"/{db}/_changes", "GET,POST,HEAD"},
    {"/{db}/_security", "PUT,GET"},
    {"/{db}/_revs_limit", "PUT,GET"},
    {"/{db}/_purged_infos", "GET"},
    {"/{db}/_purged_infos_limit", "GET,PUT"},
    {"/{db}/_auto_purge", "GET,PUT,HEAD"},
    {"/{db}/_time_seq", "GET,DELETE"},
    {"/{db}/_shards", "GET"},
    {"/{db}/_shards/{docid}", "GET"},
    {"/{db}/_index", "GET,POST"},
    {"/{db}/_partition/{partition}", "GET"},
};

} // namespace

std::string_view couchdb_method_list(std::string_view pattern) {
    for (const auto &list : kLists)
        if (list.pattern == pattern)
            return list.methods;
    return {};
}

} // namespace divan::api
