#include "script/worker/options.h"

#include <charconv>
#include <string_view>

namespace divan::script {
namespace {

template <typename T> bool read(std::string_view text, T &number) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number > 0;
}

} // namespace

std::optional<WorkerOptions> parse_worker_options(std::span<char *const> arguments) {
    constexpr std::size_t kArguments = 4;
    WorkerOptions options;
    if (arguments.size() != kArguments || !read(arguments[0], options.memory_bytes_max) ||
        !read(arguments[1], options.answer_bytes_max) || !read(arguments[2], options.programs_max) ||
        !read(arguments[3], options.function_timeout_ms))
        return std::nullopt;
    return options;
}

} // namespace divan::script
