#pragma once

// Hash functions (OpenSSL). All answers are raw bytes. Thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace divan::crypto {

[[nodiscard]] std::string md5(std::string_view bytes); // 16 bytes; for digests, not for secrets
[[nodiscard]] std::string sha1(std::string_view bytes);
[[nodiscard]] std::string sha256(std::string_view bytes);

enum class HashFunction : std::uint8_t { sha1, sha224, sha256, sha384, sha512 };
// By CouchDB's names: "sha", "sha224", "sha256", "sha384", "sha512"; nullopt for every other.
[[nodiscard]] std::optional<HashFunction> hash_function(std::string_view name);
[[nodiscard]] std::string_view hash_function_name(HashFunction function);

[[nodiscard]] std::string hash(HashFunction function, std::string_view bytes);
[[nodiscard]] std::string hmac(HashFunction function, std::string_view key, std::string_view bytes);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
// PBKDF2 (RFC 8018) with an HMAC; as many bytes as the hash function has. Slow on purpose: the cost grows
// with `iterations`. REQUIRES: 0 < iterations <= 2^31 - 1.
[[nodiscard]] std::string pbkdf2(HashFunction function, std::string_view password, std::string_view salt,
                                 std::uint32_t iterations);
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
