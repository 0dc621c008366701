// Settings of earlier versions of CouchDB, and those that have no effect here.

#include "config/settings_tables.h"

namespace divan::config {
namespace {

constexpr Alias kAliases[] = {
    {"httpd", "", "chttpd"},
    {"couch_httpd_auth", "require_valid_user", "chttpd"},
    {"chttpd_auth", "require_valid_user", "chttpd"},
    {"couch_httpd_auth", "require_valid_user_except_for_up", "chttpd"},
    {"chttpd_auth", "require_valid_user_except_for_up", "chttpd"},
    {"couch_httpd_auth", "", "chttpd_auth"},
    {"authentication", "session_timeout", "chttpd_auth", "timeout"},
    {"csp", "enable", "csp", "utils_enable"},
    {"csp", "header_value", "csp", "utils_header_value"},
    {"authentication", "max_failed_attempts", "chttpd_auth_lockout", "threshold"},
    {"replicator", "max_concurrent_replications", "replicator", "max_jobs"},
    {"replicator", "max_replication_retry_count", "replicator", "max_retries"},
    {"replicator", "replication_retry_delay", "replicator", "retry_delay"},
};

constexpr WithoutEffect kWithoutEffect[] = {
    {"couchdb", "view_index_dir", "indexes lie beside the data"},
    {"couchdb", "delayed_commits", "every write is durable before it is acknowledged"},
    {"couchdb", "file_compression", "the storage engine chooses its compression"},
    {"couchdb", "uri_file", "the address is printed when the server is ready"},
    {"couchdb", "default_engine", "there is one storage engine"},
    {"couchdb", "attachment_stream_buffer_size", "attachments are stored in chunks of a fixed size"},
    {"log", "include_sasl", "there is one log"},
    {"cluster", "placement", "there is one node"},
    {"cluster", "seedlist", "there is one node"},
    {"chttpd", "allow_jsonp", "JSONP is not served"},
    {"chttpd", "default_handler", "routes are fixed"},
    {"chttpd", "backlog", "the system decides"},
    {"chttpd", "server_options", "see [divan]"},
    {"chttpd", "socket_options", "see [divan]"},
    {"chttpd", "buffer_response", "answers are always checked before the first byte"},
    {"chttpd", "bulk_get_use_batches", "bulk reads are always batched"},
    {"chttpd", "bulk_get_batch_size", "bulk reads are always batched"},
    {"chttpd_auth", "users_db_public", "lists of users are for server admins, as in CouchDB 3"},
    {"chttpd_auth", "authentication_redirect", "there is no login page yet"},
    {"ssl", "signature_algs", "OpenSSL decides"},
    {"ssl", "ecc_curves", "OpenSSL decides"},
    {"ssl", "secure_renegotiate", "there is no renegotiation"},
    {"ssl", "verify_fun", "certificates are verified by OpenSSL"},
    {"compaction_daemon", "", "compaction is automatic: see [divan] compaction_*"},
    {"database_compaction", "", "compaction is automatic: see [divan] compaction_*"},
    {"view_compaction", "", "compaction is automatic"},
    {"smoosh", "", "compaction is automatic: see [divan] compaction_*"},
    {"compactions", "", "compaction is automatic: see [divan] compaction_*"},
    {"replicator", "request_timeout", "see connection_timeout"},
    {"replicator", "connect_to", "names are resolved by the system"},
    {"replicator", "socket_options", "the system decides"},
    {"replicator", "valid_socket_options", "the system decides"},
    {"replicator", "ibrowse_options", "the system decides"},
    {"replicator", "valid_ibrowse_options", "the system decides"},
    {"replicator", "valid_endpoint_protocols_log", "ends that are not encrypted are always warned about"},
    {"replicator", "verify_ssl_certificates_log", "certificates are verified"},
    {"replicator", "cacert_reload_interval_hours", "files of certificates are read again when they change"},
    {"replicator", "cluster_start_period", "there is one node"},
    {"replicator", "auth_plugins", "a session is used where the other side has them"},
    {"replicator", "session_refresh_interval_sec", "a session is renewed when it has ended"},
    {"replicator", "priority_coeff", "databases get turns by their shares and their running time"},
    {"replicator", "stats_update_interval_sec", "figures are always those of now"},
    {"fabric", "", "one node: nothing waits for another"},
    {"ioq", "", "there is no I/O queue"},
    {"chttpd", "scrub_json_request", "functions never see credentials"},
    {"query_server_config", "revs_limit", "functions get the newest 20 revisions of a document"},
    {"query_server_config", "os_process_soft_limit", "idle workers end after os_process_idle_limit"},
    {"query_server_config", "db_tag", "no two databases share a worker"},
    {"query_server_config", "commit_freq", "indexes are committed with their checkpoints"},
    {"native_query_servers", "", "functions are JavaScript"},
    {"daemons", "", "services are fixed"},
    {"httpd_global_handlers", "", "routes are fixed"},
    {"httpd_db_handlers", "", "routes are fixed"},
    {"httpd_design_handlers", "", "routes are fixed"},
    {"vendor", "", "`/` names Divan"},
    {"vhosts", "", "virtual hosts are not served"},
    {"feature_flags", "", "nothing is behind a flag"},
    {"global_changes", "max_event_delay", "see max_write_delay"},
    {"prometheus", "", "metrics are served at _prometheus"},
    {"stats", "", "metrics are always gathered"},
};

} // namespace

std::span<const Alias> aliases() {
    return kAliases;
}

const WithoutEffect *find_without_effect(std::string_view section, std::string_view key) {
    for (const auto &entry : kWithoutEffect)
        if (entry.section == section && (entry.key.empty() || entry.key == key))
            return &entry;
    return nullptr;
}

std::span<const WithoutEffect> without_effect() {
    return kWithoutEffect;
}

} // namespace divan::config
