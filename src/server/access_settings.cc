#include "server/access_settings.h"

#include "access/authenticator.h"
#include "access/handlers.h"
#include "access/password_regexp.h"
#include "anomaly/webhook.h"
#include "net/address_list.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::server {
namespace {

void warn_of_password(telemetry::Logger &log, const std::string &name) {
    log.warning(fmt::format("the password of admin `{}` is one that everybody tries first", name));
}

} // namespace

Result<void> check_access_settings(config::Config &config, telemetry::Logger &log) {
    DIVAN_TRY_VOID(config.add_check("chttpd", "authentication_handlers", [](std::string_view text) {
        auto handlers = access::parse_handlers(text);
        return handlers.ok() ? Result<void>() : handlers.error();
    }));
    DIVAN_TRY_VOID(config.add_check("chttpd_auth", "password_regexp", access::check_password_regexps));
    DIVAN_TRY_VOID(config.add_check("jwt_auth", "required_claims", [](std::string_view text) {
        auto claims = access::parse_required_claims(text);
        return claims.ok() ? Result<void>() : claims.error();
    }));
    DIVAN_TRY_VOID(config.add_section_check("jwt_keys", [](std::string_view name, std::string_view value) {
        return access::KeySet().add_configured(name, value);
    }));
    DIVAN_TRY_VOID(config.add_check("anomaly", "block_exempt", [](std::string_view text) {
        auto list = net::AddressList::parse(text);
        return list.ok() ? Result<void>() : list.error();
    }));
    DIVAN_TRY_VOID(config.add_check("anomaly", "webhook_url", anomaly::check_webhook_url));
    DIVAN_TRY(auto handlers, access::parse_handlers(config.text("chttpd", "authentication_handlers")));
    bool by_proxy = std::find(handlers.begin(), handlers.end(), access::Handler::proxy) != handlers.end();
    if (by_proxy && !config.boolean("chttpd_auth", "proxy_use_secret"))
        log.warning("authentication by proxy without a secret: whoever reaches the server is believed "
                    "([chttpd_auth] proxy_use_secret = true asks for a token)");
    return {};
}

Result<void> admit_admin(config::Config &config, access::Admins &admins,
                         const std::optional<std::string> &admin, telemetry::Logger &log) {
    if (admin) {
        auto colon = admin->find(':');
        if (colon == std::string::npos || colon == 0 || colon + 1 == admin->size())
            return Error(ErrorCode::bad_request, "--admin needs the form NAME:PASSWORD.");
        auto name = admin->substr(0, colon);
        auto password = admin->substr(colon + 1);
        DIVAN_TRY(auto text, admins.admin_text(name, password));
        if (access::is_known_default_password(name, password))
            warn_of_password(log, name);
        DIVAN_TRY_VOID(config.set_override("admins", name, std::move(text)));
    }
    DIVAN_TRY(auto weak, admins.hash_plain_admins());
    for (const auto &name : weak)
        warn_of_password(log, name);
    if (!admins.any())
        return Error(
            ErrorCode::bad_request,
            "There is no server admin, and without one nobody could get in. Give one: `--admin "
            "NAME:PASSWORD`, "
            "the environment variables COUCHDB_USER and COUCHDB_PASSWORD, or a section [admins] with "
            "`name = password` in an ini file.");
    return {};
}

} // namespace divan::server
