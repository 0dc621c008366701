#pragma once

// $mod: remainders of integers of any length, with the sign of the dividend, as Erlang's `rem` has them.
//
// Threads: any, read only.

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::selector {

class Modulus {
  public:
    // REQUIRES: texts of integers; the divisor is not 0.
    Modulus(std::string_view divisor, std::string_view remainder);

    // Whether it is an integer with that remainder. REQUIRES: the canonical text of a number.
    [[nodiscard]] bool matches(std::string_view number) const;

  private:
    std::string divisor_;             // digits, without zeros in front
    std::uint64_t short_divisor_ = 0; // 0: it is too long
    std::string remainder_;           // digits, without zeros in front: 0 has none
    bool remainder_negative_ = false;
};

} // namespace divan::selector
