// _sum, by the rules of couch_query_servers.erl: numbers, arrays (place by place) and objects (name by name).

#include "views/number.h"
#include "views/reduce_functions.h"
#include "json/parser.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ranges>

namespace divan::views {
namespace {

// CouchDB's sentence, which clients see.
constexpr std::string_view kWrongValue =
    "The _sum function requires that map values be numbers, arrays of numbers, or objects. Objects cannot be "
    "mixed with other data structures. Objects can be arbitrarily nested, provided that the values for all "
    "fields are themselves numbers, arrays of numbers, or objects.";
constexpr std::string_view kTooLarge = "The sum is too large for a number.";
constexpr std::string_view kErrorWord = "builtin_reduce_error";

json::Value error_row(std::string_view reason) {
    json::Object row;
    row.append("error", kErrorWord);
    row.append("reason", reason);
    return row;
}

bool is_error_row(const json::Object &object) {
    const auto *error = object.find("error");
    return error != nullptr && error->is_string() && error->string() == kErrorWord;
}

void sort_members(json::Object &object) {
    std::sort(object.begin(), object.end(),
              [](const json::Member &a, const json::Member &b) { return a.key < b.key; });
}

// Adds up values. What cannot be added ends it: then the sum is an error row.
class Sum {
  public:
    // false: no more has to be added.
    bool add(std::string_view text);
    [[nodiscard]] bool unreadable() const { return unreadable_; }
    [[nodiscard]] json::Value value() const;
    [[nodiscard]] std::optional<std::string> plain_text() const; // of a sum that is a number

  private:
    bool add_to_number(std::string_view text, const Number &number);
    bool add_value(json::Value &sum, json::Value value);
    bool add_numbers(json::Value &sum, json::Value value);
    bool add_arrays(json::Array &sum, json::Array values);
    bool add_objects(json::Object &sum, json::Object values);
    bool fail(std::string_view reason, json::Value cause);

    bool begun_ = false;
    // The sum while all values are numbers; then `sum_` is null.
    Number number_;
    json::Value sum_;
    std::optional<json::Value> error_;
    bool unreadable_ = false;
};

bool Sum::fail(std::string_view reason, json::Value cause) {
    error_ = error_row(reason);
    error_->object().append("caused_by", std::move(cause));
    return false;
}

bool Sum::add(std::string_view text) {
    if (sum_.is_null()) {
        if (auto number = Number::parse(text)) {
            begun_ = true;
            number_.add(*number);
            return true;
        }
    }
    auto value = parse_stored(text);
    if (!value) {
        unreadable_ = true;
        return false;
    }
    // The first value is not looked into, only its kind; the first place of an array counts as added to 0.
    if (sum_.is_null()) {
        if (!begun_ && value->is_object() && !is_error_row(value->object())) {
            sum_ = std::move(*value);
            return true;
        }
        if (!number_.in_range())
            return fail(kTooLarge, nullptr);
        sum_ = json::Number{number_.text()};
    }
    return add_value(sum_, std::move(*value));
}

bool Sum::add_value(json::Value &sum, json::Value value) {
    if (value.is_number() && sum.is_number())
        return add_numbers(sum, std::move(value));
    if ((value.is_number() || value.is_array()) && (sum.is_number() || sum.is_array())) {
        if (sum.is_number())
            sum = json::Array{std::move(sum)};
        if (value.is_number())
            value = json::Array{std::move(value)};
        return add_arrays(sum.array(), std::move(value.array()));
    }
    if (value.is_object() && is_error_row(value.object())) {
        error_ = std::move(value);
        return false;
    }
    if (value.is_object() && sum.is_object())
        return add_objects(sum.object(), std::move(value.object()));
    return fail(kWrongValue, std::move(value));
}

bool Sum::add_numbers(json::Value &sum, json::Value value) {
    auto left = Number::parse(sum.number_text());
    auto right = Number::parse(value.number_text());
    if (!left || !right)
        return fail(kTooLarge, std::move(value));
    left->add(*right);
    if (!left->in_range())
        return fail(kTooLarge, std::move(value));
    sum = json::Number{left->text()};
    return true;
}

bool Sum::add_arrays(json::Array &sum, json::Array values) {
    auto common = std::min(sum.size(), values.size());
    for (std::size_t i = 0; i < common; ++i) {
        // CouchDB names what was summed before, from here on.
        if (!sum[i].is_number() || !values[i].is_number())
            return fail(kWrongValue, json::Array(sum.begin() + static_cast<std::ptrdiff_t>(i), sum.end()));
        if (!add_numbers(sum[i], std::move(values[i])))
            return false;
    }
    sum.insert(sum.end(), std::make_move_iterator(values.begin() + static_cast<std::ptrdiff_t>(common)),
               std::make_move_iterator(values.end()));
    return true;
}

bool Sum::add_objects(json::Object &sum, json::Object values) {
    sort_members(sum);
    sort_members(values);
    json::Object merged;
    auto left = sum.begin();
    for (auto &member : values) {
        for (; left != sum.end() && left->key < member.key; ++left)
            merged.append(std::move(left->key), std::move(left->value));
        if (left != sum.end() && left->key == member.key) {
            if (!add_value(left->value, std::move(member.value)))
                return false;
            merged.append(std::move(left->key), std::move(left->value));
            ++left;
        } else {
            merged.append(std::move(member.key), std::move(member.value));
        }
    }
    for (; left != sum.end(); ++left)
        merged.append(std::move(left->key), std::move(left->value));
    sum = std::move(merged);
    return true;
}

std::optional<std::string> Sum::plain_text() const {
    if (error_ || unreadable_ || !sum_.is_null() || !number_.in_range())
        return std::nullopt;
    return number_.text();
}

json::Value Sum::value() const {
    if (error_)
        return *error_;
    return sum_.is_null() ? error_row(kTooLarge) : sum_;
}

// Terms of Erlang around the values that CouchDB hands to the function: the list of all with the byte of the
// version, and [Key, Value] of each, where Key is [Key, Id] for rows and [] for summaries.
constexpr std::size_t kVersionBytes = 1;
constexpr std::size_t kListBytes = 6;
constexpr std::size_t kEmptyListBytes = 1;
constexpr std::size_t kBinaryBytes = 5;

std::size_t stored_term_bytes(std::string_view json) {
    auto value = parse_stored(json);
    return value ? term_bytes(*value) : 0;
}

class SumReduce final : public BuiltinReduce {
  public:
    explicit SumReduce(const ReduceLimits &limits) : limits_(limits) {}

