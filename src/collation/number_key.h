#pragma once

// The sort key of a number: a type byte that tells the sign, the decimal exponent, the digits.
//
// A number is 0.DIGITS x 10^EXPONENT without a zero at either end of the digits, so that equal numbers are
// equal bytes. Integers (no point, no exponent) keep every digit. Other texts are doubles first, as for
// CouchDB's reader: their shortest digits below 2^53, where no integer lies between those and the exact
// value; beyond that the exact value, which is what Erlang compares an integer with.
//
//   exponent   one byte for -62..189, else a mark and 8 bytes
//   digits     two a byte: 2 x pair, and 1 more if another byte follows
//
// Of negative numbers every byte behind the type is inverted.

#include <string>
#include <string_view>

namespace divan::collation {

inline constexpr char kNegativeType = 5;
inline constexpr char kZeroType = 6;
inline constexpr char kPositiveType = 7;

// REQUIRES: JSON syntax.
void append_number_key(std::string &out, std::string_view text);

} // namespace divan::collation
