#pragma once

// Names of documents that mean something to the server.

#include <string_view>

namespace divan::doc {

inline constexpr std::string_view kDesignPrefix = "_design/";

[[nodiscard]] constexpr bool is_design_id(std::string_view id) {
    return id.starts_with(kDesignPrefix);
}

} // namespace divan::doc
