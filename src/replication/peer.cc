#include "replication/peer.h"

#include "replication/throttle.h"
#include "telemetry/metrics.h"

namespace divan::replication {

using telemetry::Metric;

PeerContext::PeerContext(Context &the_context, const Replication &the_replication, Progress &the_progress,
                         Cancellation &the_cancellation)
    : context(the_context), replication(the_replication), progress(the_progress),
      cancellation(the_cancellation),
      budget(
          std::make_shared<ByteBudget>(context.loop, replication.tuning.kilobytes_per_second_max * 1'000)) {}

void PeerContext::count_checked(const std::vector<ChangedDocument> &changes) const {
    std::uint64_t revisions = 0;
    for (const auto &change : changes)
        revisions += change.revs.size();
    progress.statistics.revisions_checked += revisions;
    context.metrics.count(Metric::replicator_missing_checked, static_cast<std::int64_t>(revisions));
}

void PeerContext::count_missing(const std::vector<MissingDocument> &missing) const {
    std::uint64_t revisions = 0;
    for (const auto &document : missing)
        revisions += document.revs.size();
    progress.statistics.missing_revisions_found += revisions;
    context.metrics.count(Metric::replicator_missing_found, static_cast<std::int64_t>(revisions));
}

void PeerContext::count_read() const {
    ++progress.statistics.docs_read;
    context.metrics.count(Metric::replicator_docs_read);
}

void PeerContext::count_in(std::uint64_t bytes) const {
    progress.statistics.bytes_in += bytes;
    context.metrics.count(Metric::replicator_bytes_in, static_cast<std::int64_t>(bytes));
}

void PeerContext::count_out(std::uint64_t bytes) const {
    progress.statistics.bytes_out += bytes;
    context.metrics.count(Metric::replicator_bytes_out, static_cast<std::int64_t>(bytes));
}

Cause cause_of(const Error &error, const Replication &replication, Cause side) {
    const auto &endpoint = side == Cause::target ? replication.target : replication.source;
    switch (error.code()) {
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
        return Cause::auth;
    case ErrorCode::insufficient_storage:
    case ErrorCode::storage_failed:
        return Cause::disk;
    case ErrorCode::service_unavailable:
    case ErrorCode::request_timeout:
        return endpoint.local() ? side : Cause::network;
    default:
        return side;
    }
}

} // namespace divan::replication
