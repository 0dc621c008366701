#include "access/authenticator.h"

#include "access/basic_credentials.h"
#include "access/proxy_login.h"
#include "base/encoding.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

// Passwords that wait to be hashed, or are, and those that wait for the directory; further logins are
// answered 503.
constexpr int kHashingMax = 64;
constexpr std::size_t kVerifiedMin = 1'000;

Error wrong_password() {
    return {ErrorCode::unauthorized, "Name or password is incorrect."};
}

Error conflicted() {
    return {ErrorCode::unauthorized,
            "User document conflicts must be resolved before the document is used for "
            "authentication purposes."};
}

Error account_locked() {
    return {ErrorCode::forbidden, "This account is locked: an administrator can unlock it."};
}

bool has_second_factor(const User &user) {
    return user.document.contains("totp");
}

} // namespace

Authenticator::Authenticator(const Services &services)
    : services_(services), lockout_(services.config, services.clock), verified_(services.random) {}

Principal Authenticator::principal_of(std::shared_ptr<const User> user, std::string_view how) const {
    Principal principal{user->name, user->roles, std::string(how)};
    principal.account = std::move(user);
    return principal;
}

// ---- the chain

std::optional<Result<Principal>> Authenticator::outcome(Step step) {
    switch (step.kind) {
    case Step::Kind::too_much:
        return std::nullopt;
    case Step::Kind::refused:
        return Result<Principal>(std::move(*step.error));
    case Step::Kind::pass:
    case Step::Kind::found:
        break;
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
            break;
        }
        if (step.kind != Step::Kind::pass)
            return outcome(std::move(step));
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
    Attempt attempt = [this, &login](Effort effort) { return outcome(check_password(login, effort)); };
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
    auto user = find_user(login->name, effort);
    if (!user)
        return {Step::Kind::too_much};
    if (!user->ok())
        return refuse(user->error());
    if (**user != nullptr && (**user)->locked)
        return refuse(account_locked());
    return {Step::Kind::found, Principal{std::move(login->name), std::move(login->roles), "proxy"}};
}

// ---- passwords

Result<void> Authenticator::check_lockout(const Login &login, std::string_view salt) {
    auto log = [&](std::string_view what) {
        services_.log.warning(fmt::format("{} for user {} from {}", what, login.name, login.address));
    };
    switch (lockout_.check(login.address, login.name, salt)) {
    case Lockout::Verdict::free:
        return {};
    case Lockout::Verdict::warned:
        log("authentication failure threshold reached");
        return {};
    case Lockout::Verdict::name_locked:
    case Lockout::Verdict::address_locked:
        break;
    }
    log("authentication rejected: too many failures");
    return Error(ErrorCode::forbidden,
                 "Account is temporarily locked due to multiple authentication failures");
}

Authenticator::Step Authenticator::check_password(const Login &login, Effort effort) {
    auto found = find_user(login.name, effort);
    if (!found)
        return {Step::Kind::too_much};
    if (!found->ok())
        return refuse(found->error());
    auto user = std::move(**found);
    if (auto free = check_lockout(login, user ? user->salt : std::string()); !free.ok())
        return refuse(free.error());
    if (user && user->conflicted)
        return refuse(conflicted());
    if (!user || !is_verified(login, *user)) {
        bool of_directory = is_of_directory(user.get());
        if (effort < (of_directory ? Effort::directory : Effort::hashes))
            return {Step::Kind::too_much};
        auto verified = of_directory ? verify_in_directory(login) : verify(login, user);
        if (!verified.ok())
            return refuse(verified.error());
        user = std::move(*verified);
    }
    if (has_second_factor(*user))
        return refuse(wrong_password());
    if (user->locked)
        return refuse(account_locked());
    return {Step::Kind::found, principal_of(std::move(user), "default")};
}

namespace {

// What a password was checked against: it is forgotten when that is another one.
std::string checked_against(const User &user) {
    return user.password ? user.password->salt + user.password->key : "directory:" + user.salt;
}

} // namespace

bool Authenticator::is_verified(const Login &login, const User &user) {
    return verified_.contains(login.name, login.password, checked_against(user), services_.clock.monotonic());
}

