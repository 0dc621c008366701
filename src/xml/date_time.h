#pragma once

// Times as XML Schema writes them (xs:dateTime), in UTC as SAML has them.

#include <chrono>
#include <optional>
#include <string_view>

namespace divan::xml {

// "2026-11-24T13:00:00.123Z", as time since the Unix epoch; nullopt for everything else, other zones among
// it.
[[nodiscard]] std::optional<std::chrono::microseconds> parse_date_time(std::string_view text);

} // namespace divan::xml
