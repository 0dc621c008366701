#pragma once

// The text of GET /{db}, also in `_dbs_info`.

#include "db/types.h"

#include <string>

namespace divan::api {

[[nodiscard]] std::string info_text(const db::DatabaseInfo &info);

} // namespace divan::api
