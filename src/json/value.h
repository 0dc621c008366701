#pragma once

// JSON as documents need it: member order, number text and every digit kept, equal members already
// reduced to the last (at every depth), so that every reader of a text sees the same thing.
//
// Source of the rules: CouchDB 3.5 (jiffy with dedupe_keys): of equal members the last stays, at the
// place of the last. Unlike CouchDB numbers keep their text: `1e2` stays `1e2`, not `100.0`.

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace divan::json {

class Value;
struct Member;
using Array = std::vector<Value>;

// Members in order. Keys are unique.
class Object {
  public:
    // Defined below, where Member is complete.
    Object();
    Object(const Object &);
    Object(Object &&) noexcept;
    Object &operator=(const Object &);
    Object &operator=(Object &&) noexcept;
    ~Object();

    // The value of a member, or null if there is none. O(members).
    [[nodiscard]] const Value *find(std::string_view key) const;
    [[nodiscard]] Value *find(std::string_view key);
    [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
    // Replaces the value in place, or appends the member.
    void set(std::string key, Value value);
    // Appends without looking. REQUIRES: no such member.
    void append(std::string key, Value value);
    bool erase(std::string_view key);
    void erase_at(std::size_t index); // REQUIRES: index < size()

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool empty() const;
    [[nodiscard]] std::vector<Member>::const_iterator begin() const;
    [[nodiscard]] std::vector<Member>::const_iterator end() const;
    [[nodiscard]] std::vector<Member>::iterator begin();
    [[nodiscard]] std::vector<Member>::iterator end();

    friend bool operator==(const Object &, const Object &);

  private:
    std::vector<Member> members_;
};

// The text of a number exactly as it was written; valid JSON number syntax.
struct Number {
    std::string text;
    friend bool operator==(const Number &, const Number &) = default;
};

// Canonical text of a value that was not looked into; written as it is.
struct Raw {
    std::string text;
    friend bool operator==(const Raw &, const Raw &) = default;
};

class Value {
  public:
    Value() = default; // null
    Value(std::nullptr_t) {}
    Value(bool boolean) : data_(boolean) {}
    Value(int number) : Value(static_cast<std::int64_t>(number)) {}
    Value(std::int64_t number);
    Value(std::uint64_t number);
    Value(double number); // REQUIRES: finite. Shortest text that reads back the same.
    Value(const char *string) : data_(std::string(string)) {}
    Value(std::string_view string) : data_(std::string(string)) {}
    Value(std::string string) : data_(std::move(string)) {}
    Value(Number number) : data_(std::move(number)) {}
    Value(Raw raw) : data_(std::move(raw)) {}
    Value(Array array) : data_(std::move(array)) {}
    Value(Object object) : data_(std::move(object)) {}

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    [[nodiscard]] bool is_boolean() const { return std::holds_alternative<bool>(data_); }
    [[nodiscard]] bool is_number() const { return std::holds_alternative<Number>(data_); }
    [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(data_); }
    [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(data_); }
    [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(data_); }
    [[nodiscard]] bool is_raw() const { return std::holds_alternative<Raw>(data_); }
    [[nodiscard]] bool is_true() const { return is_boolean() && boolean(); }

    // REQUIRES: the kind asked for.
    [[nodiscard]] bool boolean() const { return std::get<bool>(data_); }
    [[nodiscard]] const std::string &string() const { return std::get<std::string>(data_); }
    [[nodiscard]] std::string &string() { return std::get<std::string>(data_); }
    [[nodiscard]] const std::string &number_text() const { return std::get<Number>(data_).text; }
    [[nodiscard]] const std::string &raw_text() const & { return std::get<Raw>(data_).text; }
    [[nodiscard]] std::string raw_text() && { return std::move(std::get<Raw>(data_).text); }
    [[nodiscard]] const Array &array() const { return std::get<Array>(data_); }
    [[nodiscard]] Array &array() { return std::get<Array>(data_); }
    [[nodiscard]] const Object &object() const { return std::get<Object>(data_); }
    [[nodiscard]] Object &object() { return std::get<Object>(data_); }

    // The number if this is one written as an integer (no point, no exponent) within int64.
    [[nodiscard]] std::optional<std::int64_t> as_int64() const;
    // The nearest double if this is a number.
    [[nodiscard]] std::optional<double> as_double() const;

    // Same kinds, same texts, same order of members.
    friend bool operator==(const Value &, const Value &) = default;

  private:
    std::variant<std::monostate, bool, Number, std::string, Array, Object, Raw> data_;
};

struct Member {
    std::string key;
    Value value;
    friend bool operator==(const Member &, const Member &) = default;
};

inline Object::Object() = default;
inline Object::Object(const Object &) = default;
inline Object::Object(Object &&) noexcept = default;
inline Object &Object::operator=(const Object &) = default;
inline Object &Object::operator=(Object &&) noexcept = default;
inline Object::~Object() = default;

inline std::size_t Object::size() const {
    return members_.size();
}
inline bool Object::empty() const {
    return members_.empty();
}
inline std::vector<Member>::const_iterator Object::begin() const {
    return members_.begin();
}
inline std::vector<Member>::const_iterator Object::end() const {
    return members_.end();
}
inline std::vector<Member>::iterator Object::begin() {
    return members_.begin();
}
inline std::vector<Member>::iterator Object::end() {
    return members_.end();
}

} // namespace divan::json
