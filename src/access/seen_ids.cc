#include "access/seen_ids.h"

namespace divan::access {

bool SeenIds::add(const std::string &id, std::chrono::microseconds until, std::chrono::microseconds now) {
    std::lock_guard lock(mutex_);
    auto forget_first = [this] {
        until_.erase(by_time_.begin()->second);
        by_time_.erase(by_time_.begin());
    };
    while (!by_time_.empty() && by_time_.begin()->first < now)
        forget_first();
    if (!until_.emplace(id, until).second)
        return false;
    by_time_.emplace(until, id);
    if (by_time_.size() > ids_max_)
        forget_first();
    return true;
}

std::size_t SeenIds::size() const {
    std::lock_guard lock(mutex_);
    return until_.size();
}

} // namespace divan::access
