#pragma once

// How commands tune their replications, as members of an object of `_replicate`. Pure.

#include "json/value.h"

#include <cstdint>
#include <optional>

namespace divan::cli {

// What is not given is left to the settings.
struct TuningOptions {
    std::optional<std::int64_t> batch_size;
    std::optional<std::int64_t> workers;
    std::optional<std::int64_t> connections;
    std::optional<std::int64_t> timeout_seconds;
    std::optional<std::int64_t> retries;
};

// Adds what is given; `factor` of the unit of the option.
void add_number(json::Object &object, const char *name, const std::optional<std::int64_t> &number,
                std::int64_t factor = 1);
void add_tuning(json::Object &object, const TuningOptions &options);

} // namespace divan::cli
