#include "replication/document_retry.h"

#include "config/config.h"
#include "telemetry/metrics.h"

#include <algorithm>

namespace divan::replication {

using telemetry::Metric;

namespace {

constexpr Millis kRetryFirst{250};
constexpr Millis kRetryMax{64'000};
constexpr std::uint64_t kDoublingsMax = 16;

} // namespace

Task<Result<bool>> wait_to_retry(PeerContext context, std::uint64_t number, Cause side, Error why) {
    if (why.code() == ErrorCode::cancelled || context.cancellation.cancelled())
        co_return Error(ErrorCode::cancelled);
    context.progress.cause = cause_of(why, context.replication, side);
    context.progress.last_error = why.reason();
    if (number > context.replication.tuning.retries_per_request)
        co_return false;
    ++context.progress.retries;
    context.context.metrics.count(Metric::replicator_retries);
    auto pause = std::min(kRetryMax, kRetryFirst * (std::int64_t{1} << std::min(number - 1, kDoublingsMax)));
    if (why.code() == ErrorCode::not_found)
        pause = Millis(context.context.config.integer("replicator", "missing_doc_retry_msec"));
    auto slept = co_await pause_for(context.context.loop, pause, context.cancellation);
    if (!slept.ok())
        co_return slept.error();
    co_return true;
}

} // namespace divan::replication
