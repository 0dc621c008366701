#pragma once

// Walking over canonical text (writer.h) without building values: whoever needs two members of a document
// looks at their bytes and skips the others.
//
// REQUIRES: canonical text between `at` and `end`. Of other texts the functions make something, but they
// never read past `end` and always return.
//
// Threads: any. No allocation but where a string is appended to.

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::json {

// Past the value that begins at `at`. Linear, whatever the depth.
[[nodiscard]] const char *skip_value(const char *at, const char *end);
// Past the string whose opening quote is at `at`.
[[nodiscard]] const char *skip_string(const char *at, const char *end);
// Past the end of the container that `at` is inside of, between two of its members or elements.
[[nodiscard]] const char *skip_rest_of_container(const char *at, const char *end);

// The value at the front of `text`, which may be followed by more.
[[nodiscard]] std::string_view first_value(std::string_view text);

// What stands between the quotes of a string, as it is written there.
// REQUIRES: the text of a string.
[[nodiscard]] inline std::string_view inside_quotes(std::string_view string) {
    return string.size() < 2 ? std::string_view() : string.substr(1, string.size() - 2);
}
// Appends what the text between two quotes stands for.
void append_unescaped(std::string &out, std::string_view inside_quotes);

// The members of an object, in order.
//
//   MemberReader members(text.data(), text.data() + text.size());
//   while (members.next())
//       use(members.key(), members.value());
class MemberReader {
  public:
    // REQUIRES: `at` is at the `{`.
    MemberReader(const char *at, const char *end) : at_(at), end_(end) {}
    explicit MemberReader(std::string_view object)
        : MemberReader(object.data(), object.data() + object.size()) {}

    // To the next member; false behind the last one.
    bool next();
    // REQUIRES: next() said true.
    // The name, as it is written between its quotes: the canonical text of a name is unique.
    [[nodiscard]] std::string_view key() const { return inside_quotes(key_text_); }
    // The same with its quotes: the text of a string.
    [[nodiscard]] std::string_view key_text() const { return key_text_; }
    // The value; next() is faster when it was asked for.
    [[nodiscard]] std::string_view value();
    // Where the value begins, for who walks over it himself and says then where it ended.
    [[nodiscard]] const char *value_begin() const { return value_; }
    void set_value_end(const char *value_end) { at_ = value_end; }

    // Past the `}`, once next() said false; otherwise past the value, once it was asked for or its end set.
    [[nodiscard]] const char *position() const { return at_; }

  private:
    const char *at_; // where the present value ends, or null: not known
    const char *end_;
    const char *value_ = nullptr;
    std::string_view key_text_;
    bool begun_ = false;
};

// The elements of an array, in order; used as MemberReader.
class ElementReader {
  public:
    // REQUIRES: `at` is at the `[`.
    ElementReader(const char *at, const char *end) : at_(at), end_(end) {}
    explicit ElementReader(std::string_view array)
        : ElementReader(array.data(), array.data() + array.size()) {}

    bool next();
    [[nodiscard]] std::string_view value();
    [[nodiscard]] const char *value_begin() const { return value_; }
    void set_value_end(const char *value_end) { at_ = value_end; }
    [[nodiscard]] const char *position() const { return at_; }

  private:
    const char *at_;
    const char *end_;
    const char *value_ = nullptr;
    bool begun_ = false;
};

} // namespace divan::json
