#include "crypto/secret.h"

#include "crypto/digest.h"

#include <cstring>
#include <openssl/crypto.h>
#include <utility>

namespace divan::crypto {

Secret::Secret(std::string_view bytes)
    : bytes_(bytes.empty() ? nullptr : std::make_unique<char[]>(bytes.size())), size_(bytes.size()) {
    if (!bytes.empty())
        std::memcpy(bytes_.get(), bytes.data(), bytes.size());
}

Secret Secret::take(std::string &bytes) {
    Secret secret{std::string_view(bytes)};
    crypto::cleanse(bytes);
    return secret;
}

// The buffer itself changes hands, so nothing is left behind.
Secret::Secret(Secret &&other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret &Secret::operator=(Secret &&other) noexcept {
    if (this != &other) {
        cleanse();
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

Secret::~Secret() {
    cleanse();
}

bool Secret::equals(std::string_view bytes) const {
    return constant_time_equal(reveal(), bytes);
}

void Secret::cleanse() noexcept {
    if (size_ > 0)
        OPENSSL_cleanse(bytes_.get(), size_);
}

void cleanse(std::string &bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
    bytes.clear();
}

} // namespace divan::crypto
