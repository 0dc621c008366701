#include "server/startup.h"

#include "base/encoding.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace divan::server {
namespace {

constexpr std::string_view kDefaultNode = "divan@127.0.0.1";

// The name stands in URLs, log lines and metrics.
Result<void> check_node_name(std::string_view name) {
    constexpr std::size_t kNodeNameBytesMax = 255;
    bool legal = name.size() <= kNodeNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            std::string_view("@._-").find(c) != std::string_view::npos;
                 });
    if (!legal || name.starts_with("_"))
        return Error(ErrorCode::bad_request,
                     "--name and NODENAME take letters, digits and `@._-`, and do not begin with `_`.");
    return {};
}

// --data-dir, or [couchdb] database_dir of the ini files.
Result<std::string> find_data_directory(const ServeOptions &options) {
    if (!options.data_directory.empty())
        return options.data_directory;
    DIVAN_TRY(auto config, config::Config::load(options.config_files, ""));
    auto directory = config->text("couchdb", "database_dir");
    if (directory.empty())
        return Error(ErrorCode::bad_request,
                     "There is no data directory. Give --data-dir DIR, set database_dir in [couchdb] of a "
                     "--config file, or use --memory for a server that keeps nothing.");
    return directory;
}

} // namespace

Result<std::string> node_name_of(const ServeOptions &options) {
    auto name = options.node_name.empty() ? std::string(kDefaultNode) : options.node_name;
    DIVAN_TRY_VOID(check_node_name(name));
    return name;
}

Result<std::string> open_data_directory(const ServeOptions &options) {
    if (options.memory)
        return std::string();
    DIVAN_TRY(auto directory, find_data_directory(options));
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!std::filesystem::is_directory(directory))
        return Error(ErrorCode::bad_request,
                     fmt::format("The data directory {} cannot be made: {}.", directory, error.message()));
    if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
        return Error(ErrorCode::bad_request, fmt::format("The data directory {} cannot be used: {}.",
                                                         directory, std::strerror(errno)));
    return directory;
}

Result<std::unique_ptr<config::Config>> load_config(const ServeOptions &options,
                                                    const std::string &data_directory, Random &random) {
    auto local = data_directory.empty() ? std::string() : data_directory + "/local.ini";
    DIVAN_TRY(auto config, config::Config::load(options.config_files, local));
    // The command line wins over every file, and _config shows what is in force.
    if (options.bind) {
        DIVAN_TRY_VOID(config->set_override("chttpd", "bind_address", *options.bind));
    }
    if (options.port) {
        DIVAN_TRY_VOID(config->set_override("chttpd", "port", std::to_string(*options.port)));
    }
    if (options.log_level) {
        DIVAN_TRY_VOID(config->set_override("log", "level", *options.log_level));
    }
    if (options.secret) {
        DIVAN_TRY_VOID(config->set_override("chttpd_auth", "secret", *options.secret));
    }
    for (auto [section, key] : {std::pair{"couchdb", "uuid"}, std::pair{"chttpd_auth", "secret"}})
        if (config->text(section, key).empty()) {
            auto made = hex_encode(random.bytes(16));
            if (data_directory.empty()) {
                DIVAN_TRY_VOID(config->set_override(section, key, std::move(made)));
            } else {
                DIVAN_TRY(auto old, config->set(section, key, std::move(made), true));
            }
        }
    return config;
}

} // namespace divan::server
