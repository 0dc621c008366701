#pragma once

// What a simulation draws its decisions from. Equal seeds draw equal numbers, on every machine.

#include "base/clock.h"

#include <cstdint>
#include <random>
#include <vector>

namespace divan::simulation {

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : generator_(seed) {}

    std::uint64_t number() { return generator_(); }
    // 0 to `bound` - 1. REQUIRES: bound > 0
    std::uint64_t below(std::uint64_t bound) { return generator_() % bound; }
    // Both ends are drawn, too.
    std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
    Millis between(Millis first, Millis last) {
        return Millis(static_cast<Millis::rep>(
            between(static_cast<std::uint64_t>(first.count()), static_cast<std::uint64_t>(last.count()))));
    }
    bool percent(std::uint64_t chance) { return below(100) < chance; }
    bool permille(std::uint64_t chance) { return below(1'000) < chance; }
    template <typename T> const T &pick(const std::vector<T> &of) {
        return of[static_cast<std::size_t>(below(of.size()))];
    }
    // Dice of their own for a part of the simulation, so that what it draws moves no other part's numbers.
    Dice fork() { return Dice(number()); }

  private:
    std::mt19937_64 generator_;
};

} // namespace divan::simulation
