#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/sasl_prep.h"
#include "crypto/scram.h"
#include "crypto/scram_syntax.h"

namespace divan::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSaltBytesMax = 1024;

Error refused(std::string_view reason) {
    return scram_error(ErrorCode::bad_request, "other-error", reason);
}

Result<void> check_form(std::string_view salt, std::uint32_t iterations) {
    if (salt.empty() || salt.size() > kSaltBytesMax)
        return refused("The salt of a SCRAM verifier has 1 to 1024 bytes.");
    if (iterations < kScramIterationsMin || iterations > kScramIterationsMax)
        return refused("The iterations of a SCRAM verifier are 4096 to 100000000.");
    return {};
}

Result<Secret> read_key(std::string_view text) {
    auto bytes = base64_decode_strict(text);
    if (!bytes || bytes->size() != kKeyBytes)
        return refused("A key of a SCRAM verifier has 32 bytes in base64.");
    return Secret::take(*bytes);
}

} // namespace

ScramVerifierText to_text(const ScramVerifier &verifier) {
    return {base64_encode(verifier.salt), verifier.iterations, base64_encode(verifier.stored_key.reveal()),
            base64_encode(verifier.server_key.reveal())};
}

Result<ScramVerifier> scram_verifier_from_text(const ScramVerifierText &text) {
    ScramVerifier verifier;
    auto salt = base64_decode_strict(text.salt);
    verifier.salt = salt.value_or("");
    verifier.iterations = text.iterations;
    DIVAN_TRY_VOID(check_form(verifier.salt, verifier.iterations));
    DIVAN_TRY(verifier.stored_key, read_key(text.stored_key));
    DIVAN_TRY(verifier.server_key, read_key(text.server_key));
    return verifier;
}

Result<ScramVerifier> scram_verifier_from_password(std::string_view password, std::string_view salt,
                                                   std::uint32_t iterations) {
    DIVAN_TRY_VOID(check_form(salt, iterations));
    auto prepared = sasl_prepare(password);
    if (!prepared || prepared->empty())
        return refused(
            "The password is empty, too long, or has characters that SASLprep (RFC 4013) prohibits.");
    auto salted = pbkdf2(HashFunction::sha256, *prepared, salt, iterations);
    cleanse(*prepared);
    auto verifier = scram_verifier_from_salted_password(salted, salt, iterations);
    cleanse(salted);
    return verifier;
}

Result<ScramVerifier> scram_verifier_from_salted_password(std::string_view salted_password,
                                                          std::string_view salt, std::uint32_t iterations) {
    DIVAN_TRY_VOID(check_form(salt, iterations));
    if (salted_password.size() != kKeyBytes)
        return refused("The salted password of SCRAM-SHA-256 has 32 bytes.");
    auto client_key = hmac_sha256(salted_password, "Client Key");
    auto stored_key = sha256(client_key);
    auto server_key = hmac_sha256(salted_password, "Server Key");
    cleanse(client_key);
    return ScramVerifier{std::string(salt), iterations, Secret::take(stored_key), Secret::take(server_key)};
}

ScramVerifier fake_scram_verifier(std::string_view server_secret, std::string_view username,
                                  std::uint32_t iterations) {
    auto derive = [&](std::string_view what) {
        return hmac_sha256(server_secret,
                           std::string("scram ").append(what).append(1, '\0').append(username));
    };
    auto stored_key = derive("stored key");
    auto server_key = derive("server key");
    return {hex_encode(derive("salt").substr(0, 16)), iterations, Secret::take(stored_key),
            Secret::take(server_key)};
}

} // namespace divan::crypto
