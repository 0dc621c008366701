#include "access/jwt_login.h"

#include "net/http.h"

#include <fmt/format.h>

namespace divan::access {

Result<JwtRules> jwt_rules(const config::Config &config) {
    JwtRules rules;
    DIVAN_TRY(rules.required_claims, parse_required_claims(config.text("jwt_auth", "required_claims")));
    auto path = config.text("jwt_auth", "roles_claim_path");
    rules.roles_required = !path.empty();
    rules.roles_path =
        path.empty() ? std::vector{config.text("jwt_auth", "roles_claim_name")} : parse_claim_path(path);
    return rules;
}

namespace {

// Every key that can be used, and the error of the first that cannot.
std::pair<KeySet, Result<void>> read_keys(const config::Config &config) {
    std::pair<KeySet, Result<void>> read;
    for (const auto &[name, value] : config.secrets("jwt_keys"))
        if (auto added = read.first.add_configured(name, value->reveal()); !added.ok() && read.second.ok())
            read.second =
                Error(ErrorCode::bad_request, fmt::format("[jwt_keys] {}: {}", name, added.error().reason()));
    return read;
}

} // namespace

JwtLogin::JwtLogin(const config::Config &config, Clock &clock) : config_(config), clock_(clock) {
    ignore_error(reload(), "a key that cannot be used is none");
}

Result<void> JwtLogin::reload() {
    auto [keys, read] = read_keys(config_);
    std::atomic_store(&keys_, std::make_shared<const KeySet>(std::move(keys)));
    return read;
}

std::optional<Result<JwtClaims>> JwtLogin::read(std::string_view authorization) const {
    constexpr std::string_view kBearer = "Bearer ";
    if (!net::equal_without_case(authorization.substr(0, kBearer.size()), kBearer))
        return std::nullopt;
    auto token = authorization.substr(kBearer.size());
    auto rules = jwt_rules(config_);
    if (!rules.ok())
        return Result<JwtClaims>(rules.error());
    auto configured = std::atomic_load(&keys_);
    auto claims = verify_jwt(token, *configured, clock_.now(), *rules);
    if (claims.ok() || !issuer_.keys || !names_unknown_key(token, *configured))
        return claims;
    auto published = issuer_.keys();
    if (names_unknown_key(token, *published))
        issuer_.request_refresh();
    return verify_jwt(token, *published, clock_.now(), *rules);
}

} // namespace divan::access
