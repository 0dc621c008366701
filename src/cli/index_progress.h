#pragma once

// How far the build of an index is, or anything else that is counted, as people read it. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace divan::cli {

class IndexProgress {
  public:
    using Seconds = std::chrono::duration<double>;

    // What the server says at a time since the beginning. `done` does not fall but when a build begins anew.
    void update(std::uint64_t done, std::uint64_t total, Seconds now);
    // nullopt: nothing is known yet.
    [[nodiscard]] std::optional<int> percent() const;
    // "45 %, 12,345 of 27,000 changes, 3,000/s, 5 s left"; empty when nothing is known yet.
    [[nodiscard]] std::string text() const;
    // "[####------] 45 %, ..."
    [[nodiscard]] std::string bar() const;

  private:
    std::uint64_t first_done_ = 0;
    Seconds first_at_{};
    std::uint64_t done_ = 0;
    std::uint64_t total_ = 0;
    Seconds at_{};
    bool known_ = false;
};

} // namespace divan::cli
