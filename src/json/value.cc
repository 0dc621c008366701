#include "json/value.h"

#include "base/check.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace divan::json {
namespace {

template <typename N> std::string number_to_text(N number) {
    char text[32];
    auto [end, error] = std::to_chars(text, text + sizeof text, number);
    DIVAN_CHECK(error == std::errc());
    return std::string(text, end);
}

} // namespace

const Value *Object::find(std::string_view key) const {
    for (const auto &member : members_)
        if (member.key == key)
            return &member.value;
    return nullptr;
}

Value *Object::find(std::string_view key) {
    return const_cast<Value *>(std::as_const(*this).find(key));
}

void Object::set(std::string key, Value value) {
    if (auto *found = find(key))
        *found = std::move(value);
    else
        append(std::move(key), std::move(value));
}

void Object::append(std::string key, Value value) {
    members_.push_back({std::move(key), std::move(value)});
}

bool Object::erase(std::string_view key) {
    return std::erase_if(members_, [&](const Member &member) { return member.key == key; }) > 0;
}

void Object::erase_at(std::size_t index) {
    members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool operator==(const Object &a, const Object &b) {
    return a.members_ == b.members_;
}

Value::Value(std::int64_t number) : data_(Number{number_to_text(number)}) {}
Value::Value(std::uint64_t number) : data_(Number{number_to_text(number)}) {}

Value::Value(double number) {
    DIVAN_CHECK(std::isfinite(number));
    data_ = Number{number_to_text(number)};
}

std::optional<std::int64_t> Value::as_int64() const {
    if (!is_number())
        return std::nullopt;
    const auto &text = number_text();
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<double> Value::as_double() const {
    if (!is_number())
        return std::nullopt;
    return std::strtod(number_text().c_str(), nullptr);
}

} // namespace divan::json
