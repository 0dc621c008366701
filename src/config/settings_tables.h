#pragma once

// The parts of the table of settings, inside config only. settings() joins them.

#include "config/settings.h"

#include <cstdint>
#include <span>

namespace divan::config {

inline constexpr std::int64_t kAny = 9'007'199'254'740'991; // what JSON clients can show
inline constexpr std::int64_t kDay = 86'400'000;

[[nodiscard]] std::span<const Setting> server_settings();
[[nodiscard]] std::span<const Setting> access_settings();
[[nodiscard]] std::span<const Setting> identity_settings();
[[nodiscard]] std::span<const Setting> replicator_settings();
[[nodiscard]] std::span<const Setting> audit_settings();
[[nodiscard]] std::span<const Setting> anomaly_settings();
[[nodiscard]] std::span<const Setting> divan_settings();

[[nodiscard]] std::span<const WithoutEffect> without_effect();

// What the profile `enterprise` has as defaults.
struct ProfileDefault {
    std::string_view section;
    std::string_view key;
    std::string_view value;
};
[[nodiscard]] std::span<const ProfileDefault> enterprise_defaults();

} // namespace divan::config
