#include "json/element_stream.h"

#include "json/parser.h"

#include <algorithm>

namespace divan::json {
namespace {

constexpr std::size_t kRestBytesMax = 1 << 20;

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

Error malformed() {
    return {ErrorCode::bad_request, "invalid UTF-8 JSON"};
}

} // namespace

ElementStream::ElementStream(std::string_view member, std::size_t element_bytes_max)
    : key_(member.empty() ? std::string() : "\"" + std::string(member) + "\":"),
      element_bytes_max_(element_bytes_max) {}

Result<void> ElementStream::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (in_string_ && !escaped_) {
            // Most bytes are inside of strings: they are copied in runs.
            auto run = std::min(bytes.find_first_of("\"\\"), bytes.size());
            (array_depth_ > 0 ? element_ : rest_).append(bytes.substr(0, run));
            bytes.remove_prefix(run);
            if (bytes.empty())
                break;
        }
        DIVAN_TRY_VOID(take(bytes.front()));
        bytes.remove_prefix(1);
    }
    if (element_.size() > element_bytes_max_ || rest_.size() > kRestBytesMax)
        return Error(ErrorCode::too_large, "The answer has an element that is larger than is taken.");
    return {};
}

Result<void> ElementStream::take(char c) {
    if (in_string_) {
        (array_depth_ > 0 ? element_ : rest_).push_back(c);
        if (escaped_)
            escaped_ = false;
        else if (c == '\\')
            escaped_ = true;
        else if (c == '"')
            in_string_ = false;
        return {};
    }
    if (is_space(c))
        return {};
    return array_depth_ > 0 ? inside(c) : outside(c);
}

bool ElementStream::array_begins() const {
    if (found_ || depth_ != (key_.empty() ? 0U : 1U) || !rest_.ends_with(key_))
        return false;
    auto before = rest_.size() - key_.size();
    return key_.empty() ? rest_.empty()
                        : before > 0 && (rest_[before - 1] == '{' || rest_[before - 1] == ',');
}

Result<void> ElementStream::outside(char c) {
    bool begins = c == '[' && array_begins();
    rest_.push_back(c);
    if (c == '"')
        in_string_ = true;
    if (c == '[' || c == '{')
        ++depth_;
    if (c == ']' || c == '}') {
        if (depth_ == 0)
            return malformed();
        --depth_;
    }
    if (begins) {
        found_ = true;
        array_depth_ = depth_;
    }
    return {};
}

void ElementStream::end_element() {
    elements_.push_back(std::move(element_));
    element_.clear();
}

Result<void> ElementStream::inside(char c) {
    bool between = depth_ == array_depth_;
    if (between && (c == ',' || c == ']')) {
        if (element_.empty() && (c == ',' || comma_))
            return malformed();
        if (!element_.empty())
            end_element();
        comma_ = c == ',';
        if (c == ']') {
            --depth_;
            array_depth_ = 0;
            rest_.push_back(c);
        }
        return {};
    }
    element_.push_back(c);
    if (c == '"')
        in_string_ = true;
    if (c == '[' || c == '{')
        ++depth_;
    if (c == ']' || c == '}') {
        if (between)
            return malformed();
        --depth_;
    }
    return {};
}

std::optional<std::string> ElementStream::next() {
    if (elements_.empty())
        return std::nullopt;
    auto element = std::move(elements_.front());
    elements_.pop_front();
    return element;
}

Result<Value> ElementStream::finish() const {
    if (!found_ || depth_ > 0 || in_string_)
        return malformed();
    return parse(rest_);
}

} // namespace divan::json
