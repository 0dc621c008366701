#include "api/browser_headers.h"

#include "config/config.h"

#include <algorithm>

namespace divan::api {
namespace {

// Whether pages of others may show this answer in a frame.
std::string frame_options(const Call &call) {
    const auto &config = call.services().config;
    if (config.boolean("x_frame_options", "same_origin"))
        return "SAMEORIGIN";
    if (call.header("Host").value_or("").empty())
        return "DENY";
    auto hosts = config.list("x_frame_options", "hosts");
    auto own = call.base_url();
    bool all = hosts.size() == 1 && hosts.front() == "*";
    if (!all && std::find(hosts.begin(), hosts.end(), own) == hosts.end())
        return "DENY";
    return "ALLOW-FROM " + own;
}

} // namespace

std::optional<std::string> content_security_policy(const config::Config &config, std::string_view kind) {
    auto key = std::string(kind);
    if (!config.boolean("csp", key + "_enable"))
        return std::nullopt;
    return config.text("csp", key + "_header_value");
}

void add_browser_headers(const Call &call, net::Headers &headers) {
    const auto &config = call.services().config;
    if (config.boolean("chttpd", "enable_xframe_options"))
        headers.add("X-Frame-Options", frame_options(call));
    if (!call.head().tls)
        return;
    if (auto seconds = config.integer("ssl", "hsts_max_age"); seconds > 0)
        headers.add("Strict-Transport-Security", "max-age=" + std::to_string(seconds));
}

} // namespace divan::api
