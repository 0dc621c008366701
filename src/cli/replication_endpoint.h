#pragma once

// How commands name the databases and servers of a replication, and where their credentials come from. Pure:
// the environment is passed in.

#include "base/result.h"
#include "json/value.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace divan::cli {

// The value of a variable; nullopt: it is not set, or empty.
using Environment = std::function<std::optional<std::string>(const std::string &name)>;
[[nodiscard]] std::optional<std::string> process_environment(const std::string &name);

// The server that bare names belong to: `given`, or DIVAN_URL, or http://127.0.0.1:5984.
[[nodiscard]] std::string server_url(const std::string &given, const Environment &environment);

struct EndName {
    std::string text;            // a URL, or the name of a database of `server`
    std::string server;          // a URL
    std::string login_variable;  // holds NAME:PASSWORD, for a URL that has none
    std::string bearer_variable; // holds a token; empty: none is used
};
// {"url", "auth"} as `_replicate` takes them. Errors: bad_request, never with a password.
[[nodiscard]] Result<json::Object> end_object(const EndName &name, const Environment &environment);

// "http://HOST/db" of "http://HOST/" and "db".
[[nodiscard]] std::string database_url(std::string_view server, std::string_view database);

} // namespace divan::cli
