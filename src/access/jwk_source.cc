#include "access/jwk_source.h"

#include "access/small_file.h"
#include "config/config.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

Result<JwkSet> parse_set(const Result<std::string> &text, std::string_view name, const JwkSetLimits &limits) {
    if (!text.ok())
        return text.error();
    auto set = parse_jwk_set(*text, limits);
    if (!set.ok())
        return Error(ErrorCode::service_unavailable,
                     fmt::format("{} is no key set: {}", name, set.error().reason()));
    return set;
}

Task<Result<std::string>> fetch(const JwkSource::Services &services, const JwkSourceOptions &options,
                                Cancellation &cancellation) {
    auto address = WebAddress::parse(options.url);
    if (!address.ok())
        co_return Error(ErrorCode::bad_request,
                        fmt::format("The URL of the key set cannot be used: {}", address.error().reason()));
    auto limits = options.web;
    limits.body_bytes_max = options.limits.bytes_max;
    co_return co_await fetch_document(services.loop, services.client, std::move(*address), std::move(limits),
                                      cancellation);
}

} // namespace

Result<void> check_jwks_url(std::string_view url) {
    if (url.empty())
        return {};
    auto address = WebAddress::parse(url);
    if (!address.ok())
        return Error(ErrorCode::bad_request,
                     fmt::format("this is not the URL of a key set, as https://id.example.com/keys: {}",
                                 address.error().reason()));
    return {};
}

JwkSourceOptions jwt_key_options(const config::Config &config) {
    auto seconds = [&](const char *key) { return std::chrono::seconds(config.integer("jwt_auth", key)); };
    JwkSourceOptions options;
    options.file = config.text("jwt_auth", "jwks_file");
    options.url = config.text("jwt_auth", "jwks_url");
    options.refresh_interval = seconds("jwks_refresh_seconds");
    options.request_interval = seconds("jwks_request_seconds");
    options.keep_max = seconds("jwks_keep_seconds");
    options.web.ca_file = config.text("jwt_auth", "jwks_ca_file");
    options.web.timeout = Millis(config.integer("jwt_auth", "jwks_timeout_ms"));
    return options;
}

JwkSource::JwkSource(const Services &services, std::function<JwkSourceOptions()> options)
    : services_(services), options_(std::move(options)), waiting_(services.loop) {}

std::shared_ptr<const KeySet> JwkSource::current() const {
    std::lock_guard lock(mutex_);
    return current_;
}

void JwkSource::start() {
    ended_ = std::make_shared<std::promise<void>>();
    services_.loop.post([this, ended = ended_] { spawn(run(), [ended] { ended->set_value(); }); });
}

void JwkSource::stop() {
    services_.loop.post([this] { stopping_.cancel(); });
    if (auto ended = std::exchange(ended_, nullptr))
        ended->get_future().wait();
}

Task<void> JwkSource::run() {
    while (!stopping_.cancelled()) {
        co_await refresh_if_due();
        co_await wait_until_due();
    }
}

Millis JwkSource::due_age() const {
    return failed_ ? std::min(used_.request_interval, used_.refresh_interval) : used_.refresh_interval;
}

Millis JwkSource::until_age(Millis age) const {
    if (!begun_)
        return Millis(0);
    auto passed = std::chrono::floor<Millis>(services_.loop.clock().monotonic() - *begun_);
    return std::max(Millis(0), age - passed);
}

bool JwkSource::places_changed(const JwkSourceOptions &options) const {
    return options.file != used_.file || options.url != used_.url || options.web.ca_file != used_.web.ca_file;
}

Task<void> JwkSource::wait_until_due() {
    bool asked = false;
    while (!stopping_.cancelled() && !places_changed(options_())) {
        auto pause = until_age(asked ? std::min(used_.request_interval, due_age()) : due_age());
        if (pause == Millis(0)) {
            begun_.reset(); // whatever the age
            co_return;
        }
        auto end = co_await wait_for(services_.loop, requested_, pause, stopping_);
        asked |= end == WaitEnd::event;
    }
}

Task<void> JwkSource::refresh_if_due() {
    while (refreshing_)
        co_await waiting_.wait();
    auto options = options_();
    if (places_changed(options) || until_age(due_age()) == Millis(0))
        co_await refresh(std::move(options));
}

Task<void> JwkSource::refresh_if_allowed() {
    while (refreshing_)
        co_await waiting_.wait();
    auto options = options_();
    if (places_changed(options) || until_age(options.request_interval) == Millis(0))
        co_await refresh(std::move(options));
}

Task<void> JwkSource::refresh(JwkSourceOptions options) {
    refreshing_ = true;
    begun_ = services_.loop.clock().monotonic();
    if (options.file != used_.file)
        file_ = Place();
    if (options.url != used_.url)
        url_ = Place();
    used_ = options;
    failed_ = false;
    if (!options.file.empty())
        take(file_, options.file,
             parse_set(read_small_file(options.file, options.limits.bytes_max), options.file, options.limits),
             options);
    if (!options.url.empty()) {
        auto text = co_await fetch(services_, options, stopping_);
        auto shown = options.url.substr(0, options.url.find('?'));
        if (!stopping_.cancelled())
            take(url_, shown, parse_set(text, shown, options.limits), options);
    }
    publish();
    refreshing_ = false;
    waiting_.wake_all();
}

void JwkSource::take(Place &place, std::string_view name, const Result<JwkSet> &set,
                     const JwkSourceOptions &options) {
    auto now = services_.loop.clock().monotonic();
    std::string complaint;
    if (set.ok()) {
        place.keys = std::make_shared<KeySet>(set->keys);
        place.read_at = now;
        for (const auto &skipped : set->skipped)
            complaint += (complaint.empty() ? "" : "; ") + skipped;
        if (!complaint.empty())
            complaint = fmt::format("keys of {} are left out: {}", name, complaint);
    } else {
        failed_ = true;
        complaint = set.error().reason();
        if (place.keys && now - place.read_at > options.keep_max) {
            place.keys = nullptr;
            services_.log.warning(fmt::format(
                "the keys of {} are no longer used: they could not be read again for too long", name));
        }
    }
    if (complaint != place.complaint && !complaint.empty())
        services_.log.warning(complaint);
    place.complaint = std::move(complaint);
}

void JwkSource::publish() {
    auto keys = std::make_shared<KeySet>();
    for (const auto *place : {&file_, &url_})
        if (place->keys)
            keys->add_missing(*place->keys);
    std::lock_guard lock(mutex_);
    current_ = std::move(keys);
}

} // namespace divan::access
