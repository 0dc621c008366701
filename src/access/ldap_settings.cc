#include "access/ldap_settings.h"

#include "access/ldap_escape.h"
#include "net/loopback.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fstream>

namespace divan::access {
namespace {

constexpr std::size_t kServersMax = 10;

Error bad(std::string reason) {
    return {ErrorCode::bad_request, std::move(reason)};
}

// What stands in a URL is shown only when nothing in it can be a password.
Error bad_url(std::string_view url) {
    auto shown = url.find('@') == std::string_view::npos ? fmt::format(", not `{}`", url) : std::string();
    return bad(
        fmt::format("[ldap] url takes ldap://HOST, ldap://HOST:PORT and ldaps://, several separated by "
                    "spaces, without names and passwords{}.",
                    shown));
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

bool is_host(std::string_view text, bool bracketed) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [bracketed](char c) {
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (bracketed)
            return hex || c == ':' || c == '.';
        return hex || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
    });
}

Result<std::vector<LdapServer>> read_servers(const config::Config &config) {
    std::vector<LdapServer> servers;
    auto text = config.text("ldap", "url");
    auto start_tls = config.text("ldap", "start_tls");
    for (std::string_view rest = text; !rest.empty();) {
        auto end = rest.find(' ');
        auto word = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (word.empty())
            continue;
        DIVAN_TRY(auto server, parse_ldap_url(word));
        bool tls = server.url.starts_with("ldaps:");
        bool local = net::is_loopback(server.host);
        server.start_tls = !tls && (start_tls == "true" || (start_tls == "auto" && !local));
        if (!tls && !server.start_tls && !local && !config.boolean("ldap", "allow_plaintext"))
            return bad(fmt::format("Passwords would go to {} unencrypted: set [ldap] start_tls = true, use "
                                   "ldaps://, or set [ldap] allow_plaintext = true.",
                                   server.url));
        servers.push_back(std::move(server));
    }
    if (servers.empty())
        return bad("[ldap] url is missing: set it to the server, such as ldaps://ldap.example.org.");
    if (servers.size() > kServersMax)
        return bad(fmt::format("[ldap] url has more than {} servers.", kServersMax));
    return servers;
}

// A filter has balanced parentheses around everything; what it says is for the server to judge.
bool is_filter(std::string_view text) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
        if (depth < 0 || (depth == 0 && i + 1 < text.size()))
            return false;
    }
    return !text.empty() && depth == 0;
}

Result<void> check_dn(std::string_view key, const std::string &value) {
    if (value.empty() || normalized_dn(value))
        return {};
    return bad(fmt::format("[ldap] {} is no distinguished name such as ou=people,dc=example,dc=org: `{}`.",
                           key, value));
}

Result<void> check_users(const LdapSettings &settings) {
    const auto &pattern = settings.user_dn_template;
    if (pattern.empty() == settings.user_base.empty())
        return bad(
            "[ldap] needs user_dn_template (such as uid={name},ou=people,dc=example,dc=org) or user_base, "
            "below which users are searched for; one of them, not both.");
    if (!pattern.empty() &&
        (pattern.find("{name}") == std::string::npos || !normalized_dn(expand_dn(pattern, "name"))))
        return bad("[ldap] user_dn_template has to be a distinguished name with {name} in it, such as "
                   "uid={name},ou=people,dc=example,dc=org.");
    if (settings.user_filter.find("{name}") == std::string::npos || !is_filter(settings.user_filter))
        return bad(
            "[ldap] user_filter has to be a filter in parentheses with {name} in it, such as (uid={name}).");
    if (settings.name_attributes.empty())
        return bad(
            "[ldap] name_attributes is empty: name the attribute that holds the names users log in with, "
            "such as uid.");
    DIVAN_TRY_VOID(check_dn("user_base", settings.user_base));
    DIVAN_TRY_VOID(check_dn("bind_dn", settings.bind_dn));
    if (!settings.bind_dn.empty() && settings.bind_password->empty())
        return bad("[ldap] bind_dn needs a bind_password: with none, servers take it for nobody.");
    return {};
}

Result<void> check_groups(const LdapSettings &settings) {
    DIVAN_TRY_VOID(check_dn("group_base", settings.group_base));
    const auto &filter = settings.group_filter;
    bool of_user = filter.find("{dn}") != std::string::npos || filter.find("{name}") != std::string::npos;
    if (!settings.group_base.empty() && (!of_user || !is_filter(filter)))
        return bad("[ldap] group_filter has to be a filter in parentheses with {dn} or {name} in it, such as "
                   "(member={dn}).");
    if (!settings.group_base.empty() && settings.group_attribute.empty())
        return bad("[ldap] group_attribute is empty: name the attribute that holds the name of a group, such "
                   "as cn.");
    return {};
}

} // namespace

Result<LdapServer> parse_ldap_url(std::string_view url) {
    auto rest = url;
    LdapServer server;
    if (rest.starts_with("ldap://"))
        rest.remove_prefix(7);
    else if (rest.starts_with("ldaps://"))
        rest.remove_prefix(8);
    else
        return bad_url(url);
    if (rest.ends_with("/"))
        rest.remove_suffix(1);
    bool bracketed = rest.starts_with("[");
    auto end = bracketed ? rest.find(']') : rest.find(':');
    if (bracketed && end == std::string_view::npos)
        return bad_url(url);
    auto host = bracketed ? rest.substr(1, end - 1) : rest.substr(0, end);
    auto port = end == std::string_view::npos ? std::string_view() : rest.substr(bracketed ? end + 1 : end);
    if (!is_host(host, bracketed) || (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))))
        return bad_url(url);
    server.host = host;
    server.url = std::string(url.substr(0, url.find("//") + 2)) + std::string(rest);
    return server;
}

Result<LdapSettings> read_ldap_settings(const config::Config &config) {
    auto text = [&](std::string_view key) { return config.text("ldap", key); };
    auto millis = [&](std::string_view key) { return Millis(config.integer("ldap", key)); };
    LdapSettings settings;
    DIVAN_TRY(settings.servers, read_servers(config));
    settings.cacert_file = text("cacert_file");
    if (!settings.cacert_file.empty() && !std::ifstream(settings.cacert_file).good())
        return bad(fmt::format("[ldap] cacert_file {} cannot be read: it is to hold the certificates of the "
                               "authorities, as PEM.",
                               settings.cacert_file));
    settings.verify_certificates = config.boolean("ldap", "verify_certificates");
    settings.user_dn_template = text("user_dn_template");
    settings.user_base = text("user_base");
    settings.user_filter = text("user_filter");
    settings.bind_dn = text("bind_dn");
    settings.bind_password = config.secret("ldap", "bind_password");
    settings.name_attributes = config.list("ldap", "name_attributes");
    settings.user_group_attribute = text("user_group_attribute");
    settings.group_base = text("group_base");
    settings.group_filter = text("group_filter");
    settings.group_attribute = text("group_attribute");
    settings.attributes = config.list("ldap", "attributes");
    settings.roles = LdapRoles(config.section("ldap_roles"), config.boolean("ldap", "groups_as_roles"));
    settings.connect_timeout = millis("connect_timeout_ms");
    settings.request_timeout = millis("request_timeout_ms");
    settings.retry_delay = millis("retry_delay_ms");
    DIVAN_TRY_VOID(check_users(settings));
    DIVAN_TRY_VOID(check_groups(settings));
    return settings;
}

} // namespace divan::access
