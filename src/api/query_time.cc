#include "api/query_time.h"

#include "config/config.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace divan::api {
namespace {

using telemetry::Metric;

bool in_partition(const Call &call) {
    return call.query.find("partition").has_value();
}

// By the path, as CouchDB counts.
Metric timeouts_metric(const Call &call) {
    const bool partition = in_partition(call);
    if (call.find_path_parameter("view") != nullptr)
        return partition ? Metric::partition_view_timeouts : Metric::view_timeouts;
    if (call.head().target.find("/_find") != std::string::npos)
        return partition ? Metric::partition_find_timeouts : Metric::find_timeouts;
    return partition ? Metric::partition_all_docs_timeouts : Metric::all_docs_timeouts;
}

// 0 when it is over; nullopt: no limit.
std::optional<Millis> time_left(const Call &call) {
    const auto &services = call.services();
    auto limit =
        services.config.integer("fabric", in_partition(call) ? "partition_view_timeout" : "view_timeout");
    if (limit == std::numeric_limits<std::int64_t>::max())
        return std::nullopt;
    auto taken = std::chrono::duration_cast<Millis>(services.clock.monotonic() - call.started_at());
    return std::max(Millis(0), Millis(limit) - taken);
}

} // namespace

Millis pause_in_query_time(const Call &call, Millis pause) {
    auto left = time_left(call);
    return left ? std::min(pause, *left + Millis(1)) : pause;
}

Result<void> check_query_time(const Call &call) {
    auto left = time_left(call);
    if (!left || *left > Millis(0))
        return {};
    call.services().metrics.count(timeouts_metric(call));
    return Error(ErrorCode::query_timeout,
                 "The request could not be processed in a reasonable amount of time: ask for fewer rows, or "
                 "raise view_timeout in [fabric].");
}

} // namespace divan::api
