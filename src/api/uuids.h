#pragma once

// New ids, by the algorithm in [uuids]: what `_uuids` gives and documents without an id get.

#include "api/services.h"

#include <string>

namespace divan::api {

[[nodiscard]] std::string new_uuid(const Services &services);

} // namespace divan::api
