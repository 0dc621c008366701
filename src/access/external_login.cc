// The part of Authenticator that logs in users whom a directory or an identity provider knows.

#include "access/authenticator.h"
#include "access/login_errors.h"
#include "base/encoding.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::access {

// The user as somebody else knows it now; roles that have changed end sessions.
Result<std::shared_ptr<const User>> Authenticator::provision(const ExternalUser &external) {
    DIVAN_TRY(auto known, services_.users.find(external.name));
    DIVAN_TRY(auto user, services_.users.provision(external, hex_encode(services_.random.bytes(16))));
    if (known && known->authority != user->authority)
        services_.cookies.end_sessions(user->name);
    return user;
}

// On the pool for logins: it waits for a write of the engine, whose pool must not be full of those who wait.
Task<Result<Principal>> Authenticator::admit(ExternalUser external, Executor &home) {
    co_return co_await run_on(services_.login_pool, home, [this, &external]() -> Result<Principal> {
        DIVAN_TRY(auto user, provision(external));
        if (user->locked)
            return account_locked();
        services_.log.info(fmt::format("user {} logged in by {}", user->name, external.provider));
        return principal_of(std::move(user), external.provider);
    });
}

bool Authenticator::is_of_directory(const User *user) const {
    if (services_.directory == nullptr || !services_.directory->enabled())
        return false;
    if (user == nullptr)
        return true;
    const auto *provider = user->document.find("identity_provider");
    return !user->is_admin && !user->password && provider != nullptr && *provider == json::Value("ldap");
}

Result<std::shared_ptr<const User>> Authenticator::verify_in_directory(const Login &login) {
    DIVAN_TRY(auto external,
              services_.directory->check_password(login.name, std::string(login.password.reveal())));
    DIVAN_TRY(auto known, services_.users.find(login.name));
    if (!external)
        return refuse_password(login, known ? known->salt : std::string());
    DIVAN_TRY(auto user, provision(*external));
    remember(login, *user, services_.clock.monotonic() + services_.directory->remembered());
    return user;
}

} // namespace divan::access
