#pragma once

// CouchDB's `deleted_document_ttl`: "90_days", "3_mon", a number of seconds, or "infinity".

#include <chrono>
#include <optional>
#include <string_view>

namespace divan::db {

// The value of the member in a text of an `_auto_purge` object; nullopt: never.
[[nodiscard]] std::optional<std::chrono::hours> parse_time_to_live(std::string_view auto_purge_json);

} // namespace divan::db
