#pragma once

// The settings of JavaScript workers.

#include "config/config.h"
#include "script/pool.h"

namespace divan::server {

[[nodiscard]] script::PoolOptions script_options(const config::Config &config);

} // namespace divan::server
