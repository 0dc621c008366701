#pragma once

// What counts once, remembered for as long as it could count again.

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace divan::access {

// Thread-safe. Bounded: beyond the limit what expires first is forgotten.
class SeenIds {
  public:
    explicit SeenIds(std::size_t ids_max) : ids_max_(ids_max) {}

    // Whether the id is seen for the first time; remembers it until `until`. Times since the epoch.
    [[nodiscard]] bool add(const std::string &id, std::chrono::microseconds until,
                           std::chrono::microseconds now);
    [[nodiscard]] std::size_t size() const;

  private:
    const std::size_t ids_max_;
    mutable std::mutex mutex_;
    std::map<std::string, std::chrono::microseconds> until_;
    std::set<std::pair<std::chrono::microseconds, std::string>> by_time_;
};

} // namespace divan::access
