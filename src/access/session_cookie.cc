#include "access/session_cookie.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kCookieName = "AuthSession=";
constexpr std::int64_t kIssuedMax = std::int64_t{1} << 40; // sums with it do not overflow

} // namespace

std::string sign_by_name(std::string_view algorithm, std::string_view key, std::string_view text) {
    return crypto::hmac(crypto::hash_function(algorithm).value_or(crypto::HashFunction::sha256), key, text);
}

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

std::optional<SessionToken> parse_session_token(std::string_view value) {
    auto decoded = base64_decode(value);
    if (!decoded)
        return std::nullopt;
    auto first = decoded->find(':');
    auto second = first == std::string::npos ? first : decoded->find(':', first + 1);
    if (second == std::string::npos)
        return std::nullopt;
    SessionToken token;
    token.name = decoded->substr(0, first);
    auto [end, error] =
        std::from_chars(decoded->data() + first + 1, decoded->data() + second, token.issued, 16);
    if (error != std::errc() || end != decoded->data() + second || token.issued < 0 ||
        token.issued > kIssuedMax)
        return std::nullopt;
    token.signed_text = decoded->substr(0, second);
    token.signature = decoded->substr(second + 1);
    return token;
}

std::int64_t SessionCookies::now_seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.now()).count();
}

crypto::Secret SessionCookies::signing_key(std::string_view salt) const {
    std::string key(config_.secret("chttpd_auth", "secret")->reveal());
    key.append(salt);
    return crypto::Secret::take(key);
}

bool SessionCookies::verify(const SessionToken &token, std::string_view salt) {
    if (now_seconds() >= token.issued + config_.integer("chttpd_auth", "timeout"))
        return false;
    auto key = signing_key(salt);
    bool valid = false;
    for (const auto &algorithm : config_.list("chttpd_auth", "hash_algorithms"))
        valid |= crypto::constant_time_equal(token.signature,
                                             sign_by_name(algorithm, key.reveal(), token.signed_text));
    if (!valid)
        return false;
    std::lock_guard lock(mutex_);
    if (valid_from_.empty())
        return true;
    auto from = valid_from_.find(token.name);
    return from == valid_from_.end() || token.issued >= from->second;
}

bool SessionCookies::should_renew(const SessionToken &token) const {
    return (now_seconds() - token.issued) * 10 >= config_.integer("chttpd_auth", "timeout");
}

std::string SessionCookies::make(std::string_view name, std::string_view salt, bool tls) {
    auto issued = now_seconds();
    {
        // In the second in which sessions were ended, new ones begin with the next.
        std::lock_guard lock(mutex_);
        if (auto from = valid_from_.find(name); from != valid_from_.end())
            issued = std::max(issued, from->second);
    }
    auto text = fmt::format("{}:{:X}", name, issued);
    auto algorithms = config_.list("chttpd_auth", "hash_algorithms");
    auto key = signing_key(salt);
    auto signature = sign_by_name(algorithms.empty() ? "sha256" : algorithms.front(), key.reveal(), text);
    return std::string(kCookieName) + base64_url_encode(text + ":" + signature) + attributes(tls);
}

std::string SessionCookies::clearing(bool tls) const {
    return std::string(kCookieName) + attributes(tls);
}

std::string SessionCookies::attributes(bool tls) const {
    std::string text = "; Version=1";
    auto timeout = config_.integer("chttpd_auth", "timeout");
    if (config_.boolean("chttpd_auth", "allow_persistent_cookies"))
        text += fmt::format("; Expires={}; Max-Age={}",
                            http_date(clock_.now() + std::chrono::seconds(timeout)), timeout);
    if (tls)
        text += "; Secure";
    if (auto domain = config_.text("chttpd_auth", "cookie_domain"); !domain.empty())
        text += "; Domain=" + domain;
    text += "; Path=/; HttpOnly";
    if (auto same_site = config_.text("chttpd_auth", "same_site"); !same_site.empty())
        text += "; SameSite=" + same_site;
    return text;
}

void SessionCookies::end_sessions(std::string_view name) {
    auto now = now_seconds();
    auto life = config_.integer("chttpd_auth", "timeout");
    std::lock_guard lock(mutex_);
    std::erase_if(valid_from_, [&](const auto &entry) { return entry.second + life < now; });
    valid_from_.insert_or_assign(std::string(name), now + 1);
}

} // namespace divan::access
