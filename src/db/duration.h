#pragma once

// CouchDB's `deleted_document_ttl`: "90_days", "3_mon" or "infinity".

#include <chrono>
#include <optional>
#include <string_view>

namespace divan::db {

// The value of the member in a text of an `_auto_purge` object, in full hours, rounded up; nullopt: never.
[[nodiscard]] std::optional<std::chrono::hours> parse_time_to_live(std::string_view auto_purge_json);

// Whether a text is one that CouchDB takes as time to live.
[[nodiscard]] bool is_time_to_live(std::string_view text);

} // namespace divan::db
