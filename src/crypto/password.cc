#include "crypto/password.h"

#include "base/check.h"
#include "base/encoding.h"

#include <charconv>
#include <fmt/format.h>

namespace divan::crypto {
namespace {

using Scheme = PasswordHash::Scheme;

constexpr std::string_view kSimplePrefix = "-hashed-";
constexpr std::string_view kOldPrefix = "-pbkdf2-";
constexpr std::string_view kPrefix = "-pbkdf2:";

std::string simple(std::string_view password, std::string_view salt) {
    return sha1(std::string(password).append(salt));
}

// What a text says by its beginning; `rest` is what follows.
struct Form {
    Scheme scheme;
    HashFunction prf;
    std::string_view rest;
};

std::optional<Form> form_of(std::string_view text) {
    if (text.starts_with(kSimplePrefix))
        return Form{Scheme::simple, HashFunction::sha1, text.substr(kSimplePrefix.size())};
    if (text.starts_with(kOldPrefix))
        return Form{Scheme::pbkdf2, HashFunction::sha1, text.substr(kOldPrefix.size())};
    if (!text.starts_with(kPrefix))
        return std::nullopt;
    text.remove_prefix(kPrefix.size());
    auto dash = text.find('-');
    if (dash == std::string_view::npos)
        return std::nullopt;
    auto prf = hash_function(text.substr(0, dash));
    if (!prf)
        return std::nullopt;
    return Form{Scheme::pbkdf2, *prf, text.substr(dash + 1)};
}

// Up to the next comma, which it takes too; everything if there is none.
std::string_view take_field(std::string_view &text) {
    auto comma = text.find(',');
    auto field = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    return field;
}

} // namespace

PasswordHash hash_password(std::string_view password, std::string salt, std::uint32_t iterations,
                           HashFunction prf) {
    PasswordHash hash{Scheme::pbkdf2, prf, iterations, std::move(salt), {}};
    hash.key = pbkdf2(prf, password, hash.salt, iterations);
    return hash;
}

bool verify_password(const PasswordHash &hash, std::string_view password) {
    std::string key;
    switch (hash.scheme) {
    case Scheme::simple:
        key = simple(password, hash.salt);
        break;
    case Scheme::pbkdf2:
        key = pbkdf2(hash.prf, password, hash.salt, hash.iterations);
        break;
    case Scheme::simple_pbkdf2:
        key = pbkdf2(hash.prf, hex_encode(simple(password, hash.salt)), hash.salt, hash.iterations);
        break;
    }
    return constant_time_equal(key, hash.key);
}

std::string password_hash_text(const PasswordHash &hash) {
    DIVAN_CHECK(hash.scheme != Scheme::simple_pbkdf2);
    if (hash.scheme == Scheme::simple)
        return fmt::format("{}{},{}", kSimplePrefix, hex_encode(hash.key), hash.salt);
    return fmt::format("{}{}-{},{},{}", kPrefix, hash_function_name(hash.prf), hex_encode(hash.key),
                       hash.salt, hash.iterations);
}

bool is_hashed(std::string_view text) {
    return form_of(text).has_value();
}

std::optional<PasswordHash> parse_password_hash(std::string_view text) {
    auto form = form_of(text);
    if (!form || form->rest.find(',') == std::string_view::npos)
        return std::nullopt;
    auto rest = form->rest;
    auto key = hex_decode(take_field(rest));
    if (!key || key->empty())
        return std::nullopt;
    PasswordHash hash{form->scheme, form->prf, 0, {}, std::move(*key)};
    if (form->scheme == Scheme::simple) {
        hash.salt = rest;
        return hash;
    }
    hash.salt = take_field(rest);
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), hash.iterations);
    if (error != std::errc() || end != rest.data() + rest.size() || hash.iterations == 0 ||
        hash.iterations > kIterationsMax)
        return std::nullopt;
    return hash;
}

} // namespace divan::crypto
