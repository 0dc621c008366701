#pragma once

// Bytes that nobody else may see.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace divan::crypto {

// Owns bytes and zeroes them when it is destroyed, moved from or assigned over. There is no operator<< and no
// formatter, so that a secret cannot reach a log by accident: whoever needs the bytes says reveal(). A value:
// one thread at a time, or any number that only read.
class Secret {
  public:
    Secret() = default;
    // Copies the bytes; what they were copied from is the caller's to zero.
    explicit Secret(std::string_view bytes);
    // Copies the bytes and zeroes the string, which is empty afterwards.
    [[nodiscard]] static Secret take(std::string &bytes);

    Secret(Secret &&other) noexcept;
    Secret &operator=(Secret &&other) noexcept;
    Secret(const Secret &) = delete;
    Secret &operator=(const Secret &) = delete;
    ~Secret();

    [[nodiscard]] Secret copy() const { return Secret(reveal()); }

    // Valid as long as this object, and until it is moved from or assigned to.
    [[nodiscard]] std::string_view reveal() const { return {bytes_.get(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // Takes the same time wherever the first difference is; the sizes are no secret.
    [[nodiscard]] bool equals(std::string_view bytes) const;

  private:
    void cleanse() noexcept;

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

// Many may hold it; it is zeroed when the last one lets go.
using SharedSecret = std::shared_ptr<const Secret>;
[[nodiscard]] inline SharedSecret share_secret(std::string_view bytes) {
    return std::make_shared<const Secret>(bytes);
}

// Zeroes a string in place and empties it: for copies that a library made necessary.
void cleanse(std::string &bytes);

} // namespace divan::crypto
