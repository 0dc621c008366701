#pragma once

// Settings of access that are looked at before the server opens its doors.

#include "access/admins.h"
#include "base/result.h"
#include "config/config.h"
#include "telemetry/log.h"

#include <optional>
#include <string>

namespace divan::server {

// What is wrong here would open a door, or close all of them; from then on changes that are wrong are
// refused. Errors: bad_request naming the setting.
[[nodiscard]] Result<void> check_access_settings(config::Config &config, telemetry::Logger &log);
// Takes in the admin of the command line, NAME:PASSWORD, and hashes passwords of [admins] in plain text.
// Errors: bad_request, also if there is no admin at all.
[[nodiscard]] Result<void> admit_admin(config::Config &config, access::Admins &admins,
                                       const std::optional<std::string> &admin, telemetry::Logger &log);

} // namespace divan::server
