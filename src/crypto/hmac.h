#pragma once

// HMAC-SHA-256 of many texts with one key: what the key costs is paid once.

#include "crypto/secret.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace divan::crypto {

// One thread at a time.
class HmacSha256 {
  public:
    static constexpr std::size_t kBytes = 32;

    explicit HmacSha256(const Secret &key);
    ~HmacSha256();
    HmacSha256(HmacSha256 &&) noexcept;
    HmacSha256 &operator=(HmacSha256 &&) noexcept;

    // Of the parts, one behind the other: 32 raw bytes.
    [[nodiscard]] std::string of(std::initializer_list<std::string_view> parts);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace divan::crypto