    // From the last row to the first, as CouchDB does: it decides which of two wrong values is named.
    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        Sum sum;
        for (const auto &row : std::views::reverse(rows))
            if (!sum.add(row.value))
                break;
        return limited(sum, [&] {
            auto bytes = kVersionBytes + kListBytes;
            for (const auto &row : rows)
                bytes += 2 * kListBytes + stored_term_bytes(row.key) + kBinaryBytes + row.id.size() +
                         stored_term_bytes(row.value);
            return bytes;
        });
    }

    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        if (summaries.size() == 1)
            return std::string(summaries.front());
        Sum sum;
        for (auto summary : std::views::reverse(summaries))
            if (!sum.add(summary))
                break;
        return limited(sum, [&] {
            auto bytes = kVersionBytes + kListBytes;
            for (auto summary : summaries)
                bytes += kListBytes + kEmptyListBytes + stored_term_bytes(summary);
            return bytes;
        });
    }

    // Sums the one summary that is left, as CouchDB's coordinator does.
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        Sum sum;
        sum.add(summary);
        if (sum.unreadable())
            return damaged_summary();
        return limited(sum, [&] {
            return kVersionBytes + 2 * kListBytes + kEmptyListBytes + stored_term_bytes(summary);
        });
    }

  private:
    template <typename InputBytes>
    [[nodiscard]] std::string limited(const Sum &sum, const InputBytes &input_bytes) const {
        if (sum.unreadable())
            return std::string(kDamagedSummary);
        if (auto text = sum.plain_text())
            return std::move(*text);
        auto value = sum.value();
        auto output = kVersionBytes + term_bytes(value);
        if (limits_.on && output > limits_.threshold_bytes) {
            auto input = input_bytes();
            if (static_cast<double>(output) * limits_.ratio > static_cast<double>(input))
                value = error_row(
                    fmt::format("Reduce output must shrink more rapidly: input size: {} output size: {} "
                                "context: ",
                                input, output));
        }
        return json::to_text(value);
    }

    ReduceLimits limits_;
};

} // namespace

std::unique_ptr<BuiltinReduce> make_sum_reduce(const ReduceLimits &limits) {
    return std::make_unique<SumReduce>(limits);
}

} // namespace divan::views
