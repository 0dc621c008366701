#include "anomaly/detector.h"

#include <algorithm>
#include <cmath>

namespace divan::anomaly {
namespace {

constexpr std::size_t kSamplesMax = 5;
constexpr std::size_t kSampleBytesMax = 128;

// The newest last, each once, the oldest go.
void add_sample(std::deque<std::string> &samples, std::string text) {
    if (text.empty())
        return;
    std::erase(samples, text);
    samples.push_back(std::move(text));
    if (samples.size() > kSamplesMax)
        samples.pop_front();
}

json::Array newest(const std::deque<std::string> &texts) {
    json::Array array;
    for (auto text = texts.rbegin(); text != texts.rend() && array.size() < kSamplesMax; ++text)
        array.emplace_back(*text);
    return array;
}

double bound_of(double average, std::uint64_t floor, std::uint64_t hours, const ReadsOptions &options) {
    auto least = static_cast<double>(floor);
    if (hours < options.learning_hours)
        return least * options.factor;
    return std::max(least, average * options.factor);
}

std::uint64_t whole(double number) {
    return static_cast<std::uint64_t>(std::llround(number));
}

} // namespace

std::vector<Event> Detector::observe(const Observation &observation, const Options &options) {
    return look(observation, options, false);
}

void Detector::learn(const Observation &observation, const Options &options) {
    look(observation, options, true);
}

std::vector<Event> Detector::look(const Observation &observation, const Options &options, bool learning) {
    std::vector<Event> events;
    switch (observation.what) {
    case Observation::What::login:
        log_in(observation, options, learning, events);
        break;
    case Observation::What::failed_login:
        count(Kind::failed_logins, Subject::name, observation, options, events);
        count(Kind::failed_logins, Subject::address, observation, options, events);
        break;
    case Observation::What::refusal:
        count(Kind::refusals, Subject::name, observation, options, events);
        count(Kind::refusals, Subject::address, observation, options, events);
        break;
    case Observation::What::reads:
        count_reads(observation, options, events);
        break;
    }
    return events;
}

bool Detector::Quiet::holds_back(Time now, std::chrono::seconds window, std::uint64_t &suppressed_before) {
    if (since != Time::min() && now < since + window && now >= since - window) {
        ++suppressed;
        return true;
    }
    since = now;
    suppressed_before = std::exchange(suppressed, 0);
    return false;
}

// ---- so many within a time

void Detector::count(Kind kind, Subject by, const Observation &observation, const Options &options,
                     std::vector<Event> &events) {
    const auto &subject = by == Subject::name ? observation.principal : observation.address;
    if (subject.empty() || !options.wants(kind))
        return;
    const auto &limits = kind == Kind::failed_logins ? options.failed_logins : options.refusals;
    std::string key{static_cast<char>('0' + static_cast<int>(kind)), by == Subject::name ? 'n' : 'a'};
    auto &window = windows_.touch(key.append(subject), options.subjects_max);
    auto &times = window.times;
    auto time = observation.time;
    if (!times.empty() && time + limits.window < times.back())
        window = Window();
    else if (!times.empty())
        time = std::max(time, times.back());
    times.push_back(time);
    while (times.size() > limits.threshold || times.front() <= time - limits.window)
        times.pop_front();
    if (times.size() == 1)
        window.samples.clear();
    std::string_view shown = kind == Kind::refusals ? "paths" : by == Subject::name ? "addresses" : "names";
    const auto &sample = kind == Kind::refusals ? observation.path
                         : by == Subject::name  ? observation.address
                                                : observation.principal;
    add_sample(window.samples, clean(sample, kSampleBytesMax));
    std::uint64_t suppressed = 0;
    if (times.size() < limits.threshold || window.quiet.holds_back(time, limits.window, suppressed))
        return;
    Event event{.kind = kind, .id = {}, .time = time, .principal = {}, .address = {}, .evidence = {}};
    (by == Subject::name ? event.principal : event.address) = subject;
    event.evidence.append("count", static_cast<std::uint64_t>(times.size()));
    event.evidence.append("window_seconds", static_cast<std::int64_t>(limits.window.count()));
    event.evidence.append("first", audit::time_text(times.front()));
    event.evidence.append("last", audit::time_text(time));
    event.evidence.append(std::string(shown), newest(window.samples));
    event.evidence.append("suppressed", suppressed);
    events.push_back(std::move(event));
}

// ---- reads

// An hour counts for no more than what it was held against: one in which a user's data was carried away must
// not make the next such hour ordinary.
void Detector::begin_hour(Reads &reads, std::int64_t hour, const ReadsOptions &options) {
    if (reads.hour >= 0) {
        auto requests =
            std::min(static_cast<double>(reads.requests),
                     bound_of(reads.average_requests, options.requests_floor, reads.hours, options));
        auto bytes = std::min(static_cast<double>(reads.bytes),
                              bound_of(reads.average_bytes, options.bytes_floor, reads.hours, options));
        reads.hours = std::min(reads.hours + 1, options.history_hours);
        auto weight = 1.0 / static_cast<double>(reads.hours);
        reads.average_requests += (requests - reads.average_requests) * weight;
        reads.average_bytes += (bytes - reads.average_bytes) * weight;
    }
    reads.hour = hour;
    reads.requests = 0;
    reads.bytes = 0;
    reads.raised = false;
}

void Detector::count_reads(const Observation &observation, const Options &options,
                           std::vector<Event> &events) {
    if (observation.principal.empty() || !options.wants(Kind::many_reads))
        return;
    auto &reads = users_.touch(observation.principal, options.subjects_max).reads;
    auto hour = std::chrono::floor<std::chrono::hours>(observation.time);
    // One that came late counts in the hour that has begun.
    if (hour.count() > reads.hour || hour.count() + 1 < reads.hour)
        begin_hour(reads, hour.count(), options.reads);
    reads.requests += observation.requests;
    reads.bytes += observation.bytes;
    auto requests_bound =
        bound_of(reads.average_requests, options.reads.requests_floor, reads.hours, options.reads);
    auto bytes_bound = bound_of(reads.average_bytes, options.reads.bytes_floor, reads.hours, options.reads);
    if (static_cast<double>(reads.requests) <= requests_bound &&
        static_cast<double>(reads.bytes) <= bytes_bound)
        return;
    if (std::exchange(reads.raised, true)) {
        reads.suppressed += observation.requests;
        return;
    }
    Event event{.kind = Kind::many_reads,
                .id = {},
                .time = observation.time,
                .principal = observation.principal,
                .address = observation.address,
                .evidence = {}};
    event.evidence.append("hour", rfc3339(std::chrono::hours(reads.hour)));
    event.evidence.append("requests", reads.requests);
    event.evidence.append("requests_bound", whole(requests_bound));
    event.evidence.append("requests_average", whole(reads.average_requests));
    event.evidence.append("bytes", reads.bytes);
    event.evidence.append("bytes_bound", whole(bytes_bound));
    event.evidence.append("bytes_average", whole(reads.average_bytes));
    event.evidence.append("hours_known", reads.hours);
    event.evidence.append("suppressed", std::exchange(reads.suppressed, 0));
    events.push_back(std::move(event));
}

// ---- addresses

void Detector::log_in(const Observation &observation, const Options &options, bool learning,
                      std::vector<Event> &events) {
    if (observation.principal.empty() || observation.address.empty() || !options.wants(Kind::new_address))
        return;
    auto &user = users_.touch(observation.principal, options.subjects_max);
    auto &known = user.addresses;
    bool raise = !learning && !known.empty() &&
                 std::find(known.begin(), known.end(), observation.address) == known.end();
    if (raise) {
        std::uint64_t suppressed = 0;
        // What is held back is not known thereby: the next login from there raises an event.
        if (user.quiet.holds_back(observation.time, options.new_address.window, suppressed))
            return;
        Event event{.kind = Kind::new_address,
                    .id = {},
                    .time = observation.time,
                    .principal = observation.principal,
                    .address = observation.address,
                    .evidence = {}};
        event.evidence.append("known_count", static_cast<std::uint64_t>(known.size()));
        event.evidence.append("known", newest(known));
        event.evidence.append("suppressed", suppressed);
        events.push_back(std::move(event));
    }
    std::erase(known, observation.address);
    known.push_back(observation.address);
    while (known.size() > options.new_address.known_max)
        known.pop_front();
}

} // namespace divan::anomaly
