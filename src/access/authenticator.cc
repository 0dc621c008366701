#include "access/authenticator.h"

#include "access/basic_credentials.h"
#include "access/certificate_login.h"
#include "access/password_policy.h"
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

Error password_expired() {
    return {ErrorCode::forbidden,
            "This password has to be replaced: log in by POST /_session with a `new_password`."};
}

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
            step = by_token(head, effort);
            break;
        case Handler::certificate:
            step = by_certificate(head, effort);
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
    if (has_second_factor(*user) || !login.new_password.empty()) {
        // A code is looked at once, and what it takes to note it is written.
        if (effort < Effort::hashes)
            return {Step::Kind::too_much};
        if (auto checked = check_second_factor(login, *user); !checked.ok())
            return refuse(checked.error());
    }
    if (user->locked)
        return refuse(account_locked());
    if (!login.new_password.empty()) {
        auto changed = set_password(login, std::move(user));
        if (!changed.ok())
            return refuse(changed.error());
        user = std::move(*changed);
    } else if (has_expired(*user)) {
        return refuse(password_expired());
    }
    return {Step::Kind::found, principal_of(std::move(user), "default")};
}

Result<void> Authenticator::check_second_factor(const Login &login, const User &user) {
    if (!has_second_factor(user))
        return {};
    // As in CouchDB: a password alone, by Basic, is not told from a wrong one.
    if (login.token.empty())
        return wrong_password();
    std::optional<json::Object> used;
    if (!second_factors_.verify(user, login.token.reveal(), used))
        return refuse_password(login, user.salt);
    return used ? services_.users.update(user, std::move(*used)) : Result<void>();
}

Result<std::shared_ptr<const User>> Authenticator::set_password(const Login &login,
                                                                std::shared_ptr<const User> user) {
    // As it is now: a recovery code may have been taken out of it.
    DIVAN_TRY(user, services_.users.find(login.name));
    if (user == nullptr)
        return wrong_password();
    // It would outlive the removal of the user from the directory.
    if (!user->password)
        return Error(ErrorCode::forbidden,
                     "Your password is not kept here: change it where you log in with it.");
    DIVAN_TRY_VOID(services_.users.change_password(*user, std::string(login.new_password.reveal())));
    return services_.users.find(login.name);
}

bool Authenticator::has_expired(const User &user) const {
    auto max_age = password_policy(services_.config).max_age;
    const auto *set_at = user.document.find("password_set_at");
    auto seconds = set_at != nullptr && !user.is_admin ? set_at->as_int64() : std::nullopt;
    return max_age.count() > 0 && seconds &&
           services_.clock.now() >= std::chrono::seconds(*seconds) + max_age;
}

bool Authenticator::needs_second_factor(const User &user) const {
    const auto &config = services_.config;
    bool all = config.boolean("authentication", "multi_factor");
    auto roles = config.list("authentication", "multi_factor_roles");
    if (has_second_factor(user) || (!all && roles.empty()))
        return false;
    return all || std::any_of(roles.begin(), roles.end(), [&](const auto &role) {
               return std::find(user.roles.begin(), user.roles.end(), role) != user.roles.end();
           });
}

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

namespace {

// What a password was checked against: it is forgotten when that is another one.
std::string checked_against(const User &user) {
    return user.password ? user.password->salt + user.password->key : "directory:" + user.salt;
}

} // namespace

bool Authenticator::is_verified(const Login &login, const User &user) {
    return verified_.contains(login.name, login.password.reveal(), checked_against(user),
                              services_.clock.monotonic());
}

void Authenticator::remember(const Login &login, const User &user, std::chrono::nanoseconds until) {
    auto entries_max = std::max(
        kVerifiedMin, static_cast<std::size_t>(services_.config.integer("chttpd_auth", "auth_cache_size")));
    verified_.remember(login.name, login.password.reveal(), checked_against(user), until, entries_max);
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
        (void)make_password_hash(services_.config, services_.random, login.password.reveal());
        return refuse_password(login, user ? user->salt : std::string());
    }
    DIVAN_TRY_VOID(check_password_cost(*user->password, services_.config));
    if (!crypto::verify_password(*user->password, login.password.reveal()))
        return refuse_password(login, user->salt);
    lockout_.succeeded(login.address, login.name, user->salt);
    remember(login, *user, kForever);
    upgrade_hash(*user, login.password.reveal());
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
    DIVAN_TRY(auto external,
              services_.directory->check_password(login.name, std::string(login.password.reveal())));
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

// ---- SCRAM

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

// ---- sessions

std::optional<bool> Authenticator::is_current(const Principal &principal, Effort effort) {
    if (principal.anonymous())
        return true;
    if (principal.valid_until && services_.clock.now() >= *principal.valid_until)
        return false;
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
