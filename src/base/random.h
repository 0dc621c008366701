#pragma once

// Randomness as a dependency: production passes the system's, tests a seeded one.

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace divan {

// Thread-safe.
class Random {
  public:
    virtual ~Random() = default;
    [[nodiscard]] virtual std::string bytes(std::size_t count) = 0;
};

// From the kernel (getrandom); fit for secrets.
class SystemRandom final : public Random {
  public:
    [[nodiscard]] std::string bytes(std::size_t count) override;
};

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : generator_(seed) {}
    [[nodiscard]] std::string bytes(std::size_t count) override;

  private:
    std::mutex mutex_;
    std::mt19937_64 generator_;
};

} // namespace divan
