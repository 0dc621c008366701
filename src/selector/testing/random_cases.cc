#include "selector/testing/random_cases.h"

#include <array>
#include <string_view>

namespace divan::selector::testing {
namespace {

using json::Value;
using Strings = std::vector<std::string_view>;

const Strings kNames = {"a", "b", "c", "n", "s", "a.b", "$d", "0", "1", "01", "\xc3\xa9", "", "x\ny", "a\"b"};
// The same as names of fields, and a name that has several steps.
const Strings kFields = {"a",  "b",  "c",   "n",   "s",     "a\\.b", "\\$d", "0",    "1",        "01",
                         "+1", "-0", "a.b", "a.0", "b.1.a", "\\",    "a.-1", "x\ny", "\xc3\xa9", "a\"b"};
const Strings kNumbers = {"0",
                          "-0",
                          "-0.0",
                          "1",
                          "1.0",
                          "1e0",
                          "2",
                          "-1",
                          "-2",
                          "3",
                          "7",
                          "10",
                          "1e1",
                          "0.1",
                          "0.5",
                          "-1.5",
                          "1.5",
                          "1e-300",
                          "9007199254740992",
                          "9007199254740993",
                          "9007199254740992.0",
                          "1e300",
                          "123456789012345678901234567890",
                          "-123456789012345678901234567891",
                          "1.2345678901234568e29"};
// U+0301 is a combining accent, U+0903 a spacing mark, U+1F1E9 half of a flag, U+1100 and U+1161 make up a
// syllable; U+0001 is ignored by the collator.
const Strings kStrings = {"",
                          "a",
                          "A",
                          "b",
                          "ab",
                          "aB",
                          "a b",
                          "a-b",
                          "abc",
                          "\xc3\xa9",
                          "e",
                          "e\xcc\x81",
                          "\x01"
                          "a",
                          "a\n",
                          "\r",
                          "\r\n",
                          "\"",
                          "\\",
                          "10",
                          "2",
                          "\xe0\xa4\x83",
                          "a\xe0\xa4\x83",
                          "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
                          "\xf0\x9f\x87\xa9",
                          "\xe1\x84\x80\xe1\x85\xa1",
                          "\xe1\x84\x80",
                          "the quick brown fox jumps over the lazy dog, and over it again"};
const Strings kTypes = {"null", "boolean", "number", "string", "array", "object", "nope"};
const Strings kComparisons = {"$lt", "$lte", "$eq", "$ne", "$gte", "$gt"};

Value object(std::string_view name, Value value) {
    json::Object made;
    made.append(std::string(name), std::move(value));
    return made;
}

// Whether the pattern matches at the front of the subject.
bool matches_here(std::string_view pattern, std::string_view subject) {
    if (pattern.empty())
        return true;
    if (pattern == "$")
        return subject.empty() || subject == "\n";
    auto one = [&](std::string_view at) {
        return !at.empty() && (pattern[0] == '.' ? at[0] != '\n' : at[0] == pattern[0]);
    };
    if (pattern.size() > 1 && pattern[1] == '*') {
        for (auto rest = subject;; rest.remove_prefix(1)) {
            if (matches_here(pattern.substr(2), rest))
                return true;
            if (!one(rest))
                return false;
        }
    }
    return one(subject) && matches_here(pattern.substr(1), subject.substr(1));
}

} // namespace

bool simple_regex_matches(std::string_view pattern, std::string_view subject) {
    if (pattern.starts_with('^'))
        return matches_here(pattern.substr(1), subject);
    for (;; subject.remove_prefix(1)) {
        if (matches_here(pattern, subject))
            return true;
        if (subject.empty())
            return false;
    }
}

std::size_t RandomCases::below(std::size_t end) {
    return static_cast<std::size_t>(random_() % end);
}

Value RandomCases::number() {
    return json::Number{std::string(one_of(kNumbers))};
}

Value RandomCases::string() {
    auto made = std::string(one_of(kStrings));
    if (one_in(4))
        made += one_of(kStrings);
    return made;
}

json::Array RandomCases::values(std::size_t count_max, std::size_t depth_max) {
    json::Array made;
    for (auto count = below(count_max + 1); count > 0; --count)
        made.push_back(value(depth_max));
    return made;
}

Value RandomCases::value(std::size_t depth_max) {
    switch (below(depth_max > 0 ? 10 : 7)) {
    case 0:
        return nullptr;
    case 1:
        return one_in(2);
    case 2:
    case 3:
    case 4:
        return number();
    case 5:
    case 6:
        return string();
    case 7:
    case 8:
        return values(4, depth_max - 1);
    default: {
        json::Object made;
        for (auto count = below(4); count > 0; --count)
            made.set(std::string(one_of(kNames)), value(depth_max - 1));
        return made;
    }
    }
}

Value RandomCases::document() {
    json::Object made;
    made.set("_id", string());
    for (auto count = below(8); count > 0; --count)
        made.set(std::string(one_of(kNames)), value(3));
    return made;
}

std::string RandomCases::field() {
    return std::string(one_of(kFields));
}

std::string RandomCases::regex() {
    constexpr std::array<std::string_view, 9> kParts = {"a",        "b", ".",  "a*", ".*",
                                                        "\xc3\xa9", "e", "\n", "1"};
    std::string made = one_in(3) ? "^" : "";
    for (auto count = below(4); count > 0; --count)
        made += one_of(kParts);
    return made + (one_in(3) ? "$" : "");
}

Value RandomCases::operator_with_argument(std::size_t depth_max) {
    const bool nests = depth_max > 0;
    switch (below(nests ? 20 : 16)) {
    case 0:
        return object("$exists", one_in(2));
    case 1:
        return object("$type", one_of(kTypes));
    case 2:
    case 3:
        return object(one_in(2) ? "$in" : "$nin", values(one_in(8) ? 40 : 4, 1));
    case 4:
    case 5:
        return object("$all", values(3, 2));
    case 6:
        return object("$size", static_cast<int>(below(4)));
    case 7: {
        json::Array pair;
        pair.push_back(one_in(4) ? number() : Value(static_cast<int>(below(5)) - 2));
        pair.emplace_back(static_cast<int>(below(5)) - 2);
        return object("$mod", std::move(pair));
    }
    case 8:
        return object("$regex", regex());
    case 9:
    case 10:
        return object("$beginsWith", string());
    case 16:
    case 17:
        return object(one_in(3) ? "$allMatch" : "$elemMatch", selector(depth_max - 1));
    case 18:
        return object("$keyMapMatch", condition(depth_max - 1));
    case 19:
        return object("$not", condition(depth_max - 1));
    default:
        return object(one_of(kComparisons), value(2));
    }
}

// What stands behind the name of a field: a value, or operators.
Value RandomCases::condition(std::size_t depth_max) {
    if (one_in(6))
        return value(2);
    auto made = operator_with_argument(depth_max);
    for (auto more = below(6); more > 4; --more) {
        auto other = operator_with_argument(depth_max);
        const auto &member = *other.object().begin();
        made.object().set(member.key, member.value);
    }
    return made;
}

json::Array RandomCases::selectors(std::size_t depth_max) {
    json::Array made;
    for (auto count = below(4); count > 0; --count)
        made.push_back(selector(depth_max));
    return made;
}

Value RandomCases::selector(std::size_t depth_max) {
    if (one_in(40))
        return json::Object();
    if (one_in(12))
        return condition(depth_max);
    json::Object made;
    for (auto count = one_in(3) ? 2 + below(2) : 1; count > 0; --count) {
        const auto kind = depth_max > 0 ? below(12) : 12;
        if (kind == 0)
            made.set("$and", selectors(depth_max - 1));
        else if (kind == 1)
            made.set("$or", selectors(depth_max - 1));
        else if (kind == 2)
            made.set("$nor", selectors(depth_max - 1));
        else if (kind == 3)
            made.set("$not", selector(depth_max - 1));
        else if (kind == 4)
            made.set(field(), selector(depth_max - 1));
        else if (kind == 5 && one_in(10))
            made.set("$text", "x");
        else
            made.set(field(), condition(depth_max));
    }
    return made;
}

Value RandomCases::selector() {
    return selector(3);
}

} // namespace divan::selector::testing
