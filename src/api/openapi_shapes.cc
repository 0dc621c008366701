#include "api/openapi_shapes.h"

#include <algorithm>

namespace divan::api {
namespace {

constexpr std::string_view kDocumentBodies = "Document, multipart/related";
constexpr std::string_view kDocumentAnswers = "200 Document, 200 multipart/related, 200 multipart/mixed, 304";
constexpr std::string_view kWritten = "200 Written, 201 Written, 202 Written";
constexpr std::string_view kAttachmentAnswers = "200 */*, 206 */*, 304";

constexpr Shape kShapes[] = {
    {"GET", "/", "", "200 Welcome"},
    {"GET", "/_up", "", "200 Up"},
    {"GET", "/favicon.ico", "", "204"},
    {"GET", "/_utils", "", "200 text/html"},
    {"GET", "/_uuids", "", "200 Uuids"},
    {"GET", "/_all_dbs", "", "200 Names"},
    {"GET", "/_dbs_info", "", "200 DatabaseInfos"},
    {"POST", "/_dbs_info", "Keys", "200 DatabaseInfos"},
    {"GET", "/_active_tasks", "", "200 ActiveTasks"},
    {"GET", "/_membership", "", "200 Membership"},
    {"GET", "/_cluster_setup", "", "200 ClusterState"},
    {"POST", "/_cluster_setup", "Object", "201 Ok"},
    {"POST", "/_reload_query_servers", "", "200 Ok"},
    {"GET", "/_openapi", "", "200 Object"},
    {"GET", "/_db_updates", "", "200 DatabaseUpdates, 200 text/event-stream"},

    {"GET", "/_reshard", "", "200 Object"},
    {"GET", "/_reshard/state", "", "200 Object"},
    {"GET", "/_reshard/jobs", "", "200 Object"},
    {"GET", "/_scheduler/jobs", "", "200 Object"},
    {"GET", "/_scheduler/docs", "", "200 Object"},
    {"GET", "/_scheduler/docs/{replicator_db}", "", "200 Object"},

    {"GET", "/_session", "", "200 Session"},
    {"POST", "/_session", "Login, application/x-www-form-urlencoded Login", "200 LoggedIn, 302 LoggedIn"},
    {"DELETE", "/_session", "", "200 Ok, 302 Ok"},

    {"GET", "/_node/{node}", "", "200 Node"},
    {"GET", "/_node/{node}/_stats", "", "200 Object"},
    {"GET", "/_node/{node}/_stats/{path...}", "", "200 Any"},
    {"GET", "/_node/{node}/_prometheus", "", "200 text/plain"},
    {"GET", "/_node/{node}/_system", "", "200 System"},
    {"GET", "/_node/{node}/_versions", "", "200 Object"},
    {"GET", "/_node/{node}/_smoosh/status", "", "200 Object"},
    {"POST", "/_node/{node}/_restart", "", "200 Ok"},
    {"POST", "/_node/{node}/_config/_reload", "", "200 Ok"},
    {"GET", "/_node/{node}/_config", "", "200 ConfigSections"},
    {"GET", "/_node/{node}/_config/{section}", "", "200 ConfigSection"},
    {"GET", "/_node/{node}/_config/{section}/{key}", "", "200 Text"},
    {"PUT", "/_node/{node}/_config/{section}/{key}", "Text", "200 Text"},
    {"DELETE", "/_node/{node}/_config/{section}/{key}", "", "200 Text"},

    {"PUT", "/{db}", "", "201 Ok"},
    {"GET", "/{db}", "", "200 DatabaseInfo"},
    {"DELETE", "/{db}", "", "200 Ok"},
    {"POST", "/{db}", "Document", "201 Written, 202 Written"},
    {"GET", "/{db}/_security", "", "200 Object"},
    {"PUT", "/{db}/_security", "Object", "200 Ok"},
    {"GET", "/{db}/_revs_limit", "", "200 Count"},
    {"PUT", "/{db}/_revs_limit", "Count", "200 Ok"},
    {"GET", "/{db}/_purged_infos_limit", "", "200 Count"},
    {"PUT", "/{db}/_purged_infos_limit", "Count", "200 Ok"},
    {"POST", "/{db}/_purge", "RevisionsById", "201 Purged"},
    {"GET", "/{db}/_purged_infos", "", "200 PurgedInfos"},
    {"GET", "/{db}/_auto_purge", "", "200 Object"},
    {"PUT", "/{db}/_auto_purge", "Object", "201 Ok"},
    {"POST", "/{db}/_compact", "Any", "202 Ok"},
    {"POST", "/{db}/_compact/{ddoc}", "Any", "202 Ok"},
    {"POST", "/{db}/_view_cleanup", "Any", "202 Ok"},
    {"POST", "/{db}/_search_cleanup", "Any", "202 Ok"},
    {"POST", "/{db}/_nouveau_cleanup", "Any", "202 Ok"},
    {"POST", "/{db}/_ensure_full_commit", "Any", "201 FullCommit"},
    {"GET", "/{db}/_shards", "", "200 Shards"},
    {"GET", "/{db}/_shards/{docid}", "", "200 ShardOfDocument"},
    {"POST", "/{db}/_sync_shards", "Any", "202 Ok"},

    {"GET", "/{db}/_all_docs", "", "200 Listing, 304"},
    {"POST", "/{db}/_all_docs", "ListingQuery", "200 Listing"},
    {"POST", "/{db}/_all_docs/queries", "ListingQueries", "200 Listings"},
    {"GET", "/{db}/_design_docs", "", "200 Listing, 304"},
    {"POST", "/{db}/_design_docs", "ListingQuery", "200 Listing"},
    {"POST", "/{db}/_design_docs/queries", "ListingQueries", "200 Listings"},
    {"GET", "/{db}/_local_docs", "", "200 Listing"},
    {"POST", "/{db}/_local_docs", "ListingQuery", "200 Listing"},
    {"POST", "/{db}/_local_docs/queries", "ListingQueries", "200 Listings"},
    {"GET", "/{db}/_design/{ddoc}/_view/{view}", "", "200 ViewRows"},
    {"POST", "/{db}/_design/{ddoc}/_view/{view}", "ListingQuery", "200 ViewRows"},
    {"POST", "/{db}/_design/{ddoc}/_view/{view}/queries", "ListingQueries", "200 ViewResults"},
    {"GET", "/{db}/_design/{ddoc}/_info", "", "200 ViewInfo"},
    {"GET", "/{db}/_design/{ddoc}/_list/{function}/{view}", "", "200 */*"},
    {"POST", "/{db}/_design/{ddoc}/_list/{function}/{view}", "ListingQuery", "200 */*"},
    {"GET", "/{db}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}", "", "200 */*"},
    {"POST", "/{db}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}", "ListingQuery", "200 */*"},
    {"GET", "/{db}/_partition/{partition}", "", "200 PartitionInfo"},
    {"GET", "/{db}/_partition/{partition}/_all_docs", "", "200 Listing"},
    {"POST", "/{db}/_partition/{partition}/_all_docs", "ListingQuery", "200 Listing"},
    {"POST", "/{db}/_partition/{partition}/_all_docs/queries", "ListingQueries", "200 Listings"},
    {"GET", "/{db}/_partition/{partition}/_design/{ddoc}/_view/{view}", "", "200 ViewRows"},
    {"POST", "/{db}/_partition/{partition}/_design/{ddoc}/_view/{view}", "ListingQuery", "200 ViewRows"},
    {"POST", "/{db}/_partition/{partition}/_design/{ddoc}/_view/{view}/queries", "ListingQueries",
     "200 ViewResults"},
    {"GET", "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view}", "", "200 */*"},
    {"POST", "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view}", "ListingQuery",
     "200 */*"},
    {"GET", "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}", "", "200 */*"},
    {"POST", "/{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}",
     "ListingQuery", "200 */*"},
    {"GET", "/{db}/_changes", "", "200 Changes, 200 text/event-stream, 304"},
    {"POST", "/{db}/_changes", "Object", "200 Changes, 200 text/event-stream"},
    {"GET", "/{db}/_changes/{rest...}", "", "200 Changes, 200 text/event-stream, 304"},
    {"POST", "/{db}/_changes/{rest...}", "Object", "200 Changes, 200 text/event-stream"},

    {"POST", "/{db}/_bulk_docs", "BulkDocuments", "201 BulkWritten, 202 BulkWritten"},
    {"POST", "/{db}/_bulk_get", "BulkGet", "200 BulkGot, 200 multipart/mixed, 200 multipart/related"},
    {"POST", "/{db}/_revs_diff", "RevisionsById", "200 RevisionsDiff"},
    {"POST", "/{db}/_missing_revs", "RevisionsById", "200 MissingRevisions"},

    {"GET", "/{db}/{docid}", "", kDocumentAnswers},
    {"PUT", "/{db}/{docid}", kDocumentBodies, kWritten},
    {"DELETE", "/{db}/{docid}", "", "200 Written, 202 Written"},
    {"POST", "/{db}/{docid}", "multipart/form-data", kWritten},
    {"COPY", "/{db}/{docid}", "", kWritten},
    {"GET", "/{db}/_design/{ddoc}", "", kDocumentAnswers},
    {"PUT", "/{db}/_design/{ddoc}", kDocumentBodies, kWritten},
    {"DELETE", "/{db}/_design/{ddoc}", "", "200 Written, 202 Written"},
    {"POST", "/{db}/_design/{ddoc}", "multipart/form-data", kWritten},
    {"COPY", "/{db}/_design/{ddoc}", "", kWritten},
    {"GET", "/{db}/_local/{localid}", "", "200 Document, 304"},
    {"PUT", "/{db}/_local/{localid}", "Document", "201 Written"},
    {"DELETE", "/{db}/_local/{localid}", "", "200 Written"},
    {"COPY", "/{db}/_local/{localid}", "", "201 Written"},

    {"GET", "/{db}/_design/{ddoc}/_show/{function}", "", "200 */*, 304"},
    {"POST", "/{db}/_design/{ddoc}/_show/{function}", "*/*", "200 */*, 304"},
    {"PUT", "/{db}/_design/{ddoc}/_show/{function}", "*/*", "200 */*, 304"},
    {"DELETE", "/{db}/_design/{ddoc}/_show/{function}", "", "200 */*, 304"},
    {"GET", "/{db}/_design/{ddoc}/_show/{function}/{docid...}", "", "200 */*, 304"},
    {"POST", "/{db}/_design/{ddoc}/_show/{function}/{docid...}", "*/*", "200 */*, 304"},
    {"PUT", "/{db}/_design/{ddoc}/_show/{function}/{docid...}", "*/*", "200 */*, 304"},
    {"DELETE", "/{db}/_design/{ddoc}/_show/{function}/{docid...}", "", "200 */*, 304"},
    {"POST", "/{db}/_design/{ddoc}/_update/{function}", "*/*", "200 */*, 201 */*, 202 */*"},
    {"PUT", "/{db}/_design/{ddoc}/_update/{function}", "*/*", "200 */*, 201 */*, 202 */*"},
    {"DELETE", "/{db}/_design/{ddoc}/_update/{function}", "", "200 */*, 201 */*, 202 */*"},
    {"POST", "/{db}/_design/{ddoc}/_update/{function}/{docid...}", "*/*", "200 */*, 201 */*, 202 */*"},
    {"PUT", "/{db}/_design/{ddoc}/_update/{function}/{docid...}", "*/*", "200 */*, 201 */*, 202 */*"},
    {"DELETE", "/{db}/_design/{ddoc}/_update/{function}/{docid...}", "", "200 */*, 201 */*, 202 */*"},

    {"GET", "/{db}/{docid}/{attname...}", "", kAttachmentAnswers},
    {"PUT", "/{db}/{docid}/{attname...}", "*/*", "201 Written, 202 Written"},
    {"DELETE", "/{db}/{docid}/{attname...}", "", "200 Written, 202 Written"},
    {"GET", "/{db}/_design/{ddoc}/{attname...}", "", kAttachmentAnswers},
    {"PUT", "/{db}/_design/{ddoc}/{attname...}", "*/*", "201 Written, 202 Written"},
    {"DELETE", "/{db}/_design/{ddoc}/{attname...}", "", "200 Written, 202 Written"},
};

constexpr std::string_view kSchemas = R"({
"Any":{},
"Object":{"type":"object"},
"Text":{"type":"string"},
"Count":{"type":"integer","minimum":0},
"Names":{"type":"array","items":{"type":"string"}},
"Keys":{"type":"object","required":["keys"],"properties":{"keys":{"$ref":"#/components/schemas/Names"}}},
"Error":{"type":"object","required":["error","reason"],"properties":{"error":{"type":"string","description":"CouchDB's word for the kind of failure; programs decide by it."},"reason":{"type":"string","description":"What is wrong, and what to do."}}},
"Ok":{"type":"object","required":["ok"],"properties":{"ok":{"const":true}}},
"Written":{"type":"object","required":["ok","id","rev"],"properties":{"ok":{"const":true},"id":{"type":"string"},"rev":{"type":"string"}}},
"Welcome":{"type":"object","required":["couchdb","version","uuid","features","vendor"],"properties":{"couchdb":{"const":"Welcome"},"version":{"type":"string","description":"The version of CouchDB whose API is spoken."},"git_sha":{"type":"string"},"uuid":{"type":"string"},"features":{"$ref":"#/components/schemas/Names"},"vendor":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"version":{"type":"string"}}}}},
"Up":{"type":"object","required":["status"],"properties":{"status":{"type":"string"}}},
"Uuids":{"type":"object","required":["uuids"],"properties":{"uuids":{"$ref":"#/components/schemas/Names"}}},
"Membership":{"type":"object","required":["all_nodes","cluster_nodes"],"properties":{"all_nodes":{"$ref":"#/components/schemas/Names"},"cluster_nodes":{"$ref":"#/components/schemas/Names"}}},
"ClusterState":{"type":"object","required":["state"],"properties":{"state":{"type":"string"}}},
"ActiveTasks":{"type":"array","items":{"type":"object","required":["type","node","pid"],"properties":{"type":{"type":"string"},"database":{"type":"string"},"design_document":{"type":"string"},"progress":{"type":"integer"}}}},
"DatabaseUpdates":{"type":"object","required":["results","last_seq"],"properties":{"results":{"type":"array","items":{"type":"object","required":["db_name","type","seq"],"properties":{"db_name":{"type":"string"},"type":{"enum":["created","updated","deleted"]},"seq":{"type":"string"}}}},"last_seq":{"type":"string"}}},
"Login":{"type":"object","required":["name","password"],"properties":{"name":{"type":"string"},"password":{"type":"string"}}},
"LoggedIn":{"type":"object","required":["ok","name","roles"],"properties":{"ok":{"const":true},"name":{"type":["string","null"]},"roles":{"$ref":"#/components/schemas/Names"}}},
"Session":{"type":"object","required":["ok","userCtx","info"],"properties":{"ok":{"const":true},"userCtx":{"type":"object","required":["name","roles"],"properties":{"name":{"type":["string","null"]},"roles":{"$ref":"#/components/schemas/Names"}}},"info":{"type":"object"}}},
"Node":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}},
"System":{"type":"object","required":["uptime","memory"],"properties":{"uptime":{"type":"integer"},"memory":{"type":"object"}}},
"ConfigSection":{"type":"object","additionalProperties":{"type":"string"}},
"ConfigSections":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/ConfigSection"}},
"DatabaseInfo":{"type":"object","required":["db_name","doc_count","doc_del_count","update_seq","purge_seq","sizes","cluster","compact_running","instance_start_time","props"],"properties":{"db_name":{"type":"string"},"doc_count":{"type":"integer"},"doc_del_count":{"type":"integer"},"update_seq":{"type":"string"},"purge_seq":{"type":["string","integer"]},"sizes":{"type":"object","required":["file","active","external"],"properties":{"file":{"type":"integer"},"active":{"type":"integer"},"external":{"type":"integer"}}},"cluster":{"type":"object"},"compact_running":{"type":"boolean"},"instance_start_time":{"type":"string"},"props":{"type":"object"},"disk_format_version":{"type":"integer"}}},
"DatabaseInfos":{"type":"array","items":{"type":"object","required":["key"],"properties":{"key":{"type":"string"},"info":{"$ref":"#/components/schemas/DatabaseInfo"},"error":{"type":"string"}}}},
"PartitionInfo":{"type":"object","required":["db_name","sizes","partition","doc_count","doc_del_count"],"properties":{"db_name":{"type":"string"},"sizes":{"type":"object","required":["active","external"],"properties":{"active":{"type":"integer"},"external":{"type":"integer"}}},"partition":{"type":"string"},"doc_count":{"type":"integer"},"doc_del_count":{"type":"integer"}}},
"RevisionsById":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/Names"}},
"Purged":{"type":"object","required":["purged"],"properties":{"purge_seq":{"type":["string","integer","null"]},"purged":{"$ref":"#/components/schemas/RevisionsById"}}},
"PurgedInfos":{"type":"object","required":["purged_infos"],"properties":{"purged_infos":{"type":"array","items":{"type":"object","required":["id","revs"],"properties":{"id":{"type":"string"},"revs":{"$ref":"#/components/schemas/Names"}}}}}},
"FullCommit":{"type":"object","required":["ok","instance_start_time"],"properties":{"ok":{"const":true},"instance_start_time":{"type":"string"}}},
"Shards":{"type":"object","required":["shards"],"properties":{"shards":{"$ref":"#/components/schemas/RevisionsById"}}},
"ShardOfDocument":{"type":"object","required":["range","nodes"],"properties":{"range":{"type":"string"},"nodes":{"$ref":"#/components/schemas/Names"}}},
"Document":{"type":"object","description":"Any object; members whose names begin with an underscore are CouchDB's.","properties":{"_id":{"type":"string"},"_rev":{"type":"string"},"_deleted":{"type":"boolean"},"_attachments":{"type":"object","additionalProperties":{"type":"object"}},"_revisions":{"type":"object"}}},
"Listing":{"type":"object","required":["rows"],"properties":{"total_rows":{"type":["integer","null"]},"offset":{"type":["integer","null"]},"update_seq":{"type":["string","null"]},"rows":{"type":"array","items":{"type":"object","required":["key"],"properties":{"id":{"type":"string"},"key":{},"value":{"type":["object","null"]},"doc":{"type":["object","null"]},"error":{"type":"string"}}}}}},
"Listings":{"type":"object","required":["results"],"properties":{"results":{"type":"array","items":{"$ref":"#/components/schemas/Listing"}}}},
"ViewRows":{"type":"object","required":["rows"],"properties":{"total_rows":{"type":"integer"},"offset":{"type":"integer"},"update_seq":{"type":"string"},"rows":{"type":"array","items":{"type":"object","required":["key"],"properties":{"id":{"type":"string"},"key":{},"value":{},"doc":{"type":["object","null"]},"error":{"type":"string"},"reason":{"type":"string"}}}}}},
"ViewResults":{"type":"object","required":["results"],"properties":{"results":{"type":"array","items":{"$ref":"#/components/schemas/ViewRows"}}}},
"ViewInfo":{"type":"object","required":["name","view_index"],"properties":{"name":{"type":"string"},"warnings":{"type":"array","description":"What is likely to be a mistake in the views; not in CouchDB.","items":{"type":"object","required":["view","warning"]}},"view_index":{"type":"object","required":["updates_pending","waiting_commit","waiting_clients","updater_running","update_seq","sizes","signature","purge_seq","language","compact_running","collator_versions"],"properties":{"updates_pending":{"type":"object","required":["minimum","preferred","total"]},"waiting_commit":{"type":"boolean"},"waiting_clients":{"type":"integer"},"updater_running":{"type":"boolean"},"update_seq":{"type":"integer"},"sizes":{"type":"object","required":["file","external","active"]},"signature":{"type":"string"},"purge_seq":{"type":"integer"},"language":{"type":"string"},"compact_running":{"type":"boolean"},"collator_versions":{"$ref":"#/components/schemas/Names"}}}}},
"ListingQuery":{"type":"object","description":"The parameters of GET as members.","properties":{"keys":{"type":"array"}}},
"ListingQueries":{"type":"object","required":["queries"],"properties":{"queries":{"type":"array","items":{"$ref":"#/components/schemas/ListingQuery"}}}},
"Changes":{"type":"object","description":"feed=continuous answers the rows alone, one a line.","required":["results","last_seq","pending"],"properties":{"results":{"type":"array","items":{"type":"object","required":["seq","id","changes"],"properties":{"seq":{"type":["string","null"]},"id":{"type":"string"},"changes":{"type":"array","items":{"type":"object","required":["rev"],"properties":{"rev":{"type":"string"}}}},"deleted":{"const":true},"doc":{"type":["object","null"]}}}},"last_seq":{"type":"string"},"pending":{"type":"integer"}}},
"BulkDocuments":{"type":"object","required":["docs"],"properties":{"docs":{"type":"array","items":{"$ref":"#/components/schemas/Document"}},"new_edits":{"type":"boolean"}}},
"BulkWritten":{"type":"array","items":{"type":"object","properties":{"ok":{"const":true},"id":{"type":"string"},"rev":{"type":"string"},"error":{"type":"string"},"reason":{"type":"string"}}}},
"BulkGet":{"type":"object","required":["docs"],"properties":{"docs":{"type":"array","items":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"rev":{"type":"string"}}}}}},
"BulkGot":{"type":"object","required":["results"],"properties":{"results":{"type":"array","items":{"type":"object","required":["id","docs"],"properties":{"id":{"type":"string"},"docs":{"type":"array","items":{"type":"object","properties":{"ok":{"$ref":"#/components/schemas/Document"},"error":{"type":"object"}}}}}}}}},
"RevisionsDiff":{"type":"object","additionalProperties":{"type":"object","required":["missing"],"properties":{"missing":{"$ref":"#/components/schemas/Names"},"possible_ancestors":{"$ref":"#/components/schemas/Names"}}}},
"MissingRevisions":{"type":"object","required":["missing_revs"],"properties":{"missing_revs":{"$ref":"#/components/schemas/RevisionsById"}}}
})";

} // namespace

std::span<const Shape> all_shapes() {
    return kShapes;
}

const Shape *find_shape(std::string_view method, std::string_view pattern) {
    const auto *found = std::find_if(std::begin(kShapes), std::end(kShapes), [&](const Shape &shape) {
        return shape.method == method && shape.pattern == pattern;
    });
    return found == std::end(kShapes) ? nullptr : found;
}

std::string_view openapi_schemas() {
    return kSchemas;
}

} // namespace divan::api
