#include "anomaly/event.h"

#include <algorithm>
#include <iterator>

namespace divan::anomaly {
namespace {

constexpr std::string_view kKindNames[] = {
#define DIVAN_ANOMALY_KIND_NAME(name) #name,
    DIVAN_ANOMALY_KINDS(DIVAN_ANOMALY_KIND_NAME)
#undef DIVAN_ANOMALY_KIND_NAME
};

} // namespace

std::string_view kind_name(Kind kind) {
    return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<Kind> parse_kind(std::string_view name) {
    const auto *found = std::find(std::begin(kKindNames), std::end(kKindNames), name);
    if (found == std::end(kKindNames))
        return std::nullopt;
    return static_cast<Kind>(found - std::begin(kKindNames));
}

} // namespace divan::anomaly
