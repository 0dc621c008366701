#include "anomaly/observation.h"

#include "base/encoding.h"

#include <charconv>

namespace divan::anomaly {
namespace {

constexpr std::size_t kNameBytesMax = 256;

std::optional<Observation::What> what_of(std::string_view kind, std::string_view action) {
    if (kind == audit::kind_name(audit::Kind::refusal))
        return Observation::What::refusal;
    if (kind != audit::kind_name(audit::Kind::authentication))
        return std::nullopt;
    if (action == "login")
        return Observation::What::login;
    // A name that is locked is tried on: that goes on counting.
    if (action == "login_failed" || action == "login_locked")
        return Observation::What::failed_login;
    return std::nullopt;
}

std::string_view text_of(const json::Object &record, std::string_view name) {
    const auto *value = record.find(name);
    return value != nullptr && value->is_string() ? std::string_view(value->string()) : std::string_view();
}

// Digits of a text, from `at` on; nullopt: something else stands there.
std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
    int number = 0;
    const auto *begin = text.data() + at;
    auto [end, error] = std::from_chars(begin, begin + digits, number);
    if (error != std::errc() || end != begin + digits || number < 0)
        return std::nullopt;
    return number;
}

} // namespace

std::string clean(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80)
            --bytes_max;
        text = text.substr(0, bytes_max);
    }
    return to_utf8(text);
}

std::optional<std::chrono::microseconds> parse_time(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
    if (text.size() != kShape.size())
        return std::nullopt;
    auto year = number_at(text, 0, 4);
    auto month = number_at(text, 5, 2);
    auto day = number_at(text, 8, 2);
    auto hour = number_at(text, 11, 2);
    auto minute = number_at(text, 14, 2);
    auto second = number_at(text, 17, 2);
    auto micro = number_at(text, 20, 6);
    if (!year || !month || !day || !hour || !minute || !second || !micro)
        return std::nullopt;
    year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok())
        return std::nullopt;
    return sys_days(date).time_since_epoch() + hours(*hour) + minutes(*minute) + seconds(*second) +
           microseconds(*micro);
}

std::optional<Observation> observation_of(const audit::Record &record) {
    auto what = what_of(audit::kind_name(record.kind), record.action);
    if (!what)
        return std::nullopt;
    return Observation{.what = *what,
                       .time = record.time,
                       .principal = clean(record.principal, kNameBytesMax),
                       .address = clean(record.address, kNameBytesMax),
                       .path = clean(record.path, kNameBytesMax)};
}

std::optional<Observation> observation_of(const json::Object &record) {
    auto what = what_of(text_of(record, "kind"), text_of(record, "action"));
    auto time = parse_time(text_of(record, "time"));
    if (!what || !time)
        return std::nullopt;
    return Observation{.what = *what,
                       .time = *time,
                       .principal = clean(text_of(record, "principal"), kNameBytesMax),
                       .address = clean(text_of(record, "address"), kNameBytesMax),
                       .path = clean(text_of(record, "path"), kNameBytesMax)};
}

} // namespace divan::anomaly
