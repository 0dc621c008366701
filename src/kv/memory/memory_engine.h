#pragma once

// An engine in memory: for tests and `divan serve --memory`. Nothing survives it.

#include "kv/engine.h"

#include <memory>

namespace divan::kv {

// Thread-safe. Snapshots cost nothing until rows change below them; rows keep what open snapshots see.
[[nodiscard]] std::unique_ptr<Engine> make_memory_engine();

} // namespace divan::kv
