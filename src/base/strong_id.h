#pragma once

// A number that cannot be mistaken for another kind of number.

#include <compare>
#include <cstdint>
#include <functional>

namespace divan {

template <typename Tag, typename Number = std::uint64_t> struct StrongId {
    Number value = 0;

    constexpr StrongId() = default;
    constexpr explicit StrongId(Number number) : value(number) {}

    friend constexpr auto operator<=>(const StrongId &, const StrongId &) = default;
};

} // namespace divan

template <typename Tag, typename Number> struct std::hash<divan::StrongId<Tag, Number>> {
    std::size_t operator()(const divan::StrongId<Tag, Number> &id) const noexcept {
        return std::hash<Number>()(id.value);
    }
};
