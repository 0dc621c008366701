#include "server/listeners.h"

#include "net/loopback.h"

#include <fmt/format.h>

namespace divan::server {
namespace {

std::vector<std::filesystem::file_time_type> written_at(const net::ServerTlsOptions &options) {
    std::vector<std::filesystem::file_time_type> times;
    for (const auto *file : {&options.certificate_file, &options.key_file, &options.ca_file}) {
        std::error_code ignored;
        times.push_back(file->empty() ? std::filesystem::file_time_type()
                                      : std::filesystem::last_write_time(*file, ignored));
    }
    return times;
}

// Of a parser, what a check wants to know.
template <typename Parse> config::Config::Check check_with(Parse parse) {
    return [parse](std::string_view value) {
        auto parsed = parse(value);
        return parsed.ok() ? Result<void>() : Result<void>(parsed.error());
    };
}

} // namespace

Result<void> Listeners::check() {
    for (std::string_view section : {"chttpd", "ssl"})
        for (std::string_view key : {"ip_allow", "ip_deny"}) {
            DIVAN_TRY_VOID(config_.add_check(section, key, check_with(net::AddressList::parse)));
        }
    DIVAN_TRY_VOID(config_.add_check("ssl", "tls_versions", check_with(net::parse_tls_versions)));
    DIVAN_TRY_VOID(config_.add_check("ssl", "ciphers", check_with(net::parse_ciphers)));
    if (tls_enabled()) {
        std::lock_guard lock(mutex_);
        DIVAN_TRY_VOID(load_certificate());
    }
    return {};
}

Result<void> Listeners::open(net::Server &server) {
    server_ = &server;
    DIVAN_TRY(plain_, bind(server, "chttpd", config_.text("chttpd", "bind_address"), url_));
    if (tls_enabled()) {
        DIVAN_TRY(tls_, bind(server, "ssl", tls_address(), tls_url_));
    }
    server.set_connections_per_address_max(
        static_cast<std::size_t>(config_.integer("divan", "connections_per_address_max")));
    log_.info(fmt::format("listening at {}{}{}", url_, tls_url_.empty() ? "" : " and ", tls_url_));
    return {};
}

Result<net::Listener> Listeners::bind(net::Server &server, std::string_view section,
                                      const std::string &address, std::string &url) {
    auto port = static_cast<std::uint16_t>(config_.integer(section, "port"));
    std::unique_lock lock(mutex_);
    auto options = listener_options(section);
    lock.unlock();
    auto bound = server.listen({address, port}, std::move(options));
    if (!bound.ok())
        return Error(bound.error().code(),
                     fmt::format("{} See [{}] bind_address and port.", bound.error().reason(), section));
    url = fmt::format("{}://{}:{}/", section == "ssl" ? "https" : "http",
                      address.find(':') == std::string::npos ? address : "[" + address + "]", bound->port());
    return bound;
}

std::string Listeners::tls_address() const {
    auto address = config_.text("ssl", "bind_address");
    return address.empty() ? config_.text("chttpd", "bind_address") : address;
}

bool Listeners::exposed() const {
    return !net::is_loopback(config_.text("chttpd", "bind_address")) ||
           (tls_enabled() && !net::is_loopback(tls_address()));
}

Result<net::ServerTlsOptions> Listeners::tls_options() const {
    net::ServerTlsOptions options;
    options.certificate_file = config_.text("ssl", "cert_file");
    options.key_file = config_.text("ssl", "key_file");
    options.key_password = config_.secret("ssl", "password");
    options.ca_file = config_.text("ssl", "cacert_file");
    options.verify_client = config_.boolean("ssl", "verify_ssl_certificates");
    options.client_certificate_required = config_.boolean("ssl", "fail_if_no_peer_cert");
    options.chain_depth_max = static_cast<int>(config_.integer("ssl", "ssl_certificate_max_depth"));
    DIVAN_TRY(options.versions, net::parse_tls_versions(config_.text("ssl", "tls_versions")));
    options.ciphers = config_.text("ssl", "ciphers");
    return options;
}

// REQUIRES: mutex_ is held. The lists were checked when they were set.
net::ListenerOptions Listeners::listener_options(std::string_view section) const {
    net::ListenerOptions options;
    if (section == "ssl")
        options.tls = certificate_;
    options.allow = net::AddressList::parse(config_.text(section, "ip_allow")).value();
    options.deny = net::AddressList::parse(config_.text(section, "ip_deny")).value();
    return options;
}

// REQUIRES: mutex_ is held. A failure leaves the old certificate.
Result<void> Listeners::load_certificate() {
    DIVAN_TRY(loaded_options_, tls_options());
    // Before they are read: what changes meanwhile is read once more.
    loaded_times_ = written_at(loaded_options_);
    DIVAN_TRY(certificate_, net::load_server_tls(loaded_options_));
    metrics_.count(telemetry::Metric::certificates_loaded);
    return {};
}

// REQUIRES: mutex_ is held.
void Listeners::set_listener_options() {
    plain_->set_options(listener_options("chttpd"));
    if (tls_)
        tls_->set_options(listener_options("ssl"));
}

void Listeners::apply_settings() {
    server_->set_connections_per_address_max(
        static_cast<std::size_t>(config_.integer("divan", "connections_per_address_max")));
    if (tls_) {
        auto options = tls_options();
        std::unique_lock lock(mutex_);
        bool changed = options.ok() && *options != loaded_options_;
        lock.unlock();
        if (changed)
            return reload_certificate(true);
    }
    std::lock_guard lock(mutex_);
    set_listener_options();
}

void Listeners::reload_certificate(bool always) {
    if (!tls_)
        return;
    std::lock_guard lock(mutex_);
    if (!always && written_at(loaded_options_) == loaded_times_)
        return;
    auto loaded = load_certificate();
    if (!loaded.ok())
        log_.error(
            fmt::format("the certificate of the HTTPS listener was not replaced, the old one stays: {}",
                        loaded.error().reason()));
    else
        log_.info(fmt::format("the certificate of the HTTPS listener was read again: {}",
                              loaded_options_.certificate_file));
    set_listener_options();
}

} // namespace divan::server
