#pragma once

// The policies database as it is now.
//
// Threads: any.

#include "access/policy_set.h"
#include "access/system_database.h"

#include <memory>

namespace divan::config {
class Config;
}

namespace divan::access {

class Policies {
  public:
    // Both outlive it; the store calls it until it is gone.
    Policies(const config::Config &config, db::Store &store);

    // Never older than the last acknowledged change. Blocks on the engine. Errors: those of the engine; then
    // nothing may be permitted.
    [[nodiscard]] Result<std::shared_ptr<const PolicySet>> current();
    // The same without I/O; null: ask current(). For network threads.
    [[nodiscard]] std::shared_ptr<const PolicySet> current_cached() const;

    // `event` is notified after every change, until it is released.
    void listen(const std::shared_ptr<Event> &event) { source_.listen(event); }
    // How many changes there were.
    [[nodiscard]] std::uint64_t change_count() const { return source_.change_count(); }

  private:
    struct Cached {
        SystemDatabase::State state;
        PolicySet::Options options;
        std::shared_ptr<const PolicySet> set;
    };

    [[nodiscard]] PolicySet::Options options() const;
    Result<std::shared_ptr<const PolicySet>> read(const SystemDatabase::State &state);

    const config::Config &config_;
    SystemDatabase source_;
    std::shared_ptr<const Cached> cached_; // std::atomic_load
};

} // namespace divan::access
