#include "access/proxy_login.h"

#include "access/session_cookie.h"
#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"

namespace divan::access {
namespace {

std::vector<std::string> split_roles(std::string_view text) {
    std::vector<std::string> roles;
    while (!text.empty()) {
        auto comma = text.find(',');
        auto role = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        while (!role.empty() && role.front() == ' ')
            role.remove_prefix(1);
        while (!role.empty() && role.back() == ' ')
            role.remove_suffix(1);
        if (!role.empty())
            roles.emplace_back(role);
    }
    return roles;
}

bool token_is_right(std::string_view name, std::optional<std::string_view> token,
                    const config::Config &config) {
    auto given = token ? hex_decode(*token) : std::nullopt;
    auto secret = config.secret("chttpd_auth", "secret");
    if (!given || secret->empty())
        return false;
    bool right = false;
    for (const auto &algorithm : config.list("chttpd_auth", "hash_algorithms"))
        right |= crypto::constant_time_equal(*given, sign_by_name(algorithm, secret->reveal(), name));
    return right;
}

} // namespace

std::optional<ProxyLogin> read_proxy_login(const net::RequestHead &head, const config::Config &config) {
    auto header = [&](std::string_view setting) {
        return head.headers.find(config.text("chttpd_auth", setting));
    };
    auto name = header("x_auth_username");
    if (!name || name->empty())
        return std::nullopt;
    if (config.boolean("chttpd_auth", "proxy_use_secret") &&
        !token_is_right(*name, header("x_auth_token"), config))
        return std::nullopt;
    return ProxyLogin{std::string(*name), split_roles(header("x_auth_roles").value_or(""))};
}

} // namespace divan::access
