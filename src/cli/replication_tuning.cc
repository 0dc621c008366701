#include "cli/replication_tuning.h"

namespace divan::cli {

void add_number(json::Object &object, const char *name, const std::optional<std::int64_t> &number,
                std::int64_t factor) {
    if (number)
        object.append(name, *number * factor);
}

void add_tuning(json::Object &object, const TuningOptions &options) {
    constexpr std::int64_t kMillisOfSecond = 1'000;
    add_number(object, "worker_batch_size", options.batch_size);
    add_number(object, "worker_processes", options.workers);
    add_number(object, "http_connections", options.connections);
    add_number(object, "connection_timeout", options.timeout_seconds, kMillisOfSecond);
    add_number(object, "retries_per_request", options.retries);
}

} // namespace divan::cli
