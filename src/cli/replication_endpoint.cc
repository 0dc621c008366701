#include "cli/replication_endpoint.h"

#include "base/encoding.h"

#include <cstdlib>
#include <fmt/format.h>

namespace divan::cli {
namespace {

constexpr const char *kDefaultUrl = "http://127.0.0.1:5984";

Error bad(std::string reason) {
    return {ErrorCode::bad_request, std::move(reason)};
}

json::Object basic(std::string_view login) {
    auto colon = std::min(login.find(':'), login.size());
    json::Object pair;
    pair.append("username", login.substr(0, colon));
    pair.append("password", login.substr(std::min(colon + 1, login.size())));
    json::Object auth;
    auth.append("basic", std::move(pair));
    return auth;
}

// Whether a URL names a user.
bool has_login(std::string_view url) {
    auto scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return false;
    url.remove_prefix(scheme + 3);
    return url.substr(0, url.find_first_of("/?#")).find('@') != std::string_view::npos;
}

} // namespace

std::optional<std::string> process_environment(const std::string &name) {
    const char *value = std::getenv(name.c_str());
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::string server_url(const std::string &given, const Environment &environment) {
    return given.empty() ? environment("DIVAN_URL").value_or(kDefaultUrl) : given;
}

std::string database_url(std::string_view server, std::string_view database) {
    while (server.ends_with('/'))
        server.remove_suffix(1);
    return fmt::format("{}/{}", server, percent_encode(database));
}

Result<json::Object> end_object(const EndName &name, const Environment &environment) {
    bool bare = name.text.find("://") == std::string::npos;
    auto url = bare ? database_url(name.server, name.text) : name.text;
    json::Object end;
    end.append("url", url);
    if (!name.bearer_variable.empty()) {
        auto token = environment(name.bearer_variable);
        if (!token)
            return bad(fmt::format("The environment variable {}, which should hold a token, is not set.",
                                   name.bearer_variable));
        json::Object auth;
        auth.append("bearer", std::move(*token));
        end.append("auth", std::move(auth));
    } else if (auto login = environment(name.login_variable); login && !has_login(url)) {
        if (login->find(':') == std::string::npos)
            return bad(
                fmt::format("The environment variable {} must hold NAME:PASSWORD.", name.login_variable));
        end.append("auth", basic(*login));
    }
    return end;
}

} // namespace divan::cli
