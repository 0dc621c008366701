#include "access/authenticator.h"

#include "access/basic_credentials.h"
#include "access/certificate_login.h"
#include "access/login_errors.h"
#include "access/proxy_login.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

// Passwords that wait to be hashed, or are, and those that wait for the directory; further logins are
// answered 503.
constexpr int kHashingMax = 64;

} // namespace

Authenticator::Authenticator(const Services &services)
    : services_(services), jwt_(services.config, services.clock), lockout_(services.config, services.clock),
      verified_(services.random), second_factors_(services.clock, services.random),
      scram_logins_(services.config, services.clock, services.random) {}

Principal Authenticator::principal_of(std::shared_ptr<const User> user, std::string_view how) const {
    Principal principal{user->name, user->roles, std::string(how)};
    principal.enrolment_due = needs_second_factor(*user);
    principal.account = std::move(user);
    return principal;
}

// ---- the chain

Result<void> Authenticator::elevate(Principal &principal) {
    if (services_.policies == nullptr)
        return {};
    DIVAN_TRY(auto policies, services_.policies->current());
    policies->elevate(principal);
    return {};
}

// nullopt: too much effort.
std::optional<Result<Principal>> Authenticator::outcome(Step step, Effort effort) {
    switch (step.kind) {
    case Step::Kind::too_much:
        return std::nullopt;
    case Step::Kind::refused:
        return Result<Principal>(std::move(*step.error));
    case Step::Kind::pass:
    case Step::Kind::found:
        break;
    }
    if (effort == Effort::none && services_.policies != nullptr) {
        auto policies = services_.policies->current_cached();
        if (!policies)
            return std::nullopt;
        policies->elevate(step.principal);
    } else if (auto elevated = elevate(step.principal); !elevated.ok()) {
        return Result<Principal>(elevated.error());
    }
    return Result<Principal>(std::move(step.principal));
}

std::optional<Result<Principal>> Authenticator::run(const net::RequestHead &head, Effort effort) {
    auto handlers = parse_handlers(services_.config.text("chttpd", "authentication_handlers"));
    if (!handlers.ok())
        return Result<Principal>(handlers.error());
    for (auto handler : *handlers) {
        Step step;
        switch (handler) {
        case Handler::cookie:
            step = by_cookie(head, effort);
            break;
        case Handler::password:
            step = by_password(head, effort);
            break;
        case Handler::proxy:
            step = by_proxy(head, effort);
            break;
        case Handler::jwt:
            step = by_token(head, effort);
            break;
        case Handler::certificate:
            step = by_certificate(head, effort);
            break;
        }
        if (step.kind != Step::Kind::pass)
            return outcome(std::move(step), effort);
    }
    return Result<Principal>(Principal());
}

std::optional<Result<Principal>> Authenticator::authenticate_quickly(const net::RequestHead &head) {
    return run(head, Effort::none);
}

Task<Result<Principal>> Authenticator::authenticate(const net::RequestHead &head, Executor &home) {
    Attempt attempt = [this, &head](Effort effort) { return run(head, effort); };
    co_return co_await try_harder(std::move(attempt), home);
}

Task<Result<Principal>> Authenticator::log_in(Login login, Executor &home) {
    Attempt attempt = [this, &login](Effort effort) {
        return outcome(check_password(login, effort), effort);
    };
    co_return co_await try_harder(std::move(attempt), home);
}

Task<Result<Principal>> Authenticator::try_harder(Attempt attempt, Executor &home) {
    auto answer = co_await run_on(services_.engine_pool, home, [&attempt] { return attempt(Effort::reads); });
    if (answer)
        co_return std::move(*answer);
    answer = co_await try_on(services_.login_pool, Effort::hashes, hashing_, attempt, home);
    if (answer)
        co_return std::move(*answer);
    auto *pool = services_.directory_pool != nullptr ? services_.directory_pool : &services_.login_pool;
    answer = co_await try_on(*pool, Effort::directory, asking_, attempt, home);
    co_return std::move(*answer);
}

Task<std::optional<Result<Principal>>> Authenticator::try_on(Executor &pool, Effort effort, int &running,
                                                             Attempt &attempt, Executor &home) {
    {
        std::lock_guard lock(mutex_);
        if (running >= kHashingMax)
            co_return Result<Principal>(
                Error(ErrorCode::service_unavailable, "Too many logins at once: try again later."));
        ++running;
    }
    auto answer = co_await run_on(pool, home, [&attempt, effort] { return attempt(effort); });
    {
        std::lock_guard lock(mutex_);
        --running;
    }
    co_return answer;
}

// nullopt: too much effort.
std::optional<Result<std::shared_ptr<const User>>> Authenticator::find_user(const std::string &name,
                                                                            Effort effort) {
    if (effort != Effort::none)
        return services_.users.find(name);
    auto cached = services_.users.find_cached(name);
    if (!cached)
        return std::nullopt;
    return Result<std::shared_ptr<const User>>(std::move(*cached));
}

