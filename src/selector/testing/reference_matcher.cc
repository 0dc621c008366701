#include "selector/testing/reference_matcher.h"

#include "base/check.h"
#include "collation/sort_key.h"
#include "selector/path.h"

#include <algorithm>
#include <optional>
#include <unicode/ubrk.h>
#include <unicode/unistr.h>

namespace divan::selector::testing {
namespace {

using json::Value;

bool is_integer(const Value &value) {
    return value.is_number() && value.number_text().find_first_of(".eE") == std::string::npos;
}

// Whether two values are the same term of Erlang: `exactly` =:=, otherwise ==.
bool same_term(const Value &left, const Value &right, bool exactly) {
    if (left.is_number() && right.is_number()) {
        if (exactly && is_integer(left) != is_integer(right))
            return false;
        return collation::compare(left, right) == 0;
    }
    if (left.is_array() && right.is_array())
        return std::equal(left.array().begin(), left.array().end(), right.array().begin(),
                          right.array().end(),
                          [&](const Value &a, const Value &b) { return same_term(a, b, exactly); });
    if (left.is_object() && right.is_object())
        return std::equal(left.object().begin(), left.object().end(), right.object().begin(),
                          right.object().end(), [&](const json::Member &a, const json::Member &b) {
                              return a.key == b.key && same_term(a.value, b.value, exactly);
                          });
    return left == right;
}

std::string type_of(const Value &value) {
    return value.is_null()      ? "null"
           : value.is_boolean() ? "boolean"
           : value.is_number()  ? "number"
           : value.is_string()  ? "string"
           : value.is_array()   ? "array"
                                : "object";
}

bool equal(const Value &left, const Value &right) {
    return collation::compare(left, right) == 0;
}

bool is_in(const Value &value, const json::Array &values) {
    auto wanted = [&](const Value &one) {
        return std::any_of(values.begin(), values.end(), [&](const Value &v) { return equal(one, v); });
    };
    return value.is_array() ? std::any_of(value.array().begin(), value.array().end(), wanted) : wanted(value);
}

bool has_all(const Value &value, const json::Array &values) {
    if (!value.is_array() || values.empty())
        return false;
    if (values.size() == 1 && values[0].is_array() && same_term(value, values[0], false))
        return true;
    return std::all_of(values.begin(), values.end(), [&](const Value &wanted) {
        return std::any_of(value.array().begin(), value.array().end(),
                           [&](const Value &element) { return same_term(element, wanted, true); });
    });
}

std::string magnitude(const std::string &integer) {
    return integer.substr(std::min(integer.find_first_not_of("-0"), integer.size()));
}

bool is_less(const std::string &left, const std::string &right) {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

// REQUIRES: left >= right
std::string difference(const std::string &left, const std::string &right) {
    const auto padded = std::string(left.size() - right.size(), '0') + right;
    std::string digits(left.size(), '0');
    int borrow = 0;
    for (std::size_t i = left.size(); i-- > 0;) {
        const int digit = left[i] - padded[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        digits[i] = static_cast<char>('0' + digit + 10 * borrow);
    }
    return magnitude(digits);
}

// Takes the divisor away, times powers of ten that become smaller.
bool has_remainder(const Value &value, const json::Array &divisor_and_remainder) {
    if (!is_integer(value))
        return false;
    auto rest = magnitude(value.number_text());
    const auto divisor = magnitude(divisor_and_remainder[0].number_text());
    for (auto zeros = rest.size(); zeros-- > 0;) {
        const auto times = divisor + std::string(zeros, '0');
        while (!is_less(rest, times))
            rest = difference(rest, times);
    }
    const auto &wanted = divisor_and_remainder[1].number_text();
    const bool same_sign = wanted.starts_with('-') == value.number_text().starts_with('-');
    return rest == magnitude(wanted) && (rest.empty() || same_sign);
}

// Code point by code point, and the last one must be all of the grapheme cluster that begins with it.
bool begins_with(const std::string &utf8, const std::string &prefix_utf8) {
    const auto text = icu::UnicodeString::fromUTF8(utf8);
    const auto prefix = icu::UnicodeString::fromUTF8(prefix_utf8);
    if (!text.startsWith(prefix))
        return false;
    if (prefix.isEmpty())
        return true;
    const auto last = prefix.moveIndex32(prefix.length(), -1);
    const auto rest = text.tempSubString(last);
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator *clusters = ubrk_open(UBRK_CHARACTER, "", rest.getBuffer(), rest.length(), &status);
    DIVAN_CHECK(U_SUCCESS(status));
    const bool ends = ubrk_isBoundary(clusters, prefix.length() - last) != 0;
    ubrk_close(clusters);
    return ends;
}

std::optional<std::size_t> index_of(const std::string &step) {
    const auto sign = step.find_first_of("+-") == 0 ? std::size_t{1} : 0;
    const auto digits = step.substr(sign);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    const auto significant = digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    if (significant.size() > 9 || (step[0] == '-' && !significant.empty()))
        return std::nullopt;
    return significant.empty() ? 0 : std::stoul(significant);
}

class Evaluation {
  public:
    explicit Evaluation(const RegexMatch &regex) : regex_(regex) {}

    // Whether `selector` holds of what stands at `path` in `root`; `negated`: whether its opposite does.
    bool holds(const Value &selector, const Value &root, const std::vector<std::string> &path, bool negated) {
        if (!selector.is_object() || selector.object().empty())
            return condition("$eq", selector, root, path, negated);
        const auto &members = selector.object();
        auto one = [&](const json::Member &member) {
            return member_holds(member.key, member.value, root, path, negated);
        };
        return negated && members.size() > 1 ? std::any_of(members.begin(), members.end(), one)
                                             : std::all_of(members.begin(), members.end(), one);
    }

  private:
    bool member_holds(const std::string &name, const Value &argument, const Value &root,
                      const std::vector<std::string> &path, bool negated) {
        auto below = [&](const Value &selector, bool opposite) {
            // In an element nothing is turned around but as a whole.
            if (whole_)
                return holds(selector, root, path, false) != opposite;
            return holds(selector, root, path, opposite);
        };
        if (name == "$not")
            return below(argument, !negated);
        if (name == "$and" || name == "$or" || name == "$nor") {
            const auto &list = argument.array();
            const bool opposite = negated != (name == "$nor");
            auto one = [&](const Value &selector) { return below(selector, opposite); };
            const bool any = (name == "$or") != negated;
            return list.empty() || (any ? std::any_of(list.begin(), list.end(), one)
                                        : std::all_of(list.begin(), list.end(), one));
        }
        if (name.front() == '$')
            return condition(name, argument, root, path, negated);
        auto longer = path;
        const auto parsed = parse_path(name).value();
        longer.insert(longer.end(), parsed.steps.begin(), parsed.steps.end());
        return holds(argument, root, longer, negated);
    }

    bool condition(const std::string &name, const Value &argument, const Value &root,
                   const std::vector<std::string> &path, bool negated) {
        if (name == "$text" || name == "$default")
            return true;
        const auto place = reference_place(root, path);
        if (place.value == nullptr)
            return place.missing && name == "$exists" && argument.boolean() == negated;
        return value_holds(name, argument, *place.value) != negated;
    }

    bool value_holds(const std::string &name, const Value &argument, const Value &value) {
        if (name == "$exists")
            return argument.boolean();
        if (name == "$type")
            return argument.string() == type_of(value);
        if (name == "$in" || name == "$nin")
            return is_in(value, argument.array()) == (name == "$in");
        if (name == "$all")
            return has_all(value, argument.array());
        if (name == "$size")
            return value.is_array() &&
                   equal(Value(static_cast<std::uint64_t>(value.array().size())), argument);
        if (name == "$mod")
            return has_remainder(value, argument.array());
        if (name == "$regex")
            return value.is_string() && regex_(argument.string(), value.string());
        if (name == "$beginsWith")
            return value.is_string() && begins_with(value.string(), argument.string());
        if (name == "$elemMatch" || name == "$allMatch" || name == "$keyMapMatch")
            return elements_hold(name, argument, value);
        const int order = collation::compare(value, argument);
        return name == "$lt"    ? order < 0
               : name == "$lte" ? order <= 0
               : name == "$eq"  ? order == 0
               : name == "$ne"  ? order != 0
               : name == "$gte" ? order >= 0
                                : order > 0;
    }

    bool elements_hold(const std::string &name, const Value &selector, const Value &value) {
        std::vector<Value> elements;
        if (name == "$keyMapMatch" && value.is_object())
            for (const auto &member : value.object())
                elements.emplace_back(member.key);
        if (name != "$keyMapMatch" && value.is_array())
            elements = value.array();
        const bool whole_before = whole_;
        whole_ = true;
        auto one = [&](const Value &element) { return holds(selector, element, {}, false); };
        const bool result = name == "$allMatch"
                                ? !elements.empty() && std::all_of(elements.begin(), elements.end(), one)
                                : std::any_of(elements.begin(), elements.end(), one);
        whole_ = whole_before;
        return result;
    }

    const RegexMatch &regex_;
    bool whole_ = false; // inside of $elemMatch and the like
};

} // namespace

Place reference_place(const Value &document, const std::vector<std::string> &steps) {
    const Value *value = &document;
    for (const auto &step : steps) {
        if (value->is_object()) {
            value = value->object().find(step);
            if (value == nullptr)
                return {.missing = true};
        } else {
            const auto index = value->is_array() ? index_of(step) : std::nullopt;
            if (!index || *index >= value->array().size())
                return {};
            value = &value->array()[*index];
        }
    }
    return {.value = value};
}

bool reference_matches(const Value &selector, const Value &document, const RegexMatch &regex) {
    if (selector.object().empty())
        return true;
    return Evaluation(regex).holds(selector, document, {}, false);
}

} // namespace divan::selector::testing
