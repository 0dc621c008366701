#include "selector/limits.h"

#include "base/check.h"

namespace divan::selector {
namespace {

constexpr const char *kSection = "divan";

// `value_of`: of the setting with a name.
template <typename ValueOf> Limits make_limits(ValueOf value_of) {
    Limits limits;
    limits.depth_max = static_cast<std::size_t>(value_of("selector_depth_max"));
    limits.conditions_max = static_cast<std::size_t>(value_of("selector_conditions_max"));
    limits.path_bytes_max = static_cast<std::size_t>(value_of("selector_path_bytes_max"));
    limits.regex_bytes_max = static_cast<std::size_t>(value_of("selector_regex_bytes_max"));
    limits.regex_program_bytes_max = static_cast<std::size_t>(value_of("selector_regex_program_bytes_max"));
    limits.regex_match_max = static_cast<std::uint32_t>(value_of("selector_regex_match_max"));
    limits.regex_cpu_ms_max = static_cast<std::uint32_t>(value_of("selector_regex_cpu_ms_max"));
    return limits;
}

} // namespace

Limits limits(const config::Config &config) {
    return make_limits([&](const char *key) { return config.integer(kSection, key); });
}

Limits stored_limits(const config::Config &config) {
    auto stored = make_limits([](const char *key) {
        const auto *setting = config::find_setting(kSection, key);
        DIVAN_CHECK(setting != nullptr);
        return setting->max;
    });
    const auto today = limits(config);
    stored.regex_match_max = today.regex_match_max;
    stored.regex_cpu_ms_max = today.regex_cpu_ms_max;
    return stored;
}

} // namespace divan::selector
