#pragma once

// Writes the bytes that ucol_getSortKey() writes for ASCII strings, without ICU, about ten times as fast.
//
// What ICU does for such strings: a character has one collation element; its primary weight has up to four
// bytes; lead bytes of some scripts are written once for a run; its secondary weight is the common one, its
// tertiary weight another one for capital letters; runs of common weights are written as a count. Weights are
// taken from ICU's own sort keys when the tables are made; how runs are written is ICU's format of sort keys.
// Whether all that holds is tried when the tables are made: if it does not, ICU is asked for every string.
//
// Threads: any, once made.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace divan::collation {

class AsciiKeys {
  public:
    // Asks ICU for the weights and compares with it; some milliseconds.
    AsciiKeys();

    // Whether append() writes what ICU writes.
    [[nodiscard]] bool usable() const { return usable_; }
    // REQUIRES: usable(), ASCII
    void append(std::string &out, std::string_view ascii) const;

  private:
    struct Weights {
        std::array<char, 5> primary; // the last one is 0
        std::uint8_t primary_size;   // 0: ignored altogether
        std::uint8_t compressible;   // 1: a run of this lead byte has it once
        std::uint8_t tertiary;       // 0: the common weight
    };

    bool read_weights(unsigned char c);
    [[nodiscard]] bool agrees_with_icu() const;
    char *write(char *out, std::string_view ascii) const;
    char *write_tertiaries(char *out, std::string_view ascii) const;

    std::array<Weights, 128> weights_{};
    bool usable_ = false;
};

} // namespace divan::collation
