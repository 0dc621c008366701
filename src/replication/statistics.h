#pragma once

// What a replication did, and where its time went.

#include "base/clock.h"
#include "json/value.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace divan::replication {

// Over all sessions of a job; the names are those of CouchDB's `_replication_stats`.
struct Statistics {
    std::uint64_t revisions_checked = 0;
    std::uint64_t missing_revisions_found = 0;
    std::uint64_t docs_read = 0;
    std::uint64_t docs_written = 0;
    std::uint64_t doc_write_failures = 0;
    std::uint64_t bulk_get_attempts = 0;
    std::uint64_t bulk_get_docs = 0;
    // Divan's own: over the wire, without heads.
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

// What a replication waits for. Its workers wait beside each other, so that the sum may be more than the time
// that passed.
enum class Stage : std::uint8_t { changes, revs_diff, read, write, checkpoint, throttled, kCount };

// Where a failure lies, for who must do something about it.
enum class Cause : std::uint8_t { none, auth, network, disk, source, target, filter };
[[nodiscard]] std::string_view cause_name(Cause cause);

// How a session stands. Used on the replication loop only.
struct Progress {
    Statistics statistics;
    Statistics before_session; // what of it earlier sessions counted, also those that only a checkpoint knows
    std::string source_seq;    // JSON texts of sequences; empty: not known
    std::string through_seq;
    std::string checkpointed_source_seq;
    std::optional<std::uint64_t> changes_pending; // rows behind what was read
    std::uint64_t changes_read = 0;               // by this session
    std::uint64_t changes_in_flight = 0;          // of them not yet written
    std::chrono::microseconds caught_up_at{};     // when nothing was pending last
    std::chrono::microseconds updated_on{};
    std::array<std::chrono::nanoseconds, static_cast<std::size_t>(Stage::kCount)> waited{};
    std::size_t batch_size = 0;           // as it was adapted
    std::uint64_t throttled_requests = 0; // answered 429
    std::uint64_t retries = 0;            // of requests
    Cause cause = Cause::none;            // of what holds it up now
    std::string last_error;               // without credentials
};

// For how long the target has not had everything; 0: it has. Nothing: it never had, as far as is known.
[[nodiscard]] std::optional<std::chrono::seconds> time_behind(const Progress &progress, const Clock &clock);
// `_replication_stats` of a document whose job has completed.
[[nodiscard]] json::Object completed_json(const Progress &progress, std::chrono::microseconds started_on);
// All of it: what an operator reads to see why a job is slow.
[[nodiscard]] json::Object progress_json(const Progress &progress, const Clock &clock);

} // namespace divan::replication
