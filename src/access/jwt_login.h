#pragma once

// Authorization: Bearer, by the settings: keys of [jwt_keys], and of an issuer if there is a source of them;
// rules of [jwt_auth].

#include "access/jwt.h"
#include "base/clock.h"
#include "config/config.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace divan::access {

// What [jwt_auth] says. Errors: as parse_required_claims().
[[nodiscard]] Result<JwtRules> jwt_rules(const config::Config &config);

// Thread-safe.
class JwtLogin {
  public:
    // The keys that somebody else publishes (jwk_source.h). Neither blocks.
    struct Issuer {
        std::function<std::shared_ptr<const KeySet>()> keys; // as they are known now
        std::function<void()> request_refresh;               // a token names one that is not known
    };

    // Both outlive it.
    JwtLogin(const config::Config &config, Clock &clock);

    // nullopt: another scheme. Errors: as verify_jwt().
    [[nodiscard]] std::optional<Result<JwtClaims>> read(std::string_view authorization) const;

    // Before requests come.
    void set_issuer(Issuer issuer) { issuer_ = std::move(issuer); }
    // Settings may have changed: reads the keys again. What cannot be used is no key. Errors: of what cannot.
    Result<void> reload();

  private:
    const config::Config &config_;
    Clock &clock_;
    Issuer issuer_;
    std::shared_ptr<const KeySet> keys_; // std::atomic_load
};

} // namespace divan::access
