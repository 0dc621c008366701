#include "server/views_options.h"

namespace divan::server {

views::ViewsOptions views_options(const config::Config &config) {
    auto size = [&](std::string_view section, std::string_view key) {
        return static_cast<std::size_t>(config.integer(section, key));
    };
    views::ViewsOptions options;
    options.groups_max = size("divan", "view_indexes_open_max");
    options.foreground_threads = size("divan", "view_builds_max");
    options.background_threads = size("divan", "view_builds_background_max");
    options.timeouts_max = size("divan", "view_timeouts_max");
    options.reduce_limits.on = config.text("query_server_config", "reduce_limit") == "true";
    options.reduce_limits.threshold_bytes = size("query_server_config", "reduce_limit_threshold");
    options.reduce_limits.ratio = config.decimal("query_server_config", "reduce_limit_ratio");
    return options;
}

} // namespace divan::server
