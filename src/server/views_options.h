#pragma once

// The settings of views.

#include "config/config.h"
#include "views/views.h"

namespace divan::server {

[[nodiscard]] views::ViewsOptions views_options(const config::Config &config);

} // namespace divan::server
