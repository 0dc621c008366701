#include "xml/date_time.h"

#include <algorithm>

namespace divan::xml {
namespace {

constexpr std::string_view kForm = "0000-00-00T00:00:00";
constexpr std::size_t kFractionDigitsMax = 20;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

unsigned number(std::string_view digits) {
    unsigned value = 0;
    for (char c : digits)
        value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

// Of ".123", at most; nullopt: it is none.
std::optional<std::chrono::microseconds> parse_fraction(std::string_view text) {
    if (text.empty())
        return std::chrono::microseconds(0);
    auto digits = text.substr(1);
    if (text.front() != '.' || digits.empty() || digits.size() > kFractionDigitsMax ||
        !std::all_of(digits.begin(), digits.end(), is_digit))
        return std::nullopt;
    std::string_view::size_type places = 6;
    unsigned micros = number(digits.substr(0, places));
    for (auto place = digits.size(); place < places; ++place)
        micros *= 10;
    return std::chrono::microseconds(micros);
}

} // namespace

std::optional<std::chrono::microseconds> parse_date_time(std::string_view text) {
    if (text.size() <= kForm.size() || text.back() != 'Z')
        return std::nullopt;
    for (std::size_t i = 0; i < kForm.size(); ++i)
        if (kForm[i] == '0' ? !is_digit(text[i]) : text[i] != kForm[i])
            return std::nullopt;
    auto fraction = parse_fraction(text.substr(kForm.size(), text.size() - kForm.size() - 1));
    auto part = [&](std::size_t at, std::size_t size) { return number(text.substr(at, size)); };
    std::chrono::year_month_day date{std::chrono::year(static_cast<int>(part(0, 4))),
                                     std::chrono::month(part(5, 2)), std::chrono::day(part(8, 2))};
    auto hours = part(11, 2), minutes = part(14, 2), seconds = part(17, 2);
    if (!fraction || !date.ok() || hours > 23 || minutes > 59 || seconds > 59)
        return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hours) +
           std::chrono::minutes(minutes) + std::chrono::seconds(seconds) + *fraction;
}

} // namespace divan::xml
