#include "server/connection_log.h"

#include <fmt/format.h>

namespace divan::server {

using net::ConnectionEvent;
using telemetry::Metric;

void ConnectionLog::note(ConnectionEvent event, const std::string &address, std::string_view detail) {
    switch (event) {
    case ConnectionEvent::tls_established:
        metrics_.count(Metric::tls_connections);
        return;
    case ConnectionEvent::tls_failed:
        metrics_.count(Metric::tls_handshakes_failed);
        if (may_log("tls " + address))
            log_.info(fmt::format("TLS with {} has failed: {}", address, detail));
        return;
    case ConnectionEvent::address_refused:
        metrics_.count(Metric::connections_refused);
        if (may_log("list " + address))
            log_.warning(fmt::format("connections from {} are refused by ip_allow or ip_deny", address));
        return;
    case ConnectionEvent::too_many_of_address:
        metrics_.count(Metric::connections_refused);
        if (may_log("count " + address))
            log_.warning(fmt::format("{} has as many connections as [divan] connections_per_address_max "
                                     "allows; further ones are refused",
                                     address));
    }
}

bool ConnectionLog::may_log(std::string what) {
    auto now = clock_.monotonic();
    std::lock_guard lock(mutex_);
    while (!logged_.empty() && now - logged_.front().at >= kInterval) {
        logged_recently_.erase(logged_.front().what);
        logged_.pop_front();
    }
    if (logged_.size() >= kLinesMax || !logged_recently_.insert(what).second)
        return false;
    logged_.push_back({now, std::move(what)});
    return true;
}

} // namespace divan::server