// ---- the handlers

Authenticator::Step Authenticator::by_cookie(const net::RequestHead &head, Effort effort) {
    auto header = head.headers.find("Cookie");
    auto value = header ? find_session_cookie(*header) : std::nullopt;
    if (!value || value->empty())
        return {};
    auto token = parse_session_token(*value);
    if (!token)
        return refuse({ErrorCode::bad_request, "Malformed AuthSession cookie. Please clear your cookies."});
    auto user = find_user(token->name, effort);
    if (!user)
        return {Step::Kind::too_much};
    if (!user->ok())
        return refuse(user->error());
    const auto &found = **user;
    // Without a salt the secret alone would sign for everybody.
    if (found == nullptr || found->salt.empty() || !services_.cookies.verify(*token, found->salt))
        return {};
    if (found->conflicted)
        return refuse(conflicted());
    if (found->locked)
        return {};
    return {Step::Kind::found, principal_of(found, "cookie")};
}

Authenticator::Step Authenticator::by_password(const net::RequestHead &head, Effort effort) {
    auto header = head.headers.find("Authorization");
    if (!header)
        return {};
    auto credentials = parse_basic_credentials(*header);
    if (!credentials.ok())
        return refuse(credentials.error());
    if (!*credentials)
        return {};
    Login login{
        std::move((*credentials)->name), std::move((*credentials)->password), {}, head.remote_address};
    return check_password(login, effort);
}

Authenticator::Step Authenticator::by_proxy(const net::RequestHead &head, Effort effort) {
    auto login = read_proxy_login(head, services_.config);
    if (!login)
        return {};
    return found_elsewhere(Principal{std::move(login->name), std::move(login->roles), "proxy"}, effort);
}

Authenticator::Step Authenticator::by_token(const net::RequestHead &head, Effort effort) {
    auto header = head.headers.find("Authorization");
    auto claims = header ? jwt_.read(*header) : std::nullopt;
    if (!claims)
        return {};
    if (!claims->ok())
        return refuse(claims->error());
    Principal principal{std::move((*claims)->subject), std::move((*claims)->roles), "jwt"};
    principal.valid_until = (*claims)->expires_at;
    return found_elsewhere(std::move(principal), effort);
}

Authenticator::Step Authenticator::by_certificate(const net::RequestHead &head, Effort effort) {
    auto name = certificate_user(head, services_.config);
    if (!name)
        return {};
    auto user = find_user(*name, effort);
    if (!user)
        return {Step::Kind::too_much};
    if (!user->ok())
        return refuse(user->error());
    // The authority says who somebody is, and the users database who belongs here.
    if (**user == nullptr)
        return {};
    if ((**user)->conflicted)
        return refuse(conflicted());
    if ((**user)->locked)
        return refuse(account_locked());
    return {Step::Kind::found, principal_of(std::move(**user), "certificate")};
}

Authenticator::Step Authenticator::found_elsewhere(Principal principal, Effort effort) {
    auto user = find_user(principal.name, effort);
    if (!user)
        return {Step::Kind::too_much};
    if (!user->ok())
        return refuse(user->error());
    if (**user != nullptr && (**user)->locked)
        return refuse(account_locked());
    return {Step::Kind::found, std::move(principal)};
}

// ---- sessions

Task<Result<Principal>> Authenticator::update_account(Principal principal, json::Object document,
                                                      Executor &home) {
    co_return co_await run_on(services_.login_pool, home, [&]() -> Result<Principal> {
        DIVAN_TRY_VOID(services_.users.update(*principal.account, std::move(document)));
        services_.cookies.end_sessions(principal.name);
        DIVAN_TRY(auto user, services_.users.find(principal.name));
        if (user == nullptr)
            return wrong_password();
        return principal_of(std::move(user), principal.authenticated_by);
    });
}

bool Authenticator::is_current(const Principal &principal) {
    if (principal.anonymous())
        return true;
    if (principal.valid_until && services_.clock.now() >= *principal.valid_until)
        return false;
    auto user = services_.users.find(principal.name);
    if (!user.ok())
        return true; // unknown is not ended: the next request asks again
    const auto &now = *user;
    if (!principal.account)
        return now == nullptr || !now->locked;
    return now != nullptr && now->authority == principal.account->authority;
}

std::string Authenticator::session_cookie(const Principal &principal, bool tls) {
    return services_.cookies.make(principal.name, principal.account->salt, tls);
}

bool Authenticator::should_renew(const net::RequestHead &head) const {
    auto header = head.headers.find("Cookie");
    auto value = header ? find_session_cookie(*header) : std::nullopt;
    auto token = value ? parse_session_token(*value) : std::nullopt;
    return token && services_.cookies.should_renew(*token);
}

} // namespace divan::access
