#pragma once

// The client of SCRAM-SHA-256 (RFC 5802, RFC 7677).

#include <string>
#include <string_view>

namespace divan::crypto {

class ScramClient {
  public:
    ScramClient(std::string username, std::string password, std::string nonce)
        : username_(std::move(username)), password_(std::move(password)), nonce_(std::move(nonce)) {}

    [[nodiscard]] std::string client_first() const { return "n,," + bare(); }
    // Also keeps what server_is_known() needs. REQUIRES: a well-formed message.
    [[nodiscard]] std::string client_final(std::string_view server_first);
    // Whether the server-final message proves that the server knows the user.
    [[nodiscard]] bool server_is_known(std::string_view server_final) const;

  private:
    [[nodiscard]] std::string bare() const;

    std::string username_, password_, nonce_;
    std::string server_signature_;
};

} // namespace divan::crypto
