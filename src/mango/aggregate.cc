#include "mango/aggregate.h"

#include "collation/sort_key.h"
#include "json/value.h"
#include "json/writer.h"

#include <cstdlib>

namespace divan::mango {
namespace {

// A sum may be beyond what a double can hold.
std::string text_of(const views::Number &number) {
    return number.in_range() ? number.text() : "null";
}

} // namespace

void Accumulator::add(std::string_view value) {
    if (value.empty())
        return;
    switch (function_) {
    case AggregateFunction::count:
        ++count_;
        return;
    case AggregateFunction::min:
    case AggregateFunction::max:
        return keep(value, function_ == AggregateFunction::max);
    default:
        return add_number(value);
    }
}

void Accumulator::add_number(std::string_view value) {
    auto number = views::Number::parse(value);
    if (!number)
        return;
    ++count_;
    sum_.add(*number);
    if (function_ != AggregateFunction::stats)
        return;
    if (!least_ || number->less(*least_))
        least_ = number;
    if (!greatest_ || greatest_->less(*number))
        greatest_ = number;
    auto square = *number;
    square.multiply(*number);
    squares_.add(square);
}

void Accumulator::keep(std::string_view value, bool larger) {
    std::string key;
    collation::append_sort_key(key, value);
    if (!best_.empty() && (larger ? key <= best_key_ : key >= best_key_))
        return;
    best_ = value;
    best_key_ = std::move(key);
}

std::string Accumulator::result() const {
    switch (function_) {
    case AggregateFunction::count:
        return std::to_string(count_);
    case AggregateFunction::sum:
        return text_of(sum_);
    case AggregateFunction::min:
    case AggregateFunction::max:
        return best_.empty() ? "null" : best_;
    case AggregateFunction::avg: {
        if (count_ == 0 || !sum_.in_range())
            return "null";
        return json::to_text(
            json::Value(std::strtod(sum_.text().c_str(), nullptr) / static_cast<double>(count_)));
    }
    case AggregateFunction::stats: {
        std::string text;
        json::ObjectWriter writer(text);
        writer.raw("sum", text_of(sum_)).member("count", count_);
        writer.raw("min", least_ ? text_of(*least_) : "null");
        writer.raw("max", greatest_ ? text_of(*greatest_) : "null");
        writer.raw("sumsqr", text_of(squares_));
        writer.close();
        return text;
    }
    }
    return "null";
}

} // namespace divan::mango
