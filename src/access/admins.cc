#include "access/admins.h"

#include "access/password_policy.h"
#include "base/encoding.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {

crypto::PasswordHash make_password_hash(const config::Config &config, Random &random,
                                        std::string_view password, std::string salt) {
    if (salt.empty())
        salt = hex_encode(random.bytes(16));
    auto iterations = static_cast<std::uint32_t>(config.integer("chttpd_auth", "iterations"));
    auto prf = crypto::hash_function(config.text("chttpd_auth", "pbkdf2_prf"));
    return crypto::hash_password(password, std::move(salt), iterations,
                                 prf.value_or(crypto::HashFunction::sha256));
}

bool is_known_default_password(std::string_view name, std::string_view password) {
    constexpr std::string_view kKnown[] = {
        "password", "admin", "change_me", "changeme", "secret",  "couchdb", "divan",  "123456", "12345678",
        "root",     "pass",  "passw0rd",  "test",     "default", "letmein", "qwerty", ""};
    return password == name || std::find(std::begin(kKnown), std::end(kKnown), password) != std::end(kKnown);
}

Result<std::string> Admins::admin_text(std::string_view name, std::string_view password) {
    if (password.empty())
        return Error(ErrorCode::bad_request, fmt::format("The admin `{}` needs a password.", name));
    if (exposed_ && is_known_default_password(name, password))
        return Error(
            ErrorCode::bad_request,
            fmt::format("The password of admin `{}` is one that everybody tries first. It is refused on "
                        "an address that others can reach: choose another one.",
                        name));
    DIVAN_TRY_VOID(check_password_policy(password, password_policy(config_)));
    return crypto::password_hash_text(make_password_hash(config_, random_, password));
}

Result<std::vector<std::string>> Admins::hash_plain_admins() {
    std::vector<std::string> weak;
    for (const auto &[name, text] : config_.secrets("admins")) {
        if (crypto::is_hashed(text->reveal()))
            continue;
        DIVAN_TRY(auto hashed, admin_text(name, text->reveal()));
        if (is_known_default_password(name, text->reveal()))
            weak.push_back(name);
        ignore_error(config_.set("admins", name, std::move(hashed), true), "stays in memory");
    }
    return weak;
}

} // namespace divan::access
