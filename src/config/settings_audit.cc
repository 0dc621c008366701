// What is recorded of what happens, and where the record is anchored.

#include "config/settings_tables.h"

namespace divan::config {
namespace {

constexpr Setting kSettings[] = {
    {"audit", "enable", Kind::boolean, "false", 0, 0, kNeedsRestart | kReadOnlyOverHttp,
     "What happens is recorded in a log that cannot be changed unseen: see audit.md."},
    {"audit", "key_file", Kind::text, "", 0, 0, kNeedsRestart | kReadOnlyOverHttp,
     "File with the key of the log, 64 hexadecimal digits, outside the data directory; made at the first "
     "start."},
    {"audit", "events", Kind::list,
     "authentication, refusal, configuration, security, policy, design, replication, database, anomaly, "
     "audit",
     0, 0, kNone, "Kinds of events that are recorded; `configuration` and `audit` always are.",
     "authentication, refusal, configuration, security, policy, design, replication, document_read, "
     "document_write, database, anomaly, audit"},
    {"audit", "document_databases", Kind::list, "*", 0, 0, kNone,
     "Databases whose reads and writes of documents are recorded, with document_read and document_write in "
     "events; `*` stands for any characters, but not for a `_` at the beginning."},
    {"audit", "roles", Kind::list, "auditor", 0, 0, kNone,
     "Roles that may read the log, besides server admins."},
    {"audit", "redact_fields", Kind::list, "", 0, 0, kNone,
     "Names of members whose values are written as `[redacted]` in the details of records; those of "
     "passwords, "
     "tokens and secrets always are."},
    {"audit", "queue_records_max", Kind::integer, "10000", 10, 10'000'000, kNone,
     "Records that wait in memory to be written."},
    {"audit", "queue_wait_ms", Kind::integer, "1000", 0, 600'000, kNone,
     "Longest wait of a request for room in that queue; then its record is lost, and the log says how many "
     "were."},
    {"audit", "seal_interval_ms", Kind::integer, "200", 1, 60'000, kNone,
     "How long records are gathered before they are written and chained together."},
    {"audit", "anchor_interval_seconds", Kind::integer, "60", 1, 86'400, kNone,
     "How often the head of the log is anchored, if it has moved."},
    {"audit", "anchor_file", Kind::text, "", 0, 0, kReadOnlyOverHttp,
     "File that the head is appended to, on another disk or machine if possible; empty: none."},
    {"audit", "anchor_syslog", Kind::boolean, "false", 0, 0, kReadOnlyOverHttp,
     "The head is sent to the system log, too."},
    {"audit", "anchor_peer", Kind::text, "", 0, 0, kReadOnlyOverHttp,
     "URL of a database of another server that gets the head as a document; empty: none."},
    {"audit", "anchor_peer_user", Kind::text, "", 0, 0, kReadOnlyOverHttp, "As whom it is written there."},
    {"audit", "anchor_peer_password", Kind::text, "", 0, 0, kReadOnlyOverHttp | kSecret,
     "The password of that user."},
    {"audit", "anchor_peer_ca_file", Kind::text, "", 0, 0, kReadOnlyOverHttp,
     "PEM file of the authorities that are trusted for that server; empty: the system's."},
    {"audit", "query_records_max", Kind::integer, "1000", 1, 100'000, kNone,
     "Largest `limit` of GET /_audit."},
};

} // namespace

std::span<const Setting> audit_settings() {
    return kSettings;
}

} // namespace divan::config
