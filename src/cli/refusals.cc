#include "cli/refusals.h"

#include <fmt/format.h>

namespace divan::cli {

void Refusals::note(const replication::Refusal &refusal) {
    std::lock_guard lock(mutex_);
    if (refusals_.size() < kKeptMax)
        refusals_.push_back(refusal);
    else
        ++dropped_;
}

std::vector<replication::Refusal> Refusals::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(refusals_, {});
}

std::uint64_t Refusals::dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
}

std::string refusal_text(const replication::Refusal &refusal) {
    return fmt::format("document `{}` ({}): {}, {}", refusal.id, refusal.rev, refusal.error.word(),
                       refusal.error.reason());
}

} // namespace divan::cli
