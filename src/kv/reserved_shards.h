#pragma once

// Shards that belong to no database: those behind the last one that a database may have. The highest id of
// all is never used (docs/formats/engine.md).

#include "kv/engine.h"

namespace divan::kv {

inline constexpr ShardId kFirstReservedShard{0xFFFF'FF00};
inline constexpr ShardId kAuditShard{0xFFFF'FFFE};

} // namespace divan::kv
