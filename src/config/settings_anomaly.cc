// What counts as out of the ordinary, and what is done about it.

#include "config/settings_tables.h"

namespace divan::config {
namespace {

constexpr std::string_view kActions = "lock, close_sessions, block_address, webhook";
constexpr std::int64_t kDaySeconds = 86'400;

constexpr Setting kSettings[] = {
    {"anomaly", "enable", Kind::boolean, "true", 0, 0, kNone,
     "Anomalies are looked for in what the audit log records: see anomalies.md. Needs [audit] enable = "
     "true."},
    {"anomaly", "kinds", Kind::list, "failed_logins, refusals, many_reads, new_address", 0, 0, kNone,
     "Kinds of anomalies that are looked for, whatever [audit] events records.",
     "failed_logins, refusals, many_reads, new_address"},
    {"anomaly", "failed_logins_threshold", Kind::integer, "10", 1, 1'000, kNone,
     "So many failed logins of one name, or from one address, within the window are an anomaly."},
    {"anomaly", "failed_logins_window_seconds", Kind::integer, "300", 1, kDaySeconds, kNone, "That window."},
    {"anomaly", "failed_logins_actions", Kind::list, "", 0, 0, kNone,
     "What is done about it besides raising the event.", kActions},
    {"anomaly", "refusals_threshold", Kind::integer, "50", 1, 1'000, kNone,
     "So many refusals (401 and 403, and documents refused) of one name, or from one address, within the "
     "window are an anomaly."},
    {"anomaly", "refusals_window_seconds", Kind::integer, "300", 1, kDaySeconds, kNone, "That window."},
    {"anomaly", "refusals_actions", Kind::list, "", 0, 0, kNone,
     "What is done about it besides raising the event.", kActions},
    {"anomaly", "many_reads_factor", Kind::integer, "10", 2, 1'000, kNone,
     "A user who reads more than so many times its own average in an hour is an anomaly."},
    {"anomaly", "many_reads_requests_floor", Kind::integer, "1000", 1, kAny, kNone,
     "So many reading requests in an hour never are."},
    {"anomaly", "many_reads_bytes_floor", Kind::integer, "100000000", 1, kAny, kNone,
     "So many bytes of their answers in an hour never are."},
    {"anomaly", "many_reads_learning_hours", Kind::integer, "5", 0, 1'000, kNone,
     "A user has an average after so many hours in which it has read; before, the floors times the factor "
     "count."},
    {"anomaly", "many_reads_history_hours", Kind::integer, "168", 1, 10'000, kNone,
     "Hours of reading that the average is made of; older ones fade."},
    {"anomaly", "many_reads_actions", Kind::list, "", 0, 0, kNone,
     "What is done about it besides raising the event.", kActions},
    {"anomaly", "new_address_window_seconds", Kind::integer, "60", 1, kDaySeconds, kNone,
     "A login from an address that is not known of the user is an anomaly, at most once for a user in this "
     "time."},
    {"anomaly", "new_address_known_max", Kind::integer, "20", 1, 1'000, kNone,
     "Addresses that are known of a user; those not used longest go first."},
    {"anomaly", "new_address_actions", Kind::list, "", 0, 0, kNone,
     "What is done about it besides raising the event.", kActions},
    {"anomaly", "block_seconds", Kind::integer, "900", 1, kDaySeconds, kNone,
     "How long an address is blocked by block_address."},
    {"anomaly", "block_exempt", Kind::text, "127.0.0.0/8, ::1", 0, 0, kNone,
     "Addresses and CIDR blocks that are never blocked, separated by commas; the proxy in front of the "
     "server, if there is one."},
    {"anomaly", "blocked_addresses_max", Kind::integer, "1000", 1, 100'000, kNone,
     "Addresses that are blocked at a time; further ones are not."},
    {"anomaly", "webhook_url", Kind::text, "", 0, 0, kReadOnlyOverHttp | kSecret,
     "Where webhook sends events, by POST as JSON; http or https, without a name and a password."},
    {"anomaly", "webhook_secret", Kind::text, "", 0, 0, kReadOnlyOverHttp | kSecret,
     "Key of the HMAC-SHA-256 of the body in the header X-Divan-Signature; empty: there is no such header."},
    {"anomaly", "webhook_ca_file", Kind::text, "", 0, 0, kReadOnlyOverHttp,
     "PEM file of the authorities that are trusted for that server; empty: the system's."},
    {"anomaly", "webhook_timeout_ms", Kind::integer, "5000", 10, 60'000, kNone,
     "Longest time of an attempt, from looking up the name to the last byte of the answer."},
    {"anomaly", "webhook_retries_max", Kind::integer, "3", 0, 20, kNone,
     "Further attempts after one that failed."},
    {"anomaly", "webhook_retry_delay_ms", Kind::integer, "1000", 1, 600'000, kNone,
     "Wait before the first of them; twice as long before each further one."},
    {"anomaly", "webhook_queue_max", Kind::integer, "100", 1, 10'000, kNone,
     "Events that wait to be sent; further ones are not sent."},
    {"anomaly", "subjects_max", Kind::integer, "10000", 10, 1'000'000, kNone,
     "Names and addresses whose failures are counted, and users whose reads and addresses are known; those "
     "not seen longest go first."},
    {"anomaly", "queue_max", Kind::integer, "10000", 10, 1'000'000, kNone,
     "Logins and refusals that wait to be looked at, and users whose reads do; further ones are not looked "
     "at, but counted."},
    {"anomaly", "learn_records_max", Kind::integer, "10000", 0, 1'000'000, kNone,
     "Newest records of the audit log that are read at the start, to know addresses and failures of before."},
    {"anomaly", "reads_interval_ms", Kind::integer, "200", 1, 60'000, kNone,
     "How long reads are gathered before they are looked at."},
};

} // namespace

std::span<const Setting> anomaly_settings() {
    return kSettings;
}

} // namespace divan::config
