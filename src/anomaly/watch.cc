#include "anomaly/watch.h"

#include "anomaly/detector.h"
#include "anomaly/responder.h"
#include "audit/log.h"
#include "base/executor.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <unordered_map>

namespace divan::anomaly {

using telemetry::Metric;

namespace {

constexpr std::size_t kLearnPageRecords = 1'000;
constexpr std::size_t kNameBytesMax = 256; // as of names in records
constexpr std::chrono::hours kWaitMax{1};  // a wait that nothing ends

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

} // namespace

struct Watch::Impl {
    Impl(const Services &given, std::shared_ptr<const Options> first)
        : services(given), options_(std::move(first)), responder(given), thread(1) {
        // Later records come by observe(), too.
        auto head = services.audit.flush();
        if (head.ok())
            learned_count = head->count;
        thread.post([this] { run(); });
    }

    [[nodiscard]] std::shared_ptr<const Options> current() const { return std::atomic_load(&options_); }

    // Of one user, since the thread has looked last.
    struct Tally {
        std::string address; // of the newest request
        std::uint64_t requests = 0;
        std::uint64_t bytes = 0;
    };
    using Tallies = std::unordered_map<std::string, Tally, TextHash, std::equal_to<>>;

    struct Taken {
        std::deque<Observation> observations;
        Tallies tallies;
        bool last = false;
    };

    // REQUIRES: the mutex.
    [[nodiscard]] bool is_urgent() const { return !queue.empty() || changed || stopping; }

    Taken take() {
        std::unique_lock lock(mutex);
        auto wait = std::min<std::chrono::nanoseconds>(responder.blocks().until_next_end().value_or(kWaitMax),
                                                       kWaitMax);
        work.wait_for(lock, wait, [this] { return is_urgent() || !tallies.empty(); });
        if (!tallies.empty())
            work.wait_for(lock, current()->reads_interval, [this] { return is_urgent(); });
        Taken taken;
        taken.observations.swap(queue);
        taken.tallies.swap(tallies);
        changed = false;
        taken.last = stopping;
        return taken;
    }

    // ---- the thread
    void run() {
        learn();
        for (bool last = false; !last;) {
            auto taken = take();
            last = taken.last;
            auto options = current();
            for (const auto &observation : taken.observations)
                look(observation, options);
            for (auto &[name, tally] : taken.tallies)
                look({.what = Observation::What::reads,
                      .time = services.clock.now(),
                      .principal = clean(name, kNameBytesMax),
                      .address = std::move(tally.address),
                      .path = {},
                      .requests = tally.requests,
                      .bytes = tally.bytes},
                     options);
            end_blocks(*options);
        }
        responder.stop();
        for (const auto &block : responder.blocks().take_all())
            responder.record_end(block, "The server stops.");
    }

    void look(const Observation &observation, const std::shared_ptr<const Options> &options) {
        for (auto &event : detector.observe(observation, *options))
            responder.raise(std::move(event), options);
    }

    void end_blocks(const Options &options) {
        for (const auto &block : responder.blocks().take_ended())
            responder.record_end(block, "Its time is over.");
        if (!options.enabled)
            for (const auto &block : responder.blocks().take_all())
                responder.record_end(block, "[anomaly] enable is false now.");
    }

    // To its end, also while the watch is stopped: who knows half of the past takes the rest for new.
    void learn() {
        auto options = current();
        audit::Query query;
        query.count = learned_count;
        query.from = learned_count - std::min<std::uint64_t>(learned_count, options->learn_records_max) + 1;
        query.records_max = kLearnPageRecords;
        for (bool more = query.from <= query.count; more;) {
            auto page = services.audit.read(query);
            if (!page.ok()) {
                services.log.warning("anomalies: the audit log cannot be read: " + page.error().reason());
                return;
            }
            for (const auto &text : page->texts)
                if (auto record = audit::parse_record(text); record.ok())
                    if (auto observation = observation_of(*record))
                        detector.learn(*observation, *options);
            query.from = page->next;
            more = page->next != 0;
        }
    }

    const Services services;
    std::shared_ptr<const Options> options_;
    Responder responder;
    Detector detector; // of the thread
    std::uint64_t learned_count = 0;

    std::mutex mutex; // below
    std::condition_variable work;
    std::deque<Observation> queue;
    Tallies tallies;
    bool changed = false;
    bool stopping = false;
    ThreadPool thread;
};

Watch::Watch(const Services &services, std::shared_ptr<const Options> options)
    : impl_(std::make_unique<Impl>(services, std::move(options))) {}

Watch::~Watch() {
    stop();
}

void Watch::set_options(std::shared_ptr<const Options> options) {
    std::atomic_store(&impl_->options_, std::move(options));
    std::lock_guard lock(impl_->mutex);
    impl_->changed = true;
    impl_->work.notify_one();
}

void Watch::observe(const audit::Record &record) {
    auto options = impl_->current();
    if (!options->enabled)
        return;
    auto observation = observation_of(record);
    if (!observation)
        return;
    if (observation->time.count() == 0)
        observation->time = impl_->services.clock.now();
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping)
        return;
    if (impl_->queue.size() >= options->queue_max) {
        impl_->services.metrics.count(Metric::anomaly_dropped);
        return;
    }
    impl_->queue.push_back(std::move(*observation));
    impl_->work.notify_one();
}

void Watch::count_read(std::string_view principal, std::string_view address, std::uint64_t bytes) {
    auto options = impl_->current();
    if (principal.empty() || !options->enabled || !options->wants(Kind::many_reads))
        return;
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping)
        return;
    auto &tallies = impl_->tallies;
    auto found = tallies.find(principal);
    if (found == tallies.end()) {
        if (tallies.size() >= options->queue_max) {
            impl_->services.metrics.count(Metric::anomaly_dropped);
            return;
        }
        if (tallies.empty())
            impl_->work.notify_one();
        found = tallies.emplace(principal, Impl::Tally()).first;
    }
    auto &tally = found->second;
    tally.address = address;
    ++tally.requests;
    tally.bytes += bytes;
}

Result<void> Watch::admit(std::string_view address) {
    auto remaining = impl_->responder.blocks().remaining(address);
    if (!remaining)
        return {};
    impl_->services.metrics.count(Metric::anomaly_refused_requests);
    return Error(ErrorCode::forbidden,
                 fmt::format("Requests from {} are refused for another {} seconds: the address is blocked.",
                             address, std::chrono::ceil<std::chrono::seconds>(*remaining).count()));
}

std::vector<BlockedAddresses::Block> Watch::blocked_addresses() const {
    return impl_->responder.blocks().list();
}

std::optional<BlockedAddresses::Block> Watch::unblock(std::string_view address) {
    return impl_->responder.blocks().remove(address);
}

void Watch::stop() {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
        impl_->work.notify_one();
    }
    impl_->thread.stop();
}

} // namespace divan::anomaly
