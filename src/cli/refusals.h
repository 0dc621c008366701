#pragma once

// Documents that a target does not take: noted on the replication loop, told by the thread that prints.

#include "replication/peer.h"

#include <mutex>
#include <string>
#include <vector>

namespace divan::cli {

class Refusals {
  public:
    static constexpr std::size_t kKeptMax = 1'000;

    void note(const replication::Refusal &refusal);
    // Those since the last call; beyond kKeptMax they are only counted.
    [[nodiscard]] std::vector<replication::Refusal> take();
    // That were not kept.
    [[nodiscard]] std::uint64_t dropped() const;

  private:
    mutable std::mutex mutex_;
    std::vector<replication::Refusal> refusals_;
    std::uint64_t dropped_ = 0;
};

// "document `a` (1-x): forbidden, no rights"
[[nodiscard]] std::string refusal_text(const replication::Refusal &refusal);

} // namespace divan::cli
