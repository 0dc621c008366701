#pragma once

// Numbers as reduce functions add them: integers exactly, however large, as Erlang does; with a double the
// result is a double. Plain integers and doubles need no memory of their own.
//
// Threads: a value type.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::views {

__extension__ using Int128 = __int128;

// An integer of any size: sign and magnitude.
class BigInteger {
  public:
    BigInteger() = default; // 0
    explicit BigInteger(Int128 number);
    // REQUIRES: digits, with '-' before them if negative.
    static BigInteger parse(std::string_view text);

    void add(const BigInteger &other);
    void multiply(const BigInteger &other);
    [[nodiscard]] int compare(const BigInteger &other) const; // <0, 0, >0
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::size_t magnitude_bytes() const; // in base 256, without leading zeros

  private:
    [[nodiscard]] int compare_magnitude(const BigInteger &other) const;
    void trim();

    bool negative_ = false;
    std::vector<std::uint32_t> limbs_; // base 10^9, lowest first, the highest is not 0
};

class Number {
  public:
    Number(std::int64_t integer = 0) : small_(integer) {}
    // A number in the syntax of JSON; nothing for any other text.
    static std::optional<Number> parse(std::string_view json);

    void add(const Number &other);
    void multiply(const Number &other);
    // An integer and a double are compared as doubles.
    [[nodiscard]] bool less(const Number &other) const;
    // Whether a double can hold it, at least nearly. What is beyond is no number in JSON that is read here.
    [[nodiscard]] bool in_range() const;
    // As CouchDB writes numbers: doubles by the shortest digits that read back the same, always with a point
    // or an exponent: "1.0", "1e+21". REQUIRES: in_range()
    [[nodiscard]] std::string text() const;
    // In Erlang's external term format.
    [[nodiscard]] std::size_t term_bytes() const;

  private:
    enum class Kind : std::uint8_t { small, big, real };

    [[nodiscard]] BigInteger big() const; // REQUIRES: an integer
    [[nodiscard]] double real() const;    // the nearest double; infinite if there is none
    void become_real(double real);

    Kind kind_ = Kind::small;
    Int128 small_ = 0;
    double real_ = 0;
    BigInteger big_;
};

} // namespace divan::views
