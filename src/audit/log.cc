#include "audit/log.h"

#include "audit/anchorer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <condition_variable>
#include <mutex>
#include <set>

namespace divan::audit {

using telemetry::Metric;

struct Log::Impl {
    Impl(const Services &given, std::unique_ptr<Sealer> opened, std::shared_ptr<const Options> first)
        : services(given), sealer(std::move(opened)), options_(std::move(first)),
          anchorer(services.log, services.metrics), thread(1) {
        anchor_at = services.clock.monotonic() + current()->anchors.interval;
        thread.post([this] { run(); });
    }

    [[nodiscard]] std::shared_ptr<const Options> current() const { return std::atomic_load(&options_); }
    void use(std::shared_ptr<const Options> options) { std::atomic_store(&options_, std::move(options)); }

    std::string body(Record &record) const {
        if (record.time.count() == 0)
            record.time = services.clock.now();
        return body_of(record, sealer->node(), current()->redacted);
    }

    // REQUIRES of all until run(): the mutex.
    [[nodiscard]] bool has_room() const { return queue.size() < current()->queue_records_max; }
    [[nodiscard]] bool has_work() const {
        return !queue.empty() || !pending.empty() || lost > 0 || asked > finished || stopping;
    }
    [[nodiscard]] bool is_urgent() const {
        return stopping || asked > finished || queue.size() >= current()->queue_records_max / 2;
    }

    void push(std::string text) {
        bool idle = !has_work();
        queue.push_back(std::move(text));
        if (idle || is_urgent())
            work.notify_one();
    }

    void lose(std::size_t count) {
        lost += count;
        services.metrics.count(Metric::audit_dropped, static_cast<std::int64_t>(count));
    }

    // Everything that is there now is chained, or why it was not.
    Result<void> wait_for_round(std::unique_lock<std::mutex> &lock) {
        if (ended)
            return Error(ErrorCode::service_unavailable, "The audit log is closed.");
        auto round = ++asked;
        work.notify_one();
        done.wait(lock, [&] { return finished >= round || ended; });
        return outcome;
    }

    // ---- the thread
    void run() {
        for (bool last = false; !last;) {
            auto taken = take();
            last = taken.last;
            auto before = sealer->head().count;
            auto sealed =
                taken.has_work ? sealer->seal(std::move(taken.bodies), taken.shards) : Result<void>();
            services.metrics.count(Metric::audit_records,
                                   static_cast<std::int64_t>(sealer->head().count - before));
            finish(taken, sealed);
            anchor_if_due();
        }
    }

    struct Taken {
        std::vector<std::string> bodies;
        std::size_t body_count = 0;
        std::vector<kv::ShardId> shards;
        std::uint64_t round = 0;
        bool has_work = false;
        bool last = false;
    };

    Taken take() {
        std::unique_lock lock(mutex);
        auto options = current();
        auto until_anchor = std::max(anchor_at - services.clock.monotonic(), std::chrono::nanoseconds(0));
        work.wait_for(lock, until_anchor, [this] { return has_work(); });
        // What comes meanwhile shares the commit.
        if (has_work())
            work.wait_for(lock, options->seal_interval, [this] { return is_urgent(); });
        Taken taken;
        taken.has_work = has_work();
        taken.bodies.swap(queue);
        taken.body_count = taken.bodies.size();
        taken.shards.assign(pending.begin(), pending.end());
        pending.clear();
        taken.round = asked;
        taken.last = stopping;
        if (lost > 0)
            taken.bodies.push_back(loss_body(std::exchange(lost, 0)));
        room.notify_all();
        return taken;
    }

    [[nodiscard]] std::string loss_body(std::uint64_t count) const {
        Record record;
        record.action = "records_lost";
        record.outcome = Outcome::failed;
        record.reason = "The queue was full for longer than [audit] queue_wait_ms, or writing failed.";
        record.details.append("count", count);
        return body(record);
    }

    void finish(const Taken &taken, const Result<void> &sealed) {
        std::lock_guard lock(mutex);
        outcome = sealed;
        finished = taken.round;
        ended = taken.last;
        if (!sealed.ok()) {
            lose(taken.body_count);
            // The rows are there still; a failed disk stays failed until the next start, which finds them.
            if (sealed.error().code() != ErrorCode::storage_failed)
                pending.insert(taken.shards.begin(), taken.shards.end());
            if (!failing)
                services.log.error("the audit log cannot be written: " + sealed.error().reason());
        }
        failing = !sealed.ok();
        done.notify_all();
    }

    [[nodiscard]] Anchor anchor_of(Head head) const {
        Anchor anchor;
        anchor.time = time_text(services.clock.now());
        anchor.node = sealer->node();
        anchor.seal = sealer->seal_of_anchor(head, anchor.time);
        anchor.head = std::move(head);
        return anchor;
    }

