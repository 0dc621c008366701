#pragma once

// An engine that keeps everything in memory and nothing afterwards: for tests and for
// `divan serve --memory`.
//
// It follows the contract of kv/engine.h, with these particulars: "durable" means until the engine
// is destroyed, snapshots are never refused for their age, read_cached() always answers, and
// erase_range() costs what the rows it erases cost.

#include "kv/engine.h"

namespace divan::kv {

[[nodiscard]] std::unique_ptr<Engine> make_memory_engine();

} // namespace divan::kv
