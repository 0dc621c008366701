#pragma once

// From the command line and the files of settings to a configuration, before anything runs.

#include "base/random.h"
#include "config/config.h"
#include "server/application.h"

#include <memory>
#include <string>

namespace divan::server {

// --name, or "divan@127.0.0.1". Errors: bad_request.
[[nodiscard]] Result<std::string> node_name_of(const ServeOptions &options);
// --data-dir, or [couchdb] database_dir of the files; makes it. Empty: in memory. Errors: bad_request, it is
// missing or cannot be used.
[[nodiscard]] Result<std::string> open_data_directory(const ServeOptions &options);
// The settings: those of the command line win over every file. Makes what a server has to have and nobody has
// set, and keeps it in the data directory, unless that is empty. Errors: those of config::Config.
[[nodiscard]] Result<std::unique_ptr<config::Config>>
load_config(const ServeOptions &options, const std::string &data_directory, Random &random);

} // namespace divan::server
