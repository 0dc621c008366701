#include "access/small_file.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace divan::access {

Result<std::string> read_small_file(const std::string &path, std::size_t bytes_max) {
    std::error_code ignored;
    // A pipe would not end.
    if (!std::filesystem::is_regular_file(path, ignored))
        return Error(ErrorCode::service_unavailable, fmt::format("{} is no file that can be read", path));
    std::ifstream stream(path, std::ios::binary);
    std::string text(bytes_max + 1, '\0'); // one more, so that what is too large is seen to be
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || !stream.is_open())
        return Error(ErrorCode::service_unavailable, fmt::format("{} cannot be read", path));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

} // namespace divan::access
