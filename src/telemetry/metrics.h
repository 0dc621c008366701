#pragma once

// Counters and histograms under CouchDB's names, for `_stats` and `_prometheus`. Thread-safe; counting is
// one atomic addition.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace divan::telemetry {

// X(identifier, CouchDB's name, description)
#define DIVAN_COUNTERS(X)                                                                                    \
    X(requests, "couchdb.httpd.requests", "number of HTTP requests")                                         \
    X(bulk_requests, "couchdb.httpd.bulk_requests", "number of bulk requests")                               \
    X(aborted_requests, "couchdb.httpd.aborted_requests", "number of aborted requests")                      \
    X(clients_requesting_changes, "couchdb.httpd.clients_requesting_changes",                                \
      "number of clients for continuous _changes")                                                           \
    X(all_docs_timeouts, "couchdb.httpd.all_docs_timeouts", "number of HTTP all_docs timeouts")              \
    X(view_timeouts, "couchdb.httpd.view_timeouts", "number of HTTP view timeouts")                          \
    X(find_timeouts, "couchdb.httpd.find_timeouts", "number of HTTP find timeouts")                          \
    X(partition_all_docs_timeouts, "couchdb.httpd.partition_all_docs_timeouts",                              \
      "number of partition HTTP all_docs timeouts")                                                          \
    X(partition_view_timeouts, "couchdb.httpd.partition_view_timeouts",                                      \
      "number of partition HTTP view timeouts")                                                              \
    X(partition_find_timeouts, "couchdb.httpd.partition_find_timeouts",                                      \
      "number of partition HTTP find timeouts")                                                              \
    X(method_get, "couchdb.httpd_request_methods.GET", "number of HTTP GET requests")                        \
    X(method_put, "couchdb.httpd_request_methods.PUT", "number of HTTP PUT requests")                        \
    X(method_post, "couchdb.httpd_request_methods.POST", "number of HTTP POST requests")                     \
    X(method_delete, "couchdb.httpd_request_methods.DELETE", "number of HTTP DELETE requests")               \
    X(method_copy, "couchdb.httpd_request_methods.COPY", "number of HTTP COPY requests")                     \
    X(method_head, "couchdb.httpd_request_methods.HEAD", "number of HTTP HEAD requests")                     \
    X(method_options, "couchdb.httpd_request_methods.OPTIONS", "number of HTTP OPTIONS requests")            \
    X(status_200, "couchdb.httpd_status_codes.200", "number of HTTP 200 OK responses")                       \
    X(status_201, "couchdb.httpd_status_codes.201", "number of HTTP 201 Created responses")                  \
    X(status_202, "couchdb.httpd_status_codes.202", "number of HTTP 202 Accepted responses")                 \
    X(status_206, "couchdb.httpd_status_codes.206", "number of HTTP 206 Partial Content")                    \
    X(status_301, "couchdb.httpd_status_codes.301", "number of HTTP 301 responses")                          \
    X(status_302, "couchdb.httpd_status_codes.302", "number of HTTP 302 Found responses")                    \
    X(status_304, "couchdb.httpd_status_codes.304", "number of HTTP 304 Not Modified responses")             \
    X(status_400, "couchdb.httpd_status_codes.400", "number of HTTP 400 Bad Request responses")              \
    X(status_401, "couchdb.httpd_status_codes.401", "number of HTTP 401 Unauthorized responses")             \
    X(status_403, "couchdb.httpd_status_codes.403", "number of HTTP 403 Forbidden responses")                \
    X(status_404, "couchdb.httpd_status_codes.404", "number of HTTP 404 Not Found responses")                \
    X(status_405, "couchdb.httpd_status_codes.405", "number of HTTP 405 responses")                          \
    X(status_409, "couchdb.httpd_status_codes.409", "number of HTTP 409 Conflict responses")                 \
    X(status_412, "couchdb.httpd_status_codes.412", "number of HTTP 412 responses")                          \
    X(status_413, "couchdb.httpd_status_codes.413", "number of HTTP 413 responses")                          \
    X(status_415, "couchdb.httpd_status_codes.415", "number of HTTP 415 responses")                          \
    X(status_416, "couchdb.httpd_status_codes.416", "number of HTTP 416 responses")                          \
    X(status_500, "couchdb.httpd_status_codes.500", "number of HTTP 500 responses")                          \
    X(status_503, "couchdb.httpd_status_codes.503", "number of HTTP 503 responses")                          \
    X(database_reads, "couchdb.database_reads", "number of times a document was read from a database")       \
    X(document_writes, "couchdb.document_writes", "number of document write operations")                     \
    X(document_inserts, "couchdb.document_inserts", "number of documents inserted")                          \
    X(database_purges, "couchdb.database_purges", "number of times a database was purged")                   \
    X(mango_unindexed_queries, "mango.unindexed_queries",                                                    \
      "number of mango queries that could not use an index")                                                 \
    X(mango_query_invalid_index, "mango.query_invalid_index",                                                \
      "number of mango queries that generated an invalid index warning")                                     \
    X(mango_too_many_docs_scanned, "mango.too_many_docs_scanned",                                            \
      "number of mango queries that generated an index scan warning")                                        \
    X(mango_docs_examined, "mango.docs_examined",                                                            \
      "number of documents examined by mango queries coordinated by this node")                              \
    X(mango_keys_examined, "mango.keys_examined",                                                            \
      "number of keys examined by mango queries coordinated by this node")                                   \
    X(mango_results_returned, "mango.results_returned", "number of rows returned by mango queries")          \
    X(replicator_requests, "couch_replicator.requests", "number of HTTP requests made by the replicator")    \
    X(replicator_responses_success, "couch_replicator.responses.success",                                    \
      "number of successful HTTP responses received by the replicator")                                      \
    X(replicator_responses_failure, "couch_replicator.responses.failure",                                    \
      "number of failed HTTP responses received by the replicator")                                          \
    X(replicator_changes_read_failures, "couch_replicator.changes_read_failures",                            \
      "number of failed replicator changes read failures")                                                   \
    X(replicator_checkpoints_success, "couch_replicator.checkpoints.success",                                \
      "number of checkpoints successfully saves")                                                            \
    X(replicator_checkpoints_failure, "couch_replicator.checkpoints.failure",                                \
      "number of failed checkpoint saves")                                                                   \
    X(replicator_missing_checked, "divan.replicator.missing_checked",                                        \
      "number of revisions that replications have asked targets for")                                        \
    X(replicator_missing_found, "divan.replicator.missing_found",                                            \
      "number of revisions that targets of replications have not had")                                       \
    X(replicator_docs_read, "divan.replicator.docs_read", "number of documents that replications have read") \
    X(replicator_docs_written, "divan.replicator.docs_written",                                              \
      "number of documents that replications have written")                                                  \
    X(replicator_doc_write_failures, "divan.replicator.doc_write_failures",                                  \
      "number of documents that targets of replications have refused")                                       \
    X(replicator_bytes_in, "divan.replicator.bytes_in", "bytes of bodies that replications have received")   \
    X(replicator_bytes_out, "divan.replicator.bytes_out", "bytes of bodies that replications have sent")     \
    X(replicator_retries, "divan.replicator.retries", "number of requests of replications tried again")      \
    X(replicator_throttled, "divan.replicator.throttled", "number of requests of replications answered 429") \
    X(replicator_db_scans, "couch_replicator.db_scans",                                                      \
      "number of times replicator db scans have been started")                                               \
    X(replicator_dbs_found, "couch_replicator.docs.dbs_found",                                               \
      "number of db shard found by replicator doc processor")                                                \
    X(replicator_dbs_deleted, "couch_replicator.docs.dbs_deleted",                                           \
      "number of db shard deletions seen by replicator doc processor")                                       \
    X(replicator_db_changes, "couch_replicator.docs.db_changes",                                             \
      "number of db changes processed by replicator doc processor")                                          \
    X(replicator_docs_failed, "couch_replicator.docs.failed_state_updates",                                  \
      "number of 'failed' state document updates")                                                           \
    X(replicator_docs_completed, "couch_replicator.docs.completed_state_updates",                            \
      "number of 'completed' state document updates")                                                        \
    X(replicator_jobs_adds, "couch_replicator.jobs.adds", "number of jobs added to replicator scheduler")    \
    X(replicator_jobs_duplicate_adds, "couch_replicator.jobs.duplicate_adds",                                \
      "number of duplicate jobs added to replicator scheduler")                                              \
    X(replicator_jobs_removes, "couch_replicator.jobs.removes",                                              \
      "number of jobs removed from replicator scheduler")                                                    \
    X(replicator_jobs_starts, "couch_replicator.jobs.starts",                                                \
      "number of jobs started by replicator scheduler")                                                      \
    X(replicator_jobs_stops, "couch_replicator.jobs.stops",                                                  \
      "number of jobs stopped by replicator scheduler")                                                      \
    X(replicator_jobs_crashes, "couch_replicator.jobs.crashes",                                              \
      "number of job crashed noticed by replicator scheduler")                                               \
    X(tls_connections, "divan.net.tls_connections", "number of TLS connections whose handshake succeeded")   \
    X(tls_handshakes_failed, "divan.net.tls_handshakes_failed", "number of TLS handshakes that failed")      \
    X(connections_refused, "divan.net.connections_refused",                                                  \
      "number of connections closed because of ip_allow, ip_deny or connections_per_address_max")            \
    X(certificates_loaded, "divan.net.certificates_loaded",                                                  \
      "number of times the certificate of the HTTPS listener was read")                                      \
    X(oidc_logins, "divan.oidc.logins", "number of logins at the OpenID provider that succeeded")            \
    X(oidc_logins_failed, "divan.oidc.logins_failed", "number of logins at the OpenID provider that failed") \
    X(saml_logins, "divan.saml.logins", "number of logins at the SAML provider that succeeded")              \
    X(saml_logins_failed, "divan.saml.logins_failed", "number of logins at the SAML provider that failed")   \
    X(audit_records, "divan.audit.records", "number of records that the audit log has taken")                \
    X(audit_dropped, "divan.audit.dropped",                                                                  \
      "number of records that the audit log has lost because its queue was full or could not be written")    \
    X(audit_anchors, "divan.audit.anchors", "number of times the head of the audit log was anchored")        \
    X(audit_anchor_failures, "divan.audit.anchor_failures",                                                  \
      "number of times the head of the audit log could not be anchored")                                     \
    X(anomaly_events, "divan.anomaly.events", "number of anomalies that were found")                         \
    X(anomaly_dropped, "divan.anomaly.dropped",                                                              \
      "number of logins, refusals and reads that were not looked at because the queue was full")             \
    X(anomaly_action_failures, "divan.anomaly.action_failures",                                              \
      "number of actions on anomalies that could not be done")                                               \
    X(anomaly_refused_requests, "divan.anomaly.refused_requests",                                            \
      "number of requests that were refused because their address was blocked")                              \
    X(auth_cache_hits, "couchdb.auth_cache_hits", "number of authentication cache hits")                     \
    X(auth_cache_misses, "couchdb.auth_cache_misses", "number of authentication cache misses")

