// The part of Authenticator that checks passwords.

#include "access/authenticator.h"
#include "access/login_errors.h"
#include "access/password_policy.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kVerifiedMin = 1'000;

// What a password was checked against: it is forgotten when that is another one.
std::string checked_against(const User &user) {
    return user.password ? user.password->salt + user.password->key : "directory:" + user.salt;
}

} // namespace

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
    const auto salt = user ? user->salt : std::string();
    if (auto free = check_lockout(login, salt); !free.ok())
        return refuse(free.error());
    if (user && user->conflicted)
        return refuse(conflicted());
    bool known_before = user && is_verified(login, *user);
    if (!known_before) {
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
    // Not sooner: who knows the password must not try codes without end.
    if (!known_before || has_second_factor(*user))
        lockout_.succeeded(login.address, login.name, salt);
    if (!login.new_password.empty()) {
        auto changed = set_password(login, std::move(user));
        if (!changed.ok())
            return refuse(changed.error());
        user = std::move(*changed);
    } else if (has_expired(*user)) {
        return refuse(password_expired());
    }
    auto principal = principal_of(std::move(user), "default");
    principal.password_checked = !known_before;
    return {Step::Kind::found, std::move(principal)};
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
    remember(login, *user, kForever);
    upgrade_hash(*user, login.password.reveal());
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

} // namespace divan::access
