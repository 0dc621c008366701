// The part of Authenticator that logs in by SCRAM.

#include "access/authenticator.h"
#include "access/login_errors.h"

namespace divan::access {

Task<Result<Authenticator::ScramStep>> Authenticator::log_in_by_scram(ScramCredentials credentials,
                                                                      std::string address, Executor &home) {
    co_return co_await run_on(services_.engine_pool, home, [&] { return scram_step(credentials, address); });
}

Result<Authenticator::ScramStep> Authenticator::scram_step(const ScramCredentials &credentials,
                                                           const std::string &address) {
    ScramStep step;
    if (credentials.session_id.empty()) {
        auto first = crypto::parse_scram_client_first(credentials.message);
        if (!first.ok())
            return Error(ErrorCode::bad_request, first.error().reason());
        DIVAN_TRY(auto user, services_.users.find(first->username));
        DIVAN_TRY(step.challenge, scram_logins_.begin(std::move(*first), user.get()));
        return step;
    }
    auto begun = scram_logins_.take(credentials.session_id);
    if (!begun)
        return Error(ErrorCode::unauthorized, "This login has not begun, or took too long: begin it again.");
    std::string server_final;
    DIVAN_TRY(step.principal, finish_scram(std::move(*begun), credentials.message, address, server_final));
    step.authentication_info = scram_authentication_info(credentials.session_id, server_final);
    return step;
}

Result<Principal> Authenticator::finish_scram(ScramLogins::Begun begun, const std::string &message,
                                              const std::string &address, std::string &server_final) {
    Login login{begun.name, {}, {}, address, {}};
    DIVAN_TRY_VOID(check_lockout(login, begun.salt));
    auto finished = begun.server.finish(message);
    if (!finished.ok() && finished.error().code() == ErrorCode::bad_request)
        return Error(ErrorCode::bad_request, finished.error().reason());
    DIVAN_TRY(auto user, services_.users.find(begun.name));
    // Another password than the one that the login began with.
    bool same = user != nullptr && user->salt == begun.salt;
    if (!finished.ok() || !same)
        return refuse_password(login, begun.salt);
    if (user->conflicted)
        return conflicted();
    DIVAN_TRY_VOID(check_second_factor(login, *user));
    if (user->locked)
        return account_locked();
    if (has_expired(*user))
        return password_expired();
    lockout_.succeeded(address, begun.name, begun.salt);
    server_final = std::move(*finished);
    return principal_of(std::move(user), "scram");
}

} // namespace divan::access
