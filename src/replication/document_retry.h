#pragma once

// One document, read at one end and written at the other as it streams by: what fails in between is begun
// anew.

#include "replication/peer.h"

namespace divan::replication {

// The word of what a host that is asked too often answers: no failure, but to be asked again later.
inline constexpr std::string_view kTooManyRequests = "too_many_requests";
inline constexpr std::uint64_t kRefusalsMax = 60; // of them in a row

// Whether trying the same again may help.
[[nodiscard]] inline bool may_pass(const Error &error) {
    return error.code() == ErrorCode::service_unavailable || error.code() == ErrorCode::request_timeout;
}

// Waits before attempt `number` (from 1) of something that failed at one end: 250 ms, doubling; for a
// document that is not there [replicator] missing_doc_retry_msec, since a cluster may still be bringing it.
// false: no attempt is left. Errors: cancelled.
Task<Result<bool>> wait_to_retry(PeerContext context, std::uint64_t number, Cause side, Error why);

// Calls `read_once(wanted)` until it is through. `read_once` outlives the task.
template <typename ReadOnce>
Task<Result<void>> read_persistently(PeerContext context, Cause side, MissingDocument wanted,
                                     ReadOnce &read_once) {
    std::uint64_t attempts = 0;
    std::uint64_t refusals = 0;
    for (;;) {
        auto read = co_await read_once(wanted);
        if (read.ok())
            co_return read;
        // The target has not the attachments that its ancestors should have: they are sent along.
        if (read.error().code() == ErrorCode::missing_stub && !wanted.possible_ancestors.empty()) {
            wanted.possible_ancestors.clear();
            continue;
        }
        // The next request waits for its turn.
        if (read.error().word() == kTooManyRequests && ++refusals <= kRefusalsMax)
            continue;
        if (!may_pass(read.error()) && read.error().code() != ErrorCode::not_found)
            co_return read;
        auto again = co_await wait_to_retry(context, ++attempts, side, read.error());
        if (!again.ok())
            co_return again.error();
        if (!*again)
            co_return read;
    }
}

} // namespace divan::replication
