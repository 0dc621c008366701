#pragma once

// Stands in for what is written elsewhere.

#include "replication/replicate.h"

namespace divan::replication {

class Throttle {};

} // namespace divan::replication
