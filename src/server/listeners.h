#pragma once

// The sockets that are listened on, by the settings: the plain one of [chttpd] and that of [ssl]; whom they
// admit; and the certificate, which is read again when it changes.

#include "config/config.h"
#include "net/server.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace divan::server {

// Thread-safe, but for check() and open(). The services outlive it.
class Listeners {
  public:
    Listeners(config::Config &config, telemetry::Logger &log, telemetry::Registry &metrics)
        : config_(config), log_(log), metrics_(metrics) {}

    // Looks at the settings and reads the certificate; from now on the configuration refuses values that
    // cannot be used. Errors: bad_request naming the setting, the file and what to do.
    Result<void> check();
    // REQUIRES: check(). Errors: bad_request, for what cannot be bound.
    Result<void> open(net::Server &server);

    // Whether others than this machine may reach a listener.
    [[nodiscard]] bool exposed() const;
    [[nodiscard]] const std::string &url() const { return url_; }         // "http://127.0.0.1:5984/"
    [[nodiscard]] const std::string &tls_url() const { return tls_url_; } // "" without [ssl] enable

    // After a change of settings: new connections get the new ones. What cannot be used leaves the old
    // certificate in force and is logged.
    void apply_settings();
    // Reads the certificate again if one of its files has changed since it was read, or `always`.
    void reload_certificate(bool always);

  private:
    using FileTimes = std::vector<std::filesystem::file_time_type>;
    [[nodiscard]] bool tls_enabled() const { return config_.boolean("ssl", "enable"); }
    [[nodiscard]] std::string tls_address() const;
    Result<net::ServerTlsOptions> tls_options() const;
    [[nodiscard]] net::ListenerOptions listener_options(std::string_view section) const;
    Result<net::Listener> bind(net::Server &server, std::string_view section, const std::string &address,
                               std::string &url);
    Result<void> load_certificate();
    void set_listener_options();

    config::Config &config_;
    telemetry::Logger &log_;
    telemetry::Registry &metrics_;
    net::Server *server_ = nullptr;
    std::string url_;
    std::string tls_url_;
    std::optional<net::Listener> plain_;
    std::optional<net::Listener> tls_;

    std::mutex mutex_; // below
    std::shared_ptr<const net::ServerTls> certificate_;
    net::ServerTlsOptions loaded_options_; // those of the last try, good or bad
    FileTimes loaded_times_;
};

} // namespace divan::server
