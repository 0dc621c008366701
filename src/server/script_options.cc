#include "server/script_options.h"

namespace divan::server {

script::PoolOptions script_options(const config::Config &config) {
    auto size = [&](std::string_view key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    script::PoolOptions options;
    // This program, also when its file was replaced meanwhile.
    options.command = {"/proc/self/exe", "script-worker"};
    options.workers_max = static_cast<std::size_t>(config.integer("query_server_config", "os_process_limit"));
    options.idle_max = std::chrono::seconds(config.integer("query_server_config", "os_process_idle_limit"));
    options.function_timeout = Millis(config.integer("couchdb", "os_process_timeout"));
    options.memory_bytes_max = size("script_memory_bytes_max");
    options.programs_max = size("script_programs_max");
    options.answer_bytes_max = size("script_answer_bytes_max");
    options.log_bytes_max = size("script_log_bytes_max");
    options.queue_max = size("script_queue_max");
    return options;
}

} // namespace divan::server
