#include "selector/erlang_text.h"

#include "json/writer.h"

namespace divan::selector {
namespace {

constexpr std::size_t kReasonValueBytesMax = 200;

// As Erlang prints it with ~w, but strings and members of objects as JSON.
void append_printed(std::string &out, const json::Value &value) {
    if (out.size() > 2 * kReasonValueBytesMax)
        return;
    if (value.is_object() && value.object().empty()) {
        out += "{[]}";
    } else if (value.is_array()) {
        out.push_back('[');
        for (const auto &element : value.array()) {
            if (&element != value.array().data())
                out.push_back(',');
            append_printed(out, element);
            if (out.size() > 2 * kReasonValueBytesMax)
                return;
        }
        out.push_back(']');
    } else {
        json::write(out, value);
    }
}

} // namespace

std::string shortened(std::string text) {
    if (text.size() <= kReasonValueBytesMax)
        return text;
    auto end = kReasonValueBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end) + "...";
}

std::string erlang_text(const json::Value &value) {
    std::string out;
    append_printed(out, value);
    return shortened(std::move(out));
}

} // namespace divan::selector
