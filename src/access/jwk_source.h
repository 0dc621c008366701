#pragma once

// Keys for tokens from a file and from a URL, kept up to date.

#include "access/jwk_set.h"
#include "access/web_request.h"
#include "base/event_loop.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace divan::config {
class Config;
}
namespace divan::telemetry {
class Logger;
}

namespace divan::access {

// Where keys come from. Empty texts: from nowhere.
struct JwkSourceOptions {
    std::string file; // a key set (RFC 7517)
    std::string url;  // as WebAddress::parse() takes it
    Millis refresh_interval{3'600'000};
    // Between two refreshes that are asked for, or that failed: tokens with invented key ids must not make
    // this server hammer the provider.
    Millis request_interval{60'000};
    // A set that could not be read again for so long is dropped: its keys may have been revoked meanwhile.
    Millis keep_max{86'400'000};
    WebLimits web;
    JwkSetLimits limits;
};

// By the settings jwks_* of [jwt_auth].
[[nodiscard]] JwkSourceOptions jwt_key_options(const config::Config &config);

// Errors: bad_request for a URL that would be refused, saying what to do. An empty one is fine.
[[nodiscard]] Result<void> check_jwks_url(std::string_view url);

// Reads both places. A refresh that fails keeps the last good set of its place, up to keep_max; what fails is
// logged once, until it succeeds or fails in another way.
class JwkSource {
  public:
    struct Services {
        EventLoop &loop; // the client's
        net::HttpClient &client;
        telemetry::Logger &log;
    };
    // `options` is asked before each refresh, on the loop. Everything outlives the source.
    JwkSource(const Services &services, std::function<JwkSourceOptions()> options);
    // REQUIRES: stopped, or never started; no refresh under way.
    ~JwkSource() = default;
    JwkSource(const JwkSource &) = delete;
    JwkSource &operator=(const JwkSource &) = delete;

    // ---- Any thread, without waiting

    // Refreshes from now on by itself, the first time at once. Called once.
    void start();
    // The keys as they are known now; never null, empty at first. Of the same family and id in both places,
    // the file's key counts.
    [[nodiscard]] std::shared_ptr<const KeySet> current() const;
    // Asks a started source for a refresh, because a key is not known or the settings have changed: at once
    // if the places are others now, else when request_interval has passed since the last one.
    void request_refresh() { requested_->notify(); }

    // ---- Not on the loop's thread

    // Ends what start() began and waits until it has ended; refreshes that others wait for end soon.
    // Idempotent; before the loop stops, and the loop stops before the source is destroyed.
    void stop();

    // ---- On the loop

    // Refresh and wait for the end, if one is due by refresh_interval; if one is allowed by request_interval.
    // A refresh that is under way is waited for.
    Task<void> refresh_if_due();
    Task<void> refresh_if_allowed();

  private:
    struct Place {
        std::shared_ptr<const KeySet> keys;
        std::chrono::nanoseconds read_at{}; // monotonic
        std::string complaint;              // what was logged last
    };

    Task<void> run();
    Task<void> refresh(JwkSourceOptions options);
    Task<void> wait_until_due();
    void take(Place &place, std::string_view name, const Result<JwkSet> &set,
              const JwkSourceOptions &options);
    void publish();
    // How long until a refresh, 0 = now, if one is wanted when the last is so old.
    [[nodiscard]] Millis until_age(Millis age) const;
    [[nodiscard]] Millis due_age() const;
    [[nodiscard]] bool places_changed(const JwkSourceOptions &options) const;

    const Services services_;
    const std::function<JwkSourceOptions()> options_;
    // ---- on the loop
    Cancellation stopping_;
    WaitLine waiting_;
    bool refreshing_ = false;
    Place file_, url_;
    JwkSourceOptions used_;                         // by the last refresh
    std::optional<std::chrono::nanoseconds> begun_; // the last refresh; monotonic
    bool failed_ = false;
    // ---- any thread
    const std::shared_ptr<Event> requested_ = std::make_shared<Event>();
    mutable std::mutex mutex_;
    std::shared_ptr<const KeySet> current_ = std::make_shared<KeySet>();
    std::shared_ptr<std::promise<void>> ended_; // null: not started
};

} // namespace divan::access
