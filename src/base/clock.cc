#include "base/clock.h"

#include <ctime>

namespace divan {
namespace {

std::string format_utc(std::chrono::microseconds time, const char *format) {
    auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).count());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

} // namespace

std::chrono::microseconds SystemClock::now() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
}

std::chrono::nanoseconds SystemClock::monotonic() const {
    return std::chrono::steady_clock::now().time_since_epoch();
}

std::string http_date(std::chrono::microseconds time) {
    return format_utc(time, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string rfc3339(std::chrono::microseconds time) {
    return format_utc(time, "%Y-%m-%dT%H:%M:%SZ");
}

} // namespace divan
