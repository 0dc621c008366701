// Logins that an identity provider vouches for.

#include "access/authenticator.h"
#include "base/encoding.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::access {

Result<Principal> Authenticator::provision(const ExternalUser &external) {
    DIVAN_TRY(auto known, services_.users.find(external.name));
    DIVAN_TRY(auto user, services_.users.provision(external, hex_encode(services_.random.bytes(16))));
    if (user == nullptr || user->locked)
        return Error(ErrorCode::forbidden, "This account is locked: an administrator can unlock it.");
    if (known && known->authority != user->authority)
        services_.cookies.end_sessions(user->name);
    services_.log.info(fmt::format("user {} logged in by {}", user->name, external.provider));
    return principal_of(std::move(user), external.provider);
}

// On the pool for logins: it waits for a write of the engine, whose pool must not be full of those who wait.
Task<Result<Principal>> Authenticator::admit(ExternalUser external, Executor &home) {
    co_return co_await run_on(services_.login_pool, home, [this, &external] { return provision(external); });
}

} // namespace divan::access
