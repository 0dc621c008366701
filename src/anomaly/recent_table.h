#pragma once

// A table that forgets what was not asked for longest.

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace divan::anomaly {

// One thread at a time.
template <typename Value> class RecentTable {
  public:
    // The value of a key, made if there is none, and the most recent one now. At most `entries_max` stay,
    // this one among them. Valid until the next call.
    Value &touch(std::string_view key, std::size_t entries_max) {
        auto found = by_key_.find(key);
        if (found != by_key_.end()) {
            entries_.splice(entries_.begin(), entries_, found->second);
        } else {
            entries_.push_front({std::string(key), Value()});
            by_key_.emplace(entries_.front().key, entries_.begin());
        }
        while (entries_.size() > 1 && entries_.size() > entries_max) {
            by_key_.erase(entries_.back().key);
            entries_.pop_back();
        }
        return entries_.front().value;
    }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        const std::string key;
        Value value;
    };
    std::list<Entry> entries_; // most recent first
    std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_key_;
};

} // namespace divan::anomaly
