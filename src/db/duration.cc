#include "db/duration.h"

#include "json/parser.h"

#include <charconv>
#include <string>

namespace divan::db {
namespace {

std::optional<std::chrono::hours> parse_duration(std::string_view text) {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    constexpr std::uint64_t kNumberMax = 1'000'000'000;
    if (error != std::errc() || number == 0 || number > kNumberMax)
        return std::nullopt;
    auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (!unit.starts_with("_"))
        return std::nullopt;
    unit.remove_prefix(1);
    struct Unit {
        std::string_view prefix;
        std::uint64_t hours;
    };
    if (unit.starts_with("sec"))
        return std::chrono::hours((number + 3'599) / 3'600);
    if (unit.starts_with("min"))
        return std::chrono::hours((number + 59) / 60);
    for (auto known : {Unit{"hour", 1}, Unit{"day", 24}, Unit{"week", 24 * 7}, Unit{"mon", 24 * 30},
                       Unit{"year", 24 * 365}})
        if (unit.starts_with(known.prefix))
            return std::chrono::hours(number * known.hours);
    return std::nullopt;
}

} // namespace

std::optional<std::chrono::hours> parse_time_to_live(std::string_view auto_purge_json) {
    if (auto_purge_json.empty())
        return std::nullopt;
    auto parsed = json::parse(auto_purge_json);
    if (!parsed.ok() || !parsed->is_object())
        return std::nullopt;
    const auto *ttl = parsed->object().find("deleted_document_ttl");
    if (ttl == nullptr)
        return std::nullopt;
    return ttl->is_string() ? parse_duration(ttl->string()) : std::nullopt;
}

bool is_time_to_live(std::string_view text) {
    return text == "infinity" || parse_duration(text).has_value();
}

} // namespace divan::db