enum class Metric : std::uint8_t {
#define DIVAN_COUNTER_ENUM(identifier, name, description) identifier,
    DIVAN_COUNTERS(DIVAN_COUNTER_ENUM)
#undef DIVAN_COUNTER_ENUM
        kCount,
};

// Values in milliseconds, in buckets that grow by a quarter: quantiles are right to about 12 %.
class Histogram {
  public:
    void add(double value);

    struct Summary {
        std::uint64_t count = 0;
        double min = 0, max = 0, mean = 0, geometric_mean = 0, harmonic_mean = 0, variance = 0, sum = 0;
        double p50 = 0, p75 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0;
    };
    [[nodiscard]] Summary summary() const;

  private:
    static constexpr std::size_t kBuckets = 96;
    [[nodiscard]] static std::size_t bucket_of(double value);
    [[nodiscard]] static double value_of(std::size_t bucket);
    std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

class Registry {
  public:
    void count(Metric metric, std::int64_t by = 1) {
        counters_[static_cast<std::size_t>(metric)].fetch_add(by, std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t value(Metric metric) const {
        return counters_[static_cast<std::size_t>(metric)].load(std::memory_order_relaxed);
    }
    void count_request(std::string_view method, int status, std::chrono::nanoseconds took);

    // Current values that somebody else keeps.
    struct Gauges {
        std::int64_t open_databases = 0;
        std::int64_t uptime_seconds = 0;
        std::int64_t memory_bytes = 0;
        // Jobs of the replicator.
        std::int64_t replicator_running = 0;
        std::int64_t replicator_pending = 0;
        std::int64_t replicator_crashed = 0;
        std::int64_t replicator_total = 0;
        std::int64_t replicator_changes_pending = 0;
        std::int64_t replicator_behind_seconds = 0;
        std::string node_name;
    };
    // CouchDB's `_stats`: nested by the dots of the names; each leaf {value, type, desc}.
    [[nodiscard]] std::string stats_json(const Gauges &gauges) const;
    // The text format of Prometheus, names as CouchDB's.
    [[nodiscard]] std::string prometheus_text(const Gauges &gauges) const;

    Histogram request_time;
    Histogram mango_query_time;

  private:
    std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(Metric::kCount)> counters_{};
};

} // namespace divan::telemetry
