#pragma once

// A database that the server itself reads, kept open: users, policies. What was read of it stays valid as
// long as its sequence does; so what is told is never older than the last acknowledged change, and costs no
// read.
//
// Threads: any.

#include "base/event.h"
#include "db/store.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace divan::access {

class SystemDatabase {
  public:
    // A state of the database: equal ones hold the same documents.
    struct State {
        std::shared_ptr<db::Database> database; // null: there is none
        std::uint64_t opening = 0;              // another one when the database was made or deleted
        kv::Sequence sequence;

        friend bool operator==(const State &, const State &) = default;
    };

    // The store outlives it, and calls it until it is gone.
    SystemDatabase(db::Store &store, std::string name);

    [[nodiscard]] const std::string &name() const { return name_; }
    // As it is now. Blocks on the engine.
    [[nodiscard]] Result<State> state();
    // The same without I/O; nullopt: ask state().
    [[nodiscard]] std::optional<State> state_cached() const;

    // `event` is notified after every change, until it is released.
    void listen(const std::shared_ptr<Event> &event);
    // How many changes there were, and calls of notify().
    [[nodiscard]] std::uint64_t change_count() const { return listeners_->count; }
    // Something else has changed that belongs to it.
    void notify() const { listeners_->notify(); }

  private:
    // The database, which stays open; or that there is none.
    struct Source {
        std::shared_ptr<db::Database> database;
        std::uint64_t opening = 0;
    };
    // Shared with the callback that the store keeps.
    struct Listeners {
        std::atomic<std::uint64_t> count = 0;
        std::atomic<std::uint64_t> openings = 0;
        std::mutex mutex;
        std::vector<std::weak_ptr<Event>> events;
        void notify();
    };

    // Null: it has to be opened.
    [[nodiscard]] std::shared_ptr<const Source> source_cached() const;
    Result<std::shared_ptr<const Source>> source();

    db::Store &store_;
    const std::string name_;
    const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();
    std::shared_ptr<const Source> source_; // std::atomic_load
};

} // namespace divan::access
