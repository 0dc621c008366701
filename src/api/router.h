#pragma once

// The route table as data: what exists, who may call it, what serves it, how it is described.

#include "access/gate.h"
#include "api/call.h"

#include <span>
#include <string_view>
#include <vector>

namespace divan::api {

// The error that a handler returns is sent as CouchDB's error body, unless the response has begun:
// then the connection is dropped.
using Handler = Task<Result<void>> (*)(Call &);

// A query parameter, for the description.
struct ParameterInfo {
    std::string_view name;
    std::string_view type; // "boolean", "integer", "string", "json"
    std::string_view description;
};

struct Route {
    // One of GET, PUT, POST, DELETE, COPY; HEAD goes wherever GET does. kAnyMethod: every method that no
    // other route of the pattern takes; for paths that refuse, however they are asked.
    std::string_view method;
    // Segments are literals or {parameters}: "/{db}/_design/{ddoc}". A last {name...} takes the rest of the
    // path, with its slashes. Literals win over parameters.
    std::string_view pattern;
    access::Permission permission;
    Handler handler;
    std::string_view summary; // one sentence, for GET /_openapi
    std::vector<ParameterInfo> parameters = {};
};

inline constexpr std::string_view kAnyMethod = "ANY";

// The list of methods that a 405 shows, where CouchDB's differs from what the routes of the pattern say;
// empty = it does not.
[[nodiscard]] std::string_view couchdb_method_list(std::string_view pattern); // method_lists.cc

// Whether a route is part of the description of the API. Not those that are only there to refuse, however
// they are asked, and those that do not look at the {rest...} of a path: nobody should rely on them.
[[nodiscard]] inline bool is_described(const Route &route) {
    return route.method != kAnyMethod && !route.pattern.ends_with("{rest...}");
}

// Who may write a document under this pattern: design documents have a permission of their own.
[[nodiscard]] constexpr access::Permission writer_of(std::string_view pattern) {
    return pattern.starts_with("/{db}/_design/") ? access::Permission::database_designer
                                                 : access::Permission::database_writer;
}

// That the path parameter `node` names this node. Errors: not_found.
[[nodiscard]] Result<void> check_node(const Call &call); // node_routes.cc

// One function for each area; together they are all routes.
[[nodiscard]] std::vector<Route> server_routes();  // server_routes.cc: /, _up, _uuids, ...
[[nodiscard]] std::vector<Route> audit_routes();   // audit_routes.cc: _audit
[[nodiscard]] std::vector<Route> node_routes();    // node_routes.cc: _node/{node}/...
[[nodiscard]] std::vector<Route> session_routes(); // session_routes.cc
[[nodiscard]] std::vector<Route> totp_routes();    // totp_routes.cc: _session/_totp
[[nodiscard]] std::vector<Route> lockout_routes(); // lockout_routes.cc: _node/{node}/_lockouts
[[nodiscard]] std::vector<Route> access_routes();  // access_routes.cc: _access, _node/{node}/_security_report
[[nodiscard]] std::vector<Route> oidc_routes();    // oidc_routes.cc: _session/oidc/...
[[nodiscard]] std::vector<Route> saml_routes();    // saml_routes.cc: _session/saml/...
[[nodiscard]] std::vector<Route> cluster_routes(); // cluster_routes.cc: _membership, _reshard, _shards, ...
[[nodiscard]] std::vector<Route> replication_routes(); // replication_routes.cc: _replicate, _scheduler
[[nodiscard]] std::vector<Route> reserved_routes();    // reserved_routes.cc: known, but not served yet
[[nodiscard]] std::vector<Route> database_routes();    // database_routes.cc: /{db}, _security, _compact, ...
[[nodiscard]] std::vector<Route> listing_routes(); // listing_routes.cc: _all_docs, _design_docs, _local_docs
[[nodiscard]] std::vector<Route> view_routes();    // view_routes.cc: _view, _info, _view_cleanup
[[nodiscard]] std::vector<Route> find_routes();    // find_routes.cc: _find, _explain
[[nodiscard]] std::vector<Route> index_routes();   // index_routes.cc: _index
[[nodiscard]] std::vector<Route> list_routes();    // list_routes.cc: _list
[[nodiscard]] std::vector<Route> partition_routes();  // partition_routes.cc: _partition
[[nodiscard]] std::vector<Route> changes_routes();    // changes_routes.cc: _changes, _db_updates
[[nodiscard]] std::vector<Route> db_updates_routes(); // db_updates_routes.cc: _db_updates
[[nodiscard]] std::vector<Route> bulk_routes();     // bulk_routes.cc: _bulk_docs, _bulk_get, _revs_diff, ...
[[nodiscard]] std::vector<Route> document_routes(); // document_routes.cc: documents and _local documents
[[nodiscard]] std::vector<Route> attachment_routes(); // attachment_routes.cc
[[nodiscard]] std::vector<Route> show_routes();       // show_routes.cc
[[nodiscard]] std::vector<Route> update_routes();     // update_routes.cc
[[nodiscard]] std::vector<Route> rewrite_routes();    // rewrite_routes.cc

} // namespace divan::api
