#include "replication/document_retry.h"

#include <algorithm>

namespace divan::replication {
namespace {

constexpr Millis kRetryFirst{250};
constexpr Millis kRetryMax{64'000};
constexpr std::uint64_t kDoublingsMax = 16;

} // namespace

Task<Result<bool>> wait_to_retry(PeerContext context, std::uint64_t number, Cause cause, Error why) {
    if (why.code() == ErrorCode::cancelled || context.cancellation.cancelled())
        co_return Error(ErrorCode::cancelled);
    context.progress.cause = cause;
    context.progress.last_error = why.reason();
    if (number > context.replication.tuning.retries_per_request)
        co_return false;
    ++context.progress.retries;
    auto pause = std::min(kRetryMax, kRetryFirst * (std::int64_t{1} << std::min(number - 1, kDoublingsMax)));
    auto slept = co_await pause_for(context.context.loop, pause, context.cancellation);
    if (!slept.ok())
        co_return slept.error();
    co_return true;
}

} // namespace divan::replication
