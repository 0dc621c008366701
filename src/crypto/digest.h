#pragma once

// Hash functions (OpenSSL). All answers are raw bytes. Thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace divan::crypto {

[[nodiscard]] std::string md5(std::string_view bytes); // 16 bytes; for digests, not for secrets
[[nodiscard]] std::string sha1(std::string_view bytes);
[[nodiscard]] std::string sha256(std::string_view bytes);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Takes the same time wherever the first difference is.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

// Of the library: "3.0.15".
[[nodiscard]] std::string openssl_version();

// MD5 of a stream. One thread at a time.
class Md5 {
  public:
    Md5();
    ~Md5();
    void update(std::string_view bytes);
    [[nodiscard]] std::string finish(); // once

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace divan::crypto
