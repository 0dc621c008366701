#pragma once

// How far a replication came: the `_local` document that it keeps in both databases, and what two of them
// have in common (couch_replicator_scheduler_job:compare_replication_logs). Pure.

#include "replication/statistics.h"
#include "json/value.h"

#include <optional>
#include <string>

namespace divan::replication {

// Members of a checkpoint besides the history that CouchDB shows with it.
inline constexpr int kReplicationIdVersion = 4;
inline constexpr std::size_t kHistoryEntriesMax = 50;

// Where two checkpoints agree that a replication had come to.
struct CommonPoint {
    std::string sequence; // JSON text of the source's sequence; empty: they have nothing in common
    json::Array history;  // entries that lie before, newest first
};
// Null: that side has none. What is no checkpoint has no history.
[[nodiscard]] CommonPoint common_point(const json::Object *source, const json::Object *target);

// What was counted up to the newest entry of a history; counting goes on from there, as in CouchDB.
[[nodiscard]] Statistics counted(const json::Array &history);

struct CheckpointEntry {
    std::string session_id;
    std::chrono::microseconds start_time{};
    std::chrono::microseconds end_time{};
    std::string start_seq; // JSON texts
    std::string recorded_seq;
    Statistics statistics;
};
// The new checkpoint, without `_id`: `entry` before `history`, of which the oldest are dropped.
// `by_doc_ids`: with the members that CouchDB adds for doc_ids.
[[nodiscard]] json::Object make_checkpoint(const CheckpointEntry &entry, const json::Array &history,
                                           bool by_doc_ids);

} // namespace divan::replication
