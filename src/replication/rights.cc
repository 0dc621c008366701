#include "replication/rights.h"

#include "access/authenticator.h"

#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr Millis kForever{24 * 3'600'000};

// Blocks on the engine.
Result<access::Principal> look_up(access::Authenticator &authenticator, const Replication &replication) {
    auto principal = replication.principal;
    if (principal.account && !authenticator.is_current(principal))
        return rights_changed(principal);
    DIVAN_TRY(auto user, authenticator.users().find(principal.name));
    if (user == nullptr)
        return principal;
    if (user->locked)
        return Error(ErrorCode::forbidden,
                     fmt::format("The account of `{}`, with whose rights this replication works, is locked.",
                                 principal.name));
    if (replication.with_rights_of_owner)
        principal.roles = user->roles;
    if (replication.with_rights_of_owner || principal.account)
        principal.account = std::move(user);
    DIVAN_TRY_VOID(authenticator.elevate(principal));
    return principal;
}

} // namespace

Error rights_changed(const access::Principal &principal) {
    return {
        ErrorCode::unauthorized,
        fmt::format("The password, the roles or the lock of `{}` have changed since this replication began.",
                    principal.name)};
}

Task<Result<access::Principal>> current_principal(Context &context, const Replication &replication) {
    if (context.authenticator == nullptr || replication.principal.anonymous())
        co_return replication.principal;
    co_return co_await run_on(context.pool, context.loop,
                              [&] { return look_up(*context.authenticator, replication); });
}

access::Permission permission_at(const access::Gate &gate, Cause end, const std::string &database) {
    auto permission =
        end == Cause::source ? access::Permission::database_reader : access::Permission::database_writer;
    return gate.in_system_database(permission, database, "GET", "/_changes");
}

RightsWatch::RightsWatch(Context &context, const Replication &replication, Cancellation &session)
    : context_(context), replication_(replication), session_(session) {}

Task<void> RightsWatch::run() {
    if (context_.authenticator == nullptr || replication_.principal.anonymous())
        co_return;
    access::Standing standing(*context_.authenticator, replication_.principal);
    for (auto [end, endpoint] :
         {std::pair{Cause::source, &replication_.source}, std::pair{Cause::target, &replication_.target}})
        if (endpoint->local() && context_.gate != nullptr)
            standing.need(*context_.gate, permission_at(*context_.gate, end, endpoint->database),
                          endpoint->database);
    auto event = std::make_shared<Event>();
    standing.listen(event);
    while (!stopping_.cancelled()) {
        auto holds = standing.holds_cached();
        if (!holds)
            holds = co_await run_on(context_.pool, context_.loop, [&] { return standing.holds(); });
        if (!*holds) {
            lost_ = true;
            session_.cancel();
            co_return;
        }
        auto pause = standing.time_left().value_or(kForever);
        (void)co_await wait_for(context_.loop, event, pause, stopping_);
    }
}

} // namespace divan::replication
