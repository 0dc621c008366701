#include "access/authenticator.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/password.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::access {
namespace {

// Slow hashes that run at once; further logins are answered 503.
constexpr int kHashingMax = 64;
constexpr std::size_t kRememberedMin = 1'000;
constexpr std::string_view kCookieName = "AuthSession=";

Principal admin(std::string name, const char *how) {
    return {std::move(name), {"_admin"}, how};
}

Error wrong_password() {
    return Error(ErrorCode::unauthorized, "Name or password is incorrect.");
}

} // namespace

std::optional<std::string_view> find_session_cookie(std::string_view header) {
    while (!header.empty()) {
        auto semicolon = header.find(';');
        auto part = header.substr(0, semicolon);
        header.remove_prefix(semicolon == std::string_view::npos ? header.size() : semicolon + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        if (part.starts_with(kCookieName)) {
            part.remove_prefix(kCookieName.size());
            if (part.size() >= 2 && part.front() == '"' && part.back() == '"')
                part = part.substr(1, part.size() - 2);
            return part;
        }
    }
    return std::nullopt;
}

bool is_known_default_password(std::string_view name, std::string_view password) {
    constexpr std::string_view kKnown[] = {
        "password", "admin", "change_me", "changeme", "secret",  "couchdb", "divan",  "123456", "12345678",
        "root",     "pass",  "passw0rd",  "test",     "default", "letmein", "qwerty", ""};
    return password == name || std::find(std::begin(kKnown), std::end(kKnown), password) != std::end(kKnown);
}

Authenticator::Authenticator(config::Config &config, Clock &clock, Random &random, Executor &pool)
    : config_(config), clock_(clock), random_(random), pool_(pool), fingerprint_key_(random.bytes(32)) {}

bool Authenticator::has_admin() const {
    return !config_.section("admins").empty();
}

std::optional<std::string> Authenticator::admin_hash(const std::string &name) const {
    auto admins = config_.section("admins");
    auto found = admins.find(name);
    return found == admins.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> Authenticator::admin_text(std::string_view name, std::string_view password) {
    if (password.empty())
        return Error(ErrorCode::bad_request, fmt::format("The admin `{}` needs a password.", name));
    if (exposed_ && is_known_default_password(name, password))
        return Error(
            ErrorCode::bad_request,
            fmt::format("The password of admin `{}` is one that everybody tries first. It is refused on "
                        "an address that others can reach: choose another one.",
                        name));
    auto iterations = static_cast<std::uint32_t>(config_.integer("chttpd_auth", "iterations"));
    return crypto::hash_password(password, hex_encode(random_.bytes(16)), iterations);
}

Result<std::vector<std::string>> Authenticator::hash_plain_admins() {
    std::vector<std::string> weak;
    for (const auto &[name, text] : config_.section("admins")) {
        if (crypto::is_hashed(text))
            continue;
        DIVAN_TRY(auto hashed, admin_text(name, text));
        if (is_known_default_password(name, text))
            weak.push_back(name);
        ignore_error(config_.set("admins", name, std::move(hashed), true), "stays in memory");
    }
    return weak;
}

Result<std::optional<Authenticator::Parsed>> Authenticator::parse_basic(std::string_view authorization) {
    constexpr std::string_view kBasic = "basic ";
    std::optional<Parsed> none;
    if (authorization.size() < kBasic.size())
        return none;
    for (std::size_t i = 0; i < kBasic.size(); ++i)
        if ((authorization[i] | 0x20) != kBasic[i])
            return none;
    auto decoded = base64_decode(authorization.substr(kBasic.size()));
    if (!decoded)
        return Error(ErrorCode::bad_request, "Authorization header has invalid base64 value");
    auto colon = decoded->find(':');
    if (colon == std::string::npos)
        return none;
    return std::optional(Parsed{decoded->substr(0, colon), decoded->substr(colon + 1)});
}

std::string Authenticator::fingerprint(const std::string &name, std::string_view password,
                                       std::string_view hash) const {
    return crypto::hmac_sha256(
        fingerprint_key_, fmt::format("{}:{}{}:{}{}", name.size(), name, password.size(), password, hash));
}

bool Authenticator::remembered(const std::string &fingerprint) {
    std::lock_guard lock(mutex_);
    auto found = known_.find(fingerprint);
    if (found == known_.end())
        return false;
    order_.splice(order_.begin(), order_, found->second);
    return true;
}

void Authenticator::remember(const std::string &fingerprint) {
    auto known_max =
        std::max(kRememberedMin, static_cast<std::size_t>(config_.integer("chttpd_auth", "auth_cache_size")));
    std::lock_guard lock(mutex_);
    if (known_.contains(fingerprint))
        return;
    order_.push_front(fingerprint);
    known_[fingerprint] = order_.begin();
    while (known_.size() > known_max) {
        known_.erase(order_.back());
        order_.pop_back();
    }
}

std::optional<Result<Principal>> Authenticator::authenticate_quickly(const Credentials &credentials) {
    if (credentials.cookie)
        if (auto cookie = find_session_cookie(*credentials.cookie); cookie && !cookie->empty())
            return authenticate_cookie(*cookie);
    if (!credentials.authorization)
        return Result<Principal>(Principal());
    auto parsed = parse_basic(*credentials.authorization);
    if (!parsed.ok())
        return Result<Principal>(parsed.error());
    if (!*parsed)
        return Result<Principal>(Principal());
    const auto &[name, password] = **parsed;
    auto hash = admin_hash(name);
    if (name.empty())
        return Result<Principal>(wrong_password());
    if (hash && remembered(fingerprint(name, password, *hash)))
        return Result<Principal>(admin(name, "default"));
    return std::nullopt;
}

Task<Result<Principal>> Authenticator::authenticate(std::string authorization, Executor &home) {
    auto parsed = parse_basic(authorization);
    if (!parsed.ok())
        co_return parsed.error();
    if (!*parsed)
        co_return Principal();
    auto name = (*parsed)->name;
    auto password = (*parsed)->password;
    co_return co_await check_password(std::move(name), std::move(password), home);
}

Task<Result<Principal>> Authenticator::check_password(std::string name, std::string password,
                                                      Executor &home) {
    auto hash = admin_hash(name);
    if (hash && remembered(fingerprint(name, password, *hash)))
        co_return admin(std::move(name), "default");
    {
        std::lock_guard lock(mutex_);
        if (hashing_ >= kHashingMax)
            co_return Error(ErrorCode::service_unavailable, "Too many logins at once: try again later.");
        ++hashing_;
    }
    // An unknown name takes as long as a wrong password, so that names cannot be guessed by time.
    auto text = hash.value_or("-pbkdf2:sha256-00,salt," +
                              std::to_string(config_.integer("chttpd_auth", "iterations")));
    auto correct =
        co_await run_on(pool_, home, [&text, &password] { return crypto::verify_password(text, password); });
    {
        std::lock_guard lock(mutex_);
        --hashing_;
    }
    if (!hash || !correct)
        co_return wrong_password();
    remember(fingerprint(name, password, *hash));
    co_return admin(std::move(name), "default");
}

std::string Authenticator::sign(std::string_view name_and_time, std::string_view salt, bool sha256) const {
    auto key = config_.text("chttpd_auth", "secret").append(salt);
    return sha256 ? crypto::hmac_sha256(key, name_and_time) : crypto::hmac_sha1(key, name_and_time);
}

// base64url(name ":" hex seconds ":" HMAC), as couch_httpd_auth makes it.
std::string Authenticator::session_cookie(const std::string &name, bool secure) {
    auto hash = admin_hash(name).value_or("");
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock_.now()).count();
    auto text = fmt::format("{}:{:X}", name, seconds);
    auto value = base64_url_encode(text + ":" + sign(text, crypto::password_salt(hash), true));
    return std::string(kCookieName) + value + cookie_attributes(secure);
}

std::string Authenticator::clearing_cookie(bool secure) const {
    return std::string(kCookieName) + cookie_attributes(secure);
}

std::string Authenticator::cookie_attributes(bool secure) const {
    std::string text = "; Version=1";
    auto timeout = config_.integer("chttpd_auth", "timeout");
    if (config_.boolean("chttpd_auth", "allow_persistent_cookies"))
        text += fmt::format("; Expires={}; Max-Age={}",
                            http_date(clock_.now() + std::chrono::seconds(timeout)), timeout);
    text += "; Path=/; HttpOnly";
    if (secure)
        text += "; Secure";
    if (auto domain = config_.text("chttpd_auth", "cookie_domain"); !domain.empty())
        text += "; Domain=" + domain;
    if (auto same_site = config_.text("chttpd_auth", "same_site"); !same_site.empty())
        text += "; SameSite=" + same_site;
    return text;
}

namespace {

struct CookieParts {
    std::string name;
    std::int64_t seconds = 0;
    std::string name_and_time;
    std::string signature;
};

std::optional<CookieParts> parse_cookie(std::string_view value) {
    auto decoded = base64_decode(value);
    if (!decoded)
        return std::nullopt;
    auto first = decoded->find(':');
    auto second = first == std::string::npos ? first : decoded->find(':', first + 1);
    if (second == std::string::npos)
        return std::nullopt;
    CookieParts parts;
    parts.name = decoded->substr(0, first);
    auto [end, error] =
        std::from_chars(decoded->data() + first + 1, decoded->data() + second, parts.seconds, 16);
    if (error != std::errc() || end != decoded->data() + second)
        return std::nullopt;
    parts.name_and_time = decoded->substr(0, second);
    parts.signature = decoded->substr(second + 1);
    return parts;
}

} // namespace

Result<Principal> Authenticator::authenticate_cookie(std::string_view value) const {
    auto parts = parse_cookie(value);
    if (!parts)
        return Error(ErrorCode::bad_request, "Malformed AuthSession cookie. Please clear your cookies.");
    auto hash = admin_hash(parts->name);
    if (!hash)
        return Principal();
    auto salt = crypto::password_salt(*hash);
    bool valid = crypto::constant_time_equal(parts->signature, sign(parts->name_and_time, salt, true)) ||
                 crypto::constant_time_equal(parts->signature, sign(parts->name_and_time, salt, false));
    auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now()).count();
    if (!valid || now >= parts->seconds + config_.integer("chttpd_auth", "timeout"))
        return Principal();
    return admin(parts->name, "cookie");
}

bool Authenticator::should_renew(std::string_view cookie_header) const {
    auto cookie = find_session_cookie(cookie_header);
    auto parts = cookie ? parse_cookie(*cookie) : std::nullopt;
    if (!parts)
        return false;
    auto timeout = config_.integer("chttpd_auth", "timeout");
    auto age = std::chrono::duration_cast<std::chrono::seconds>(clock_.now()).count() - parts->seconds;
    return age * 10 >= timeout;
}

} // namespace divan::access
