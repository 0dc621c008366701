#pragma once

// `key=value` pairs in the form of a query, and of a form.

#include "base/encoding.h"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace divan::access {

class UrlForm {
  public:
    UrlForm &add(std::string_view name, std::string_view value) {
        text_ += fmt::format("{}{}={}", text_.empty() ? "" : "&", name, percent_encode(value));
        return *this;
    }
    [[nodiscard]] const std::string &text() const { return text_; }
    // As the query of a URL that may have one.
    [[nodiscard]] std::string behind(const std::string &url) const {
        return url + (url.find('?') == std::string::npos ? "?" : "&") + text_;
    }

  private:
    std::string text_;
};

} // namespace divan::access