void Authenticator::remember(const Login &login, const User &user, std::chrono::nanoseconds until) {
    auto entries_max = std::max(
        kVerifiedMin, static_cast<std::size_t>(services_.config.integer("chttpd_auth", "auth_cache_size")));
    verified_.remember(login.name, login.password, checked_against(user), until, entries_max);
}

Error Authenticator::refuse_password(const Login &login, std::string_view salt) {
    lockout_.failed(login.address, login.name, salt);
    services_.log.warning(
        fmt::format("authentication failed for user {} from {}", login.name, login.address));
    return wrong_password();
}

Result<std::shared_ptr<const User>> Authenticator::verify(const Login &login,
                                                          std::shared_ptr<const User> user) {
    if (user && user->password_error)
        return *user->password_error;
    if (!user || !user->password) {
        // An unknown name takes as long as a wrong password, so that names cannot be guessed by time.
        (void)make_password_hash(services_.config, services_.random, login.password);
        return refuse_password(login, user ? user->salt : std::string());
    }
    DIVAN_TRY_VOID(check_password_cost(*user->password, services_.config));
    if (!crypto::verify_password(*user->password, login.password))
        return refuse_password(login, user->salt);
    lockout_.succeeded(login.address, login.name, user->salt);
    remember(login, *user, kForever);
    upgrade_hash(*user, login.password);
    return user;
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
    DIVAN_TRY(auto external, services_.directory->check_password(login.name, login.password));
    DIVAN_TRY(auto known, services_.users.find(login.name));
    auto salt = known ? known->salt : std::string();
    if (!external)
        return refuse_password(login, salt);
    DIVAN_TRY(auto user, services_.users.provision(*external, hex_encode(services_.random.bytes(16))));
    if (known && known->authority != user->authority)
        services_.cookies.end_sessions(user->name);
    lockout_.succeeded(login.address, login.name, salt);
    remember(login, *user, services_.clock.monotonic() + services_.directory->remembered());
    return user;
}

// Stores a password anew that was hashed in another way than the settings say. As couch_password_hasher: the
// salt stays, so that sessions do, and nodes that do the same write the same.
void Authenticator::upgrade_hash(const User &user, std::string_view password) {
    const auto &config = services_.config;
    if (user.is_admin || user.rev.empty() || !config.boolean("chttpd_auth", "upgrade_hash_on_auth"))
        return;
    const auto &stored = *user.password;
    if (stored.scheme == crypto::PasswordHash::Scheme::pbkdf2 &&
        stored.iterations == config.integer("chttpd_auth", "iterations") &&
        crypto::hash_function_name(stored.prf) == config.text("chttpd_auth", "pbkdf2_prf"))
        return;
    {
        std::lock_guard lock(mutex_);
        if (!upgrading_.insert(user.name).second)
            return;
    }
    auto hash = make_password_hash(config, services_.random, password, stored.salt);
    auto document = user.document;
    set_password_members(document, hash);
    // Somebody else's change wins; the next login tries again.
    if (auto written = services_.users.update(user, std::move(document)); written.ok()) {
        services_.log.info(fmt::format("the stored password hash of user {} was upgraded", user.name));
        // So that the next request need not hash it again.
        verified_.remember(user.name, password, hash.salt + hash.key, kForever, kVerifiedMin);
    }
    std::lock_guard lock(mutex_);
    upgrading_.erase(user.name);
}

// ---- sessions

std::optional<bool> Authenticator::is_current(const Principal &principal, Effort effort) {
    if (principal.anonymous())
        return true;
    auto user = find_user(principal.name, effort);
    if (!user)
        return std::nullopt;
    if (!user->ok())
        return true; // unknown is not ended: the next request asks again
    const auto &now = **user;
    if (!principal.account)
        return now == nullptr || !now->locked;
    return now != nullptr && now->authority == principal.account->authority;
}

bool Authenticator::is_current(const Principal &principal) {
    return *is_current(principal, Effort::reads);
}

std::optional<bool> Authenticator::is_current_cached(const Principal &principal) {
    return is_current(principal, Effort::none);
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
