#include "crypto/password.h"

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/digest.h"

#include <charconv>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <optional>

namespace divan::crypto {
namespace {

struct Form {
    std::string_view prefix;
    const EVP_MD *(*prf)(); // null: SHA-1 of password and salt
};
constexpr Form kForms[] = {
    {"-pbkdf2:sha256-", EVP_sha256}, {"-pbkdf2-", EVP_sha1},          {"-pbkdf2:sha-", EVP_sha1},
    {"-pbkdf2:sha224-", EVP_sha224}, {"-pbkdf2:sha384-", EVP_sha384}, {"-pbkdf2:sha512-", EVP_sha512},
    {"-hashed-", nullptr},
};
constexpr const Form &kNewest = kForms[0];
// A text that asks for more is malformed: it would stop the server.
constexpr std::uint32_t kIterationsMax = 100'000'000;

std::string pbkdf2(const EVP_MD *kind, std::string_view password, std::string_view salt,
                   std::uint32_t iterations) {
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
    DIVAN_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                  reinterpret_cast<const unsigned char *>(salt.data()),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations), kind,
                                  static_cast<int>(out.size()),
                                  reinterpret_cast<unsigned char *>(out.data())) == 1);
    return out;
}

const Form *form_of(std::string_view text) {
    for (const auto &form : kForms)
        if (text.starts_with(form.prefix))
            return &form;
    return nullptr;
}

struct Parsed {
    const Form *form;
    std::string hash; // raw
    std::string_view salt;
    std::uint32_t iterations = 1;
};

std::optional<Parsed> parse(std::string_view text) {
    Parsed parsed{form_of(text), {}, {}};
    if (parsed.form == nullptr)
        return std::nullopt;
    text.remove_prefix(parsed.form->prefix.size());
    auto comma = text.find(',');
    if (comma == std::string_view::npos)
        return std::nullopt;
    auto hash = hex_decode(text.substr(0, comma));
    if (!hash)
        return std::nullopt;
    parsed.hash = *hash;
    text.remove_prefix(comma + 1);
    if (parsed.form->prf == nullptr) {
        parsed.salt = text;
        return parsed;
    }
    comma = text.find(',');
    if (comma == std::string_view::npos)
        return std::nullopt;
    parsed.salt = text.substr(0, comma);
    text.remove_prefix(comma + 1);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed.iterations);
    if (error != std::errc() || end != text.data() + text.size() || parsed.iterations == 0 ||
        parsed.iterations > kIterationsMax)
        return std::nullopt;
    return parsed;
}

} // namespace

std::string hash_password(std::string_view password, std::string_view salt, std::uint32_t iterations) {
    return fmt::format("{}{},{},{}", kNewest.prefix,
                       hex_encode(pbkdf2(kNewest.prf(), password, salt, iterations)), salt, iterations);
}

bool is_hashed(std::string_view text) {
    return form_of(text) != nullptr;
}

bool verify_password(std::string_view text, std::string_view password) {
    auto parsed = parse(text);
    if (!parsed)
        return false;
    auto prf = parsed->form->prf;
    auto hash = prf == nullptr ? sha1(std::string(password).append(parsed->salt))
                               : pbkdf2(prf(), password, parsed->salt, parsed->iterations);
    return constant_time_equal(hash, parsed->hash);
}

std::string_view password_salt(std::string_view text) {
    auto parsed = parse(text);
    return parsed ? parsed->salt : std::string_view();
}

} // namespace divan::crypto
