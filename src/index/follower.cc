#include "index/follower.h"

#include <future>

namespace divan::index {
namespace {

constexpr std::size_t kPurgesPerStep = 500;

Error stopped() {
    return {ErrorCode::cancelled, "The server is shutting down."};
}

} // namespace

void Follower::update(const std::shared_ptr<db::Database> &database, Checkpoint target, Done done) {
    if (consumer_->checkpoint().covers(target)) {
        done({});
        return;
    }
    if (context_.stopping) {
        done(stopped());
        return;
    }
    {
        std::lock_guard lock(mutex_);
        waiters_.push_back({target, std::move(done)});
        progress_.waiting = waiters_.size();
        if (running_)
            return;
        begin();
    }
    post_turn(database);
}

void Follower::update_later(const std::shared_ptr<db::Database> &database) {
    if (context_.stopping)
        return;
    {
        std::lock_guard lock(mutex_);
        again_ = running_;
        if (running_)
            return;
        begin();
    }
    post_turn(database);
}

void Follower::begin() {
    running_ = true;
    progress_.running = true;
    progress_.changes_done = 0;
    progress_.total_changes = 0;
    progress_.started_on = progress_.updated_on = context_.clock.now();
}

// Not under the mutex: a pool that was stopped runs its work at once.
void Follower::post_turn(std::shared_ptr<db::Database> database) {
    bool waited_for;
    {
        std::lock_guard lock(mutex_);
        waited_for = !waiters_.empty();
    }
    auto &pool = waited_for ? context_.foreground : context_.background;
    pool.post([self = shared_from_this(), database = std::move(database)] { self->turn(database); });
}

void Follower::turn(const std::shared_ptr<db::Database> &database) {
    auto outcome = work(*database);
    if (context_.stopping && outcome.ok())
        outcome = stopped();
    auto reached = consumer_->checkpoint();
    std::vector<Waiter> answered;
    bool go_on = false;
    {
        std::lock_guard lock(mutex_);
        std::vector<Waiter> others;
        for (auto &waiter : waiters_)
            (!outcome.ok() || reached.covers(waiter.target) ? answered : others).push_back(std::move(waiter));
        waiters_ = std::move(others);
        progress_.waiting = waiters_.size();
        go_on = outcome.ok() && (*outcome || again_ || !waiters_.empty());
        again_ = false;
        running_ = progress_.running = go_on;
    }
    for (auto &waiter : answered)
        waiter.done(outcome.ok() || reached.covers(waiter.target) ? Result<void>() : outcome.error());
    if (go_on)
        post_turn(database);
}

Result<void> Follower::take_purges(db::Database &database) {
    for (;;) {
        auto known = consumer_->checkpoint().purge_seq;
        if (known >= database.purge_seq())
            return {};
        DIVAN_TRY(auto page, database.purges_since(known, kPurgesPerStep));
        if (!page.whole) {
            DIVAN_TRY_VOID(consumer_->sweep(database, database.purge_seq()));
            continue;
        }
        std::vector<std::string> ids;
        for (const auto &purge : page.purges)
            ids.push_back(purge.id);
        DIVAN_TRY_VOID(consumer_->purged(database, ids, page.purges.back().purge_seq));
    }
}

void Follower::note(std::uint64_t changes) {
    std::lock_guard lock(mutex_);
    progress_.changes_done += changes;
    progress_.updated_on = context_.clock.now();
}

Result<bool> Follower::work(db::Database &database) {
    auto started = context_.clock.monotonic();
    DIVAN_TRY_VOID(consumer_->prepare(database));
    DIVAN_TRY_VOID(take_purges(database));
    auto read_to = consumer_->checkpoint().sequence;
    DIVAN_TRY(auto pending, database.pending(read_to));
    {
        std::lock_guard lock(mutex_);
        progress_.total_changes = progress_.changes_done + pending;
    }
    auto options = consumer_->page_options();
    auto read = [&](kv::Sequence since) {
        return std::async(std::launch::async, [&database, since, options] {
            return read_document_page(database, since, options);
        });
    };
    auto reading = read(read_to);
    std::unique_ptr<PageWork> mapped;
    std::uint64_t mapped_changes = 0;
    bool more = true;
    for (bool out_of_time = false; more && !out_of_time;) {
        DIVAN_TRY(auto page, reading.get());
        more = page.more;
        out_of_time = context_.stopping || context_.clock.monotonic() - started > context_.turn_max;
        if (more && !out_of_time)
            reading = read(page.last);
        auto changes = page.documents.size();
        DIVAN_TRY(auto next, consumer_->begin(std::move(page)));
        if (mapped) {
            DIVAN_TRY_VOID(mapped->commit(database));
            note(mapped_changes);
        }
        mapped = std::move(next);
        mapped_changes = changes;
    }
    DIVAN_TRY_VOID(mapped->commit(database));
    note(mapped_changes);
    if (more)
        return true;
    DIVAN_TRY_VOID(consumer_->caught_up(database));
    return false;
}

Follower::Progress Follower::progress() const {
    std::lock_guard lock(mutex_);
    return progress_;
}

} // namespace divan::index
