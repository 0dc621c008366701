#pragma once

// Keeps one consumer up with its database: for those who wait for it, and in the background.
//
// A follower works in turns on a pool, a second or so each, so that a long build does not keep others from
// theirs. While a page is mapped the one before it is written and the next one is read; no more than three
// are in memory. Errors end a turn and are answered to all who wait; the next update goes on at the
// checkpoint.
//
// Threads: any. Held by shared_ptr; a turn under way holds the follower and the database.

#include "base/clock.h"
#include "base/executor.h"
#include "base/unique_function.h"
#include "index/consumer.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

namespace divan::index {

// What all followers share. Outlives them.
struct FollowerContext {
    Executor &foreground; // for those who wait
    Executor &background;
    Clock &clock;
    std::atomic<bool> stopping = false; // turns end at the next page
    Millis turn_max{1'000};
};

class Follower : public std::enable_shared_from_this<Follower> {
  public:
    using Done = UniqueFunction<void(Result<void>)>;

    Follower(FollowerContext &context, std::shared_ptr<Consumer> consumer)
        : context_(context), consumer_(std::move(consumer)) {}

    // Calls `done` once, now or on a thread of a pool, when the consumer covers `target`. The consumer rests
    // meanwhile, unless it is called now.
    void update(const std::shared_ptr<db::Database> &database, Checkpoint target, Done done);
    // In the background, as far as the feed goes.
    void update_later(const std::shared_ptr<db::Database> &database);

    struct Progress {
        bool running = false;
        std::uint64_t changes_done = 0;
        std::uint64_t total_changes = 0;
        std::chrono::microseconds started_on{};
        std::chrono::microseconds updated_on{};
        std::size_t waiting = 0;
    };
    [[nodiscard]] Progress progress() const;
    [[nodiscard]] Consumer &consumer() { return *consumer_; }

  private:
    struct Waiter {
        Checkpoint target;
        Done done;
    };

    void begin(); // REQUIRES: mutex_
    void post_turn(std::shared_ptr<db::Database> database);
    void turn(const std::shared_ptr<db::Database> &database);
    // Whether there is more to do.
    Result<bool> work(db::Database &database);
    Result<void> take_purges(db::Database &database);
    void note(std::uint64_t changes);

    FollowerContext &context_;
    std::shared_ptr<Consumer> consumer_;
    mutable std::mutex mutex_;
    std::vector<Waiter> waiters_;
    bool running_ = false;
    bool again_ = false; // an update_later() came while a turn was under way
    Progress progress_;
};

} // namespace divan::index
