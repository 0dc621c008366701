#pragma once

// Walking over canonical text (writer.h) without building values: who needs two members of a document looks
// at their bytes and skips the others.
//
// REQUIRES: canonical text up to `end`. Of other texts something is made, but nothing reads past `end`, and
// everything returns in linear time.
//
// Threads: any. No allocation but where a string is appended to.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace divan::json {

// Past the value that begins at `at`.
[[nodiscard]] const char *skip_value(const char *at, const char *end);
// Past the string whose opening quote is at `at`.
[[nodiscard]] const char *skip_string(const char *at, const char *end);

// What stands between the quotes of a string, as it is written there: canonical text writes a string in one
// way only, so that these bytes can be compared. REQUIRES: the text of a string.
[[nodiscard]] inline std::string_view inside_quotes(std::string_view string) {
    return string.size() < 2 ? std::string_view() : string.substr(1, string.size() - 2);
}
// Appends what the text between two quotes stands for.
void append_unescaped(std::string &out, std::string_view inside_quotes);

// The brackets and commas of a text that are outside of strings, one after the other: 64 bytes are looked at
// at once.
class StructureCursor {
  public:
    // REQUIRES: `at` is not inside of a string.
    StructureCursor(const char *at, const char *end) : next_block_(at), block_(at), end_(end) {}

    // The next bracket or comma, or the end of the text.
    const char *next() { return take(brackets_ | commas_, true); }
    // The next bracket, or the end of the text; passes over commas.
    const char *next_bracket() { return take(brackets_, false); }

    // The comma or closing bracket behind the value at whose beginning the cursor is, or the end of the text.
    const char *end_of_value();
    // Past the bracket that closes the container which the cursor is in, or which it came into last.
    const char *end_of_container();

    static bool is_opening(char c) { return (c | 0x20) == '{'; }

  private:
    const char *take(std::uint64_t bits, bool with_commas) {
        while (bits == 0) {
            if (!load_block())
                return end_;
            bits = with_commas ? brackets_ | commas_ : brackets_;
        }
        const int at = std::countr_zero(bits);
        const std::uint64_t behind = ~((std::uint64_t{2} << at) - 1);
        brackets_ &= behind;
        commas_ &= behind;
        return block_ + at;
    }
    bool load_block();

    const char *next_block_;
    const char *block_;
    const char *end_;
    std::uint64_t brackets_ = 0, commas_ = 0; // a bit for each byte of the block; those that are ahead
    std::uint64_t in_string_ = 0;             // all bits if the block ends inside of a string
    std::uint64_t escaped_ = 0;               // 1 if the block ends with a backslash that escapes
};

// The members of an object, in order.
//
//   MemberReader members(text);
//   while (members.next())
//       use(members.key(), members.value());
class MemberReader {
  public:
    // REQUIRES: the text of an object.
    explicit MemberReader(std::string_view object)
        : end_(object.data() + object.size()), cursor_(object.data(), end_) {}

    // To the next member; false behind the last one.
    bool next();
    // REQUIRES: next() said true.
    // The name as it is written between its quotes, and with them.
    [[nodiscard]] std::string_view key() const { return inside_quotes(key_text_); }
    [[nodiscard]] std::string_view key_text() const { return key_text_; }
    [[nodiscard]] std::string_view value();

  private:
    const char *end_;
    StructureCursor cursor_;
    std::string_view key_text_;
    const char *value_ = nullptr;     // null before the first member
    const char *value_end_ = nullptr; // null: not looked for
};

// The elements of an array, in order; used as MemberReader.
class ElementReader {
  public:
    explicit ElementReader(std::string_view array)
        : end_(array.data() + array.size()), cursor_(array.data(), end_) {}

    bool next();
    [[nodiscard]] std::string_view value();

  private:
    const char *end_;
    StructureCursor cursor_;
    const char *value_ = nullptr;
    const char *value_end_ = nullptr;
};

} // namespace divan::json
