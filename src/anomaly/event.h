#pragma once

// What was found: plain data.

#include "json/value.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace divan::anomaly {

// X(name)
#define DIVAN_ANOMALY_KINDS(X)                                                                               \
    X(failed_logins)                                                                                         \
    X(refusals)                                                                                              \
    X(many_reads)                                                                                            \
    X(new_address)

enum class Kind : std::uint8_t {
#define DIVAN_ANOMALY_KIND(name) name,
    DIVAN_ANOMALY_KINDS(DIVAN_ANOMALY_KIND)
#undef DIVAN_ANOMALY_KIND
        kCount,
};
inline constexpr std::size_t kKindCount = static_cast<std::size_t>(Kind::kCount);

[[nodiscard]] std::string_view kind_name(Kind kind);
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view name);

struct Event {
    Kind kind = Kind::failed_logins;
    std::string id; // given by who hands it on: names the event in the records of its actions
    std::chrono::microseconds time{};
    // Whom and what it is about, UTF-8. One of them may be empty.
    std::string principal;
    std::string address;
    // Why: counts, bounds, times. Nothing secret.
    json::Object evidence;
};

} // namespace divan::anomaly