    void anchor_if_due() {
        auto now = services.clock.monotonic();
        if (now < anchor_at)
            return;
        auto options = current();
        anchor_at = now + options->anchors.interval;
        auto head = sealer->head();
        if (anchorer.is_behind(head.count))
            anchorer.post(std::move(options), anchor_of(std::move(head)));
    }

    void stop() {
        {
            std::lock_guard lock(mutex);
            if (std::exchange(stopping, true))
                return;
            work.notify_one();
        }
        thread.stop();
        if (auto head = sealer->head(); anchorer.is_behind(head.count))
            anchorer.finish(current(), anchor_of(std::move(head)));
    }

    const Services services;
    const std::unique_ptr<Sealer> sealer;
    std::shared_ptr<const Options> options_;
    std::mutex mutex;
    std::condition_variable work, room, done;
    std::vector<std::string> queue;
    std::set<kv::ShardId> pending;
    std::uint64_t lost = 0;
    std::uint64_t asked = 0;    // rounds
    std::uint64_t finished = 0; // of them
    Result<void> outcome;       // of the last round
    bool failing = false;
    bool stopping = false;
    bool ended = false;
    std::chrono::nanoseconds anchor_at{}; // monotonic; of the thread
    Anchorer anchorer;
    ThreadPool thread;
};

Result<std::unique_ptr<Log>> Log::open(const Services &services, const crypto::Secret &key, std::string uuid,
                                       std::string node, std::shared_ptr<const Options> options) {
    DIVAN_TRY(auto opened,
              Sealer::open(services.engine, services.clock, key, std::move(uuid), std::move(node)));
    std::unique_ptr<Log> log(
        new Log(std::make_unique<Impl>(services, std::move(opened.sealer), std::move(options))));
    if (!opened.damage.empty()) {
        services.log.error(opened.damage);
        Record record;
        record.action = std::string(kHeadLostAction);
        record.outcome = Outcome::failed;
        record.reason = std::move(opened.damage);
        DIVAN_TRY_VOID(log->note_durable(std::move(record)));
    }
    return log;
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() {
    stop();
}

std::shared_ptr<const Options> Log::options() const {
    return impl_->current();
}

void Log::set_options(std::shared_ptr<const Options> options) {
    impl_->use(std::move(options));
}

const std::string &Log::node() const {
    return impl_->sealer->node();
}

bool Log::try_note(Record &record) {
    if (!wants(record.kind))
        return true;
    auto body = impl_->body(record);
    std::lock_guard lock(impl_->mutex);
    if (!impl_->has_room() && !impl_->stopping)
        return false;
    if (impl_->stopping)
        impl_->lose(1);
    else
        impl_->push(std::move(body));
    return true;
}

void Log::note(Record record) {
    if (!wants(record.kind))
        return;
    auto body = impl_->body(record);
    std::unique_lock lock(impl_->mutex);
    impl_->room.wait_for(lock, impl_->current()->queue_wait,
                         [this] { return impl_->has_room() || impl_->stopping; });
    if (impl_->has_room() && !impl_->stopping)
        impl_->push(std::move(body));
    else
        impl_->lose(1);
}

void Log::note_or_lose(Record record) {
    if (try_note(record))
        return;
    std::lock_guard lock(impl_->mutex);
    impl_->lose(1);
}

Result<void> Log::note_durable(Record record) {
    if (!wants(record.kind))
        return {};
    auto body = impl_->body(record);
    std::unique_lock lock(impl_->mutex);
    if (!impl_->stopping)
        impl_->push(std::move(body));
    auto recorded = impl_->wait_for_round(lock);
    if (!recorded.ok())
        return Error(ErrorCode::storage_failed,
                     "This was done, but the audit log could not be written: " + recorded.error().reason());
    return {};
}

void Log::note_pending(kv::ShardId shard) {
    std::lock_guard lock(impl_->mutex);
    bool idle = !impl_->has_work();
    impl_->pending.insert(shard);
    if (idle)
        impl_->work.notify_one();
}

Result<void> Log::retire(kv::ShardId shard) {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->pending.erase(shard);
    }
    return impl_->sealer->retire(shard);
}

Result<Head> Log::flush() {
    std::unique_lock lock(impl_->mutex);
    if (!impl_->ended) {
        DIVAN_TRY_VOID(impl_->wait_for_round(lock));
    }
    return impl_->sealer->head();
}

Result<QueryPage> Log::read(const Query &query) const {
    return read_records(impl_->services.engine, query);
}

void Log::stop() {
    impl_->stop();
}

} // namespace divan::audit
