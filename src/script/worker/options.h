#pragma once

// What the pool tells a worker on its command line.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace divan::script {

struct WorkerOptions {
    std::size_t memory_bytes_max = 0;
    std::size_t answer_bytes_max = 0;
    std::size_t programs_max = 0;
    std::uint32_t function_timeout_ms = 0;
};

// The arguments behind `script-worker`: the fields above, in order. Nothing if they are not that.
[[nodiscard]] std::optional<WorkerOptions> parse_worker_options(std::span<char *const> arguments);

} // namespace divan::script
