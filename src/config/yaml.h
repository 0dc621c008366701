#pragma once

// Settings as YAML: a map of sections, each a map of settings.
//
//   replicator:
//     max_jobs: 100
//     valid_endpoint_protocols: [https]

#include "config/ini.h"

namespace divan::config {

// Whether a file is read as YAML and not as ini: by its name.
[[nodiscard]] bool is_yaml_name(std::string_view path);

// Scalars are taken as they are written, sequences of them joined by ", "; nothing (`key:`, `~`, null) is an
// empty value. Errors: bad_request naming the line.
[[nodiscard]] Result<IniValues> parse_yaml(const std::string &text);

} // namespace divan::config
