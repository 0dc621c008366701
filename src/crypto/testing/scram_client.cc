#include "crypto/testing/scram_client.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/sasl_prep.h"

#include <charconv>

namespace divan::crypto {

std::string ScramClient::bare() const {
    std::string name;
    for (char c : username_)
        name += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
    return "n=" + name + ",r=" + nonce_;
}

std::string ScramClient::client_final(std::string_view server_first) {
    auto salt_at = server_first.find(",s=");
    auto iterations_at = server_first.find(",i=");
    auto salt = base64_decode(server_first.substr(salt_at + 3, iterations_at - salt_at - 3));
    std::uint32_t iterations = 0;
    auto number = server_first.substr(iterations_at + 3);
    std::from_chars(number.data(), number.data() + number.size(), iterations);
    auto salted = pbkdf2(HashFunction::sha256, sasl_prepare(password_).value(), salt.value(), iterations);
    auto client_key = hmac_sha256(salted, "Client Key");
    auto final = "c=biws," + std::string(server_first.substr(0, salt_at));
    auto auth_message = bare() + "," + std::string(server_first) + "," + final;
    auto signature = hmac_sha256(sha256(client_key), auth_message);
    for (std::size_t i = 0; i < client_key.size(); ++i)
        client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
    server_signature_ = hmac_sha256(hmac_sha256(salted, "Server Key"), auth_message);
    return final + ",p=" + base64_encode(client_key);
}

bool ScramClient::server_is_known(std::string_view server_final) const {
    return server_final == "v=" + base64_encode(server_signature_);
}

} // namespace divan::crypto
