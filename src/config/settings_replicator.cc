// Replications.

#include "config/settings_tables.h"

namespace divan::config {
namespace {

constexpr Setting kSettings[] = {
    {"replicator", "max_jobs", Kind::integer, "500", 0, 1'000'000, kNone,
     "Replications that run at once; further ones get turns."},
    {"replicator", "interval", Kind::integer, "60000", 100, kDay, kNone,
     "How often running replications make room for waiting ones, in ms."},
    {"replicator", "max_churn", Kind::integer, "20", 0, 1'000'000, kNone,
     "How many of them make room each time."},
    {"replicator", "max_history", Kind::integer, "20", 2, 10'000, kNone,
     "Events of a job that `_scheduler/jobs` shows; the waits of a failing job double at most half as "
     "often."},
    {"replicator", "startup_jitter", Kind::integer, "5000", 0, kDay, kNone,
     "Jobs of documents start within up to so many ms of each other, when many of them run."},
    {"replicator", "health_threshold", Kind::integer, "120", 0, 86'400, kNone,
     "Earlier failures of a job count no more when it has run so long, in s."},
    {"replicator", "update_docs", Kind::boolean, "false", 0, 0, kNone,
     "Documents are also told `triggered` and `error`, and not only `completed` and `failed`."},
    {"replicator", "usage_coeff", Kind::decimal, "0.5", 0, 1, kNone,
     "What is remembered of the running time of a `_replicator` database after each interval."},
    {"replicator", "max_retries", Kind::integer, "0", 0, 1'000'000, kInfinityAllowed,
     "A job of a document that failed so often in a row fails for good. 0: never."},
    {"replicator", "retry_delay", Kind::integer, "30", 1, 86'400, kNone,
     "How long a job waits after its first failure, in s."},
    {"replicator", "backoff_factor", Kind::decimal, "2", 1, 100, kNone,
     "How much longer it waits after each further failure."},
    {"replicator", "max_delay", Kind::integer, "28800", 1, 8'640'000, kNone,
     "Longest wait of a failing job, in s."},
    {"replicator", "worker_processes", Kind::integer, "4", 1, 100, kNone,
     "Batches that a replication works on beside each other."},
    {"replicator", "worker_batch_size", Kind::integer, "500", 1, 100'000, kNone, "Documents of a batch."},
    {"replicator", "http_connections", Kind::integer, "20", 1, 1'000, kNone,
     "Connections of a replication to each of its remote ends."},
    {"replicator", "connection_timeout", Kind::integer, "30000", 100, kDay, kNone,
     "Longest wait for a remote end, in ms."},
    {"replicator", "retries_per_request", Kind::integer, "5", 0, 100, kNone,
     "How often a request is tried again before its replication fails."},
    {"replicator", "use_checkpoints", Kind::boolean, "true", 0, 0, kNone,
     "Replications go on where they ended; otherwise they begin anew."},
    {"replicator", "use_bulk_get", Kind::boolean, "true", 0, 0, kNone,
     "Documents are read from the source in batches."},
    {"replicator", "checkpoint_interval", Kind::integer, "30000", 100, kDay, kNone,
     "How often a replication writes its checkpoint, in ms."},
    {"replicator", "checkpoint_documents", Kind::integer, "0", 0, kAny, kNone,
     "And also after so many documents. 0: only by time."},
    {"replicator", "kilobytes_per_second", Kind::integer, "0", 0, kAny, kNone,
     "What a replication may send and receive, in kB a second. 0: no limit."},
    {"replicator", "kilobytes_per_second_total", Kind::integer, "0", 0, kAny, kNone,
     "The same for all replications of this server together."},
    {"replicator", "compression_level", Kind::integer, "1", 0, 9, kNone,
     "gzip level of what is sent to remote ends that take it; 0: none."},
    {"replicator", "encrypted_replication", Kind::boolean, "false", 0, 0, kNone,
     "Ends with http:// are refused unless they are on this machine; otherwise they are warned about."},
    {"replicator", "keep_alive_timeout", Kind::integer, "60", 1, 86'400, kNeedsRestart,
     "Life of an idle connection to a remote end, in s."},
    {"replicator", "connection_pooling", Kind::boolean, "true", 0, 0, kNeedsRestart,
     "Connections to remote ends are kept and shared between replications."},
    {"replicator", "idle_connections_max", Kind::integer, "256", 0, 100'000, kNeedsRestart,
     "How many of them are kept at once while nobody uses them."},
    {"replicator", "missing_doc_retry_msec", Kind::integer, "2000", 0, kDay, kNone,
     "How long to wait for a document that is in the feed of its source and cannot be read, in ms."},
    {"replicator", "max_document_id_length", Kind::integer, "infinity", 1, kAny, kInfinityAllowed,
     "Documents with longer ids are not replicated, in bytes."},
    {"replicator", "valid_endpoint_protocols", Kind::list, "http,https", 0, 0, kNone,
     "Protocols of remote ends."},
    {"replicator", "valid_proxy_protocols", Kind::list, "http", 0, 0, kNone,
     "Protocols of proxies; `http` is what there is."},
    {"replicator", "verify_ssl_certificates", Kind::boolean, "true", 0, 0, kNone,
     "Certificates of remote ends are verified."},
    {"replicator", "ssl_trusted_certificates_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the authorities that are trusted; empty: those of the system."},
    {"replicator", "ssl_certificate_max_depth", Kind::integer, "3", 0, 100, kNone,
     "Longest chain of certificates."},
    {"replicator", "cert_file", Kind::text, "", 0, 0, kNone,
     "PEM file of this server's certificate as a client."},
    {"replicator", "key_file", Kind::text, "", 0, 0, kNone, "PEM file of its key."},
    {"replicator", "password", Kind::text, "", 0, 0, kSecret, "Password of that key."},
};

} // namespace

std::span<const Setting> replicator_settings() {
    return kSettings;
}

} // namespace divan::config
