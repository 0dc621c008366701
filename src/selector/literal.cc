#include "selector/literal.h"

#include "collation/sort_key.h"
#include "json/canonical_text.h"
#include "json/writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace divan::selector {
namespace {

constexpr std::size_t kDoubleTextBytesMax = 32;
constexpr std::size_t kExactIntegerBytesMax = 15; // below 2^53

bool sorted_contains(const std::vector<std::string> &sorted, std::string_view wanted) {
    return std::binary_search(sorted.begin(), sorted.end(), wanted, std::less<>());
}

void sort_unique(std::vector<std::string> &strings) {
    std::sort(strings.begin(), strings.end());
    strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
}

bool is_integer(std::string_view number) {
    return number.find_first_of(".eE") == std::string_view::npos;
}

// The number as a double, if the order of doubles is that of numbers for it: it is one, or an integer with
// few digits.
std::optional<double> exact_double(std::string_view number) {
    if (number.size() <= kExactIntegerBytesMax && is_integer(number)) {
        std::int64_t integer = 0;
        std::from_chars(number.begin(), number.end(), integer);
        return static_cast<double>(integer);
    }
    double value = 0;
    if (is_integer(number) || std::from_chars(number.begin(), number.end(), value).ec != std::errc())
        return std::nullopt;
    return value;
}

// The places of printable ASCII characters in the order of their primary weights; those that differ in case
// only have the same. A sort key has the weights up to the first byte 1.
class PrimaryOrder {
  public:
    PrimaryOrder() {
        std::vector<std::pair<std::string, unsigned char>> weights;
        for (unsigned char c = ' '; c <= '~'; ++c) {
            const auto key = collation::sort_key(std::string(1, static_cast<char>(c)));
            weights.emplace_back(key.substr(0, key.find('\1')), c);
        }
        std::sort(weights.begin(), weights.end());
        std::uint8_t place = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            place = static_cast<std::uint8_t>(place +
                                              (i > 0 && weights[i].first != weights[i - 1].first ? 1 : 0));
            places_[weights[i].second] = place;
        }
    }

    // Of strings of printable ASCII. 0: they differ in case at most.
    [[nodiscard]] int compare(std::string_view left, std::string_view right) const {
        const auto common = std::min(left.size(), right.size());
        for (std::size_t i = 0; i < common; ++i)
            if (const int order = place(left[i]) - place(right[i]); order != 0)
                return order;
        return (left.size() > right.size()) - (left.size() < right.size());
    }

  private:
    [[nodiscard]] int place(char c) const { return places_[static_cast<unsigned char>(c)]; }
    std::array<std::uint8_t, 128> places_{};
};

const PrimaryOrder &primary_order() {
    static const PrimaryOrder kOrder;
    return kOrder;
}

// A number as a term: equal terms have equal texts. Doubles keep a mark that no integer has.
void append_number_term(std::string &out, std::string_view number) {
    if (is_integer(number)) {
        out.append(number == "-0" ? "0" : number);
        return;
    }
    double value = std::strtod(std::string(number).c_str(), nullptr);
    value = value == 0 ? 0 : value; // -0.0 is 0.0
    std::array<char, kDoubleTextBytesMax> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out.push_back('~');
    out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

// The text with its numbers as terms.
void append_term(std::string &out, std::string_view json) {
    const char *at = json.data();
    const char *const end = at + json.size();
    while (at != end) {
        const char *begin = at;
        if (*at == '"') {
            at = json::skip_string(at, end);
            out.append(begin, at);
        } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            at = json::skip_value(at, end);
            append_number_term(out, {begin, static_cast<std::size_t>(at - begin)});
        } else {
            out.push_back(*at++);
        }
    }
}

} // namespace

TypeRank type_rank(std::string_view json) {
    switch (json.empty() ? 'n' : json.front()) {
    case 'n':
        return TypeRank::null;
    case 'f':
        return TypeRank::false_;
    case 't':
        return TypeRank::true_;
    case '"':
        return TypeRank::string;
    case '[':
        return TypeRank::array;
    case '{':
        return TypeRank::object;
    default:
        return TypeRank::number;
    }
}

bool is_plain_string(std::string_view json) {
    return json.starts_with('"') &&
           std::all_of(json.begin(), json.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

bool is_plain_integer(std::string_view json) {
    const auto digits = json.starts_with('-') ? json.substr(1) : json;
    return !digits.empty() && json != "-0" &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Literal::Literal(const json::Value &value)
    : text_(json::to_text(value)), key_(collation::sort_key(value)), rank_(type_rank(text_)),
      plain_string_(is_plain_string(text_)) {
    if (rank_ == TypeRank::number)
        number_ = exact_double(text_);
}

int Literal::compare(std::string_view json, std::string &key) const {
    const auto rank = type_rank(json);
    if (rank != rank_)
        return rank < rank_ ? -1 : 1;
    if (json == text_ || rank < TypeRank::number)
        return 0;
    if (number_) {
        if (const auto number = exact_double(json))
            return (*number > *number_) - (*number < *number_);
    } else if (plain_string_ && is_plain_string(json)) {
        if (const int order = primary_order().compare(json::inside_quotes(json), json::inside_quotes(text_));
            order != 0)
            return order;
    }
    key.clear();
    collation::append_sort_key(key, json);
    return key.compare(key_);
}

bool Literal::equals(std::string_view json, std::string &key) const {
    if (json == text_)
        return true;
    if (type_rank(json) != rank_ || (plain_string_ && is_plain_string(json)))
        return false;
    return compare(json, key) == 0;
}

LiteralSet::LiteralSet(const json::Array &values) {
    for (const auto &value : values) {
        texts_.push_back(json::to_text(value));
        keys_.push_back(collation::sort_key(value));
        if (value.is_string())
            plain_strings_ = plain_strings_ && is_plain_string(texts_.back());
        if (value.is_number())
            plain_integers_ = plain_integers_ && is_plain_integer(texts_.back());
    }
    sort_unique(texts_);
    sort_unique(keys_);
}

bool LiteralSet::contains(std::string_view json, std::string &key) const {
    if (sorted_contains(texts_, json))
        return true;
    if ((plain_strings_ && is_plain_string(json)) || (plain_integers_ && is_plain_integer(json)))
        return false;
    key.clear();
    collation::append_sort_key(key, json);
    return sorted_contains(keys_, key);
}

TermSet::TermSet(const json::Array &values) {
    for (const auto &value : values) {
        std::string term;
        append_term(term, json::to_text(value));
        terms_.push_back(std::move(term));
    }
    sort_unique(terms_);
    if (values.size() == 1 && values.front().is_array())
        whole_key_ = collation::sort_key(values.front(), collation::Order::raw);
}

bool TermSet::all_in(std::string_view array, std::string &key, std::vector<char> &seen) const {
    seen.assign(terms_.size(), 0);
    std::size_t missing = terms_.size();
    json::ElementReader elements(array);
    while (missing > 0 && elements.next()) {
        key.clear();
        append_term(key, elements.value());
        const auto found = std::lower_bound(terms_.begin(), terms_.end(), key);
        if (found == terms_.end() || *found != key)
            continue;
        auto &mark = seen[static_cast<std::size_t>(found - terms_.begin())];
        missing -= mark == 0 ? 1 : 0;
        mark = 1;
    }
    if (missing == 0)
        return !terms_.empty();
    if (!whole_key_)
        return false;
    key.clear();
    collation::append_sort_key(key, array, collation::Order::raw);
    return key == *whole_key_;
}

} // namespace divan::selector
