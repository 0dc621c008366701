#include "script/worker/json_text.h"

#include "script/protocol.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <js/Conversions.h>
#include <js/Exception.h>
#include <js/JSON.h>
#include <js/Object.h>
#include <js/String.h>
#include <vector>

namespace divan::script {
namespace {

constexpr char16_t kReplacement = 0xfffd;

bool is_ascii(std::string_view text) {
    unsigned char bits = 0;
    for (char c : text)
        bits = static_cast<unsigned char>(bits | static_cast<unsigned char>(c));
    return bits < 0x80;
}

// `text` is UTF-8 without faults: the server checked it.
void to_utf16(std::string_view text, std::vector<char16_t> &units) {
    units.resize(text.size());
    if (is_ascii(text)) {
        std::transform(text.begin(), text.end(), units.begin(),
                       [](char c) { return static_cast<char16_t>(static_cast<unsigned char>(c)); });
        return;
    }
    std::size_t length = 0;
    auto byte = [&](std::size_t at) -> std::uint32_t {
        return at < text.size() ? static_cast<unsigned char>(text[at]) & 0x3fU : 0;
    };
    for (std::size_t at = 0; at < text.size();) {
        std::uint32_t lead = static_cast<unsigned char>(text[at]);
        if (lead < 0x80) {
            units[length++] = static_cast<char16_t>(lead);
            at += 1;
        } else if (lead < 0xe0) {
            units[length++] = static_cast<char16_t>((lead & 0x1f) << 6 | byte(at + 1));
            at += 2;
        } else if (lead < 0xf0) {
            units[length++] = static_cast<char16_t>((lead & 0x0f) << 12 | byte(at + 1) << 6 | byte(at + 2));
            at += 3;
        } else {
            auto code =
                ((lead & 0x07) << 18 | byte(at + 1) << 12 | byte(at + 2) << 6 | byte(at + 3)) - 0x10000;
            units[length++] = static_cast<char16_t>(0xd800 + (code >> 10));
            units[length++] = static_cast<char16_t>(0xdc00 + (code & 0x3ff));
            at += 4;
        }
    }
    units.resize(length);
}

void append_code(std::string &out, std::uint32_t code) {
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xc0 | code >> 6));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | code >> 12));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else {
        out.push_back(static_cast<char>(0xf0 | code >> 18));
        out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    }
}

bool is_high(char16_t unit) {
    return (unit & 0xfc00) == 0xd800;
}

bool is_low(char16_t unit) {
    return (unit & 0xfc00) == 0xdc00;
}

// The code point at `at`, which moves behind it.
std::uint32_t next_code(std::u16string_view units, std::size_t &at) {
    auto unit = units[at++];
    if (!is_high(unit) && !is_low(unit))
        return unit;
    if (is_high(unit) && at < units.size() && is_low(units[at]))
        return 0x10000U + ((unit & 0x3ffU) << 10) + (units[at++] & 0x3ffU);
    return kReplacement;
}

void append_escaped(std::string &out, std::uint32_t code) {
    constexpr char kHex[] = "0123456789ABCDEF";
    if (code == '"' || code == '\\') {
        out.push_back('\\');
        out.push_back(static_cast<char>(code));
    } else if (code >= 0x20) {
        append_code(out, code);
    } else {
        out.append("\\u00");
        out.push_back(kHex[code >> 4]);
        out.push_back(kHex[code & 0xf]);
    }
}

bool append_json_string(JSContext *cx, std::string &out, JSString *string) {
    JSLinearString *linear = JS_EnsureLinearString(cx, string);
    if (linear == nullptr)
        return false;
    out.push_back('"');
    JS::AutoCheckCannotGC no_gc;
    auto length = JS::GetLinearStringLength(linear);
    if (JS::LinearStringHasLatin1Chars(linear)) {
        const auto *chars = JS::GetLatin1LinearStringChars(no_gc, linear);
        const auto *end = chars + length;
        while (chars != end) {
            const auto *plain = std::find_if(
                chars, end, [](JS::Latin1Char c) { return c < 0x20 || c >= 0x80 || c == '"' || c == '\\'; });
            out.append(reinterpret_cast<const char *>(chars), static_cast<std::size_t>(plain - chars));
            if (plain == end)
                break;
            append_escaped(out, *plain);
            chars = plain + 1;
        }
    } else {
        std::u16string_view units(JS::GetTwoByteLinearStringChars(no_gc, linear), length);
        for (std::size_t at = 0; at < units.size();)
            append_escaped(out, next_code(units, at));
    }
    out.push_back('"');
    return true;
}

// What JSON.stringify gave. Of \u escapes with surrogates it writes only those without a partner.
bool append_stringified(const char16_t *chars, std::uint32_t length, void *data) {
    auto &out = *static_cast<std::string *>(data);
    std::u16string_view units(chars, length);
    out.reserve(out.size() + length);
    for (std::size_t at = 0; at < units.size();) {
        if (units[at] != u'\\') {
            if (units[at] < 0x80)
                out.push_back(static_cast<char>(units[at++]));
            else
                append_code(out, next_code(units, at));
        } else if (at + 5 < units.size() && units[at + 1] == u'u' && units[at + 2] == u'd' &&
                   units[at + 3] >= u'8') {
            append_code(out, kReplacement);
            at += 6;
        } else {
            out.push_back('\\');
            out.push_back(static_cast<char>(units[at + 1]));
            at += 2;
        }
    }
    return true;
}

// Deeper than the server reads. Only a long text can be: the scan is not for the usual ones.
bool is_too_deep(std::string_view text) {
    if (text.size() < 2 * protocol::kDepthMax)
        return false;
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (in_string) {
            if (c == '\\')
                ++at;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > protocol::kDepthMax)
                return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

bool append_object(JSContext *cx, std::string &out, JS::HandleValue value) {
    JS::RootedValue root(cx, value);
    auto begin = out.size();
    if (!JS_Stringify(cx, &root, nullptr, JS::NullHandleValue, append_stringified, &out))
        return false;
    if (is_too_deep(std::string_view(out).substr(begin))) {
        JS_ReportErrorASCII(cx, "the value is nested too deeply");
        return false;
    }
    return true;
}

void append_double(std::string &out, double number) {
    if (!std::isfinite(number)) {
        out.append("null");
        return;
    }
    char text[JS::MaximumNumberToStringLength];
    JS::NumberToString(number, text);
    out.append(text);
}

} // namespace

bool parse_json(JSContext *cx, std::string_view text, JS::MutableHandleValue value) {
    static thread_local std::vector<char16_t> units;
    to_utf16(text, units);
    bool parsed = JS_ParseJSON(cx, units.data(), static_cast<std::uint32_t>(units.size()), value);
    constexpr std::size_t kKeptUnits = 1 << 20;
    if (units.capacity() > kKeptUnits)
        std::vector<char16_t>().swap(units);
    return parsed;
}

bool append_json(JSContext *cx, std::string &out, JS::HandleValue value) {
    if (value.isInt32()) {
        char text[16];
        auto end = std::to_chars(text, text + sizeof text, value.toInt32()).ptr;
        out.append(text, static_cast<std::size_t>(end - text));
        return true;
    }
    if (value.isString())
        return append_json_string(cx, out, value.toString());
    if (may_run_code(value))
        return append_object(cx, out, value);
    if (value.isBoolean())
        out.append(value.toBoolean() ? "true" : "false");
    else if (value.isDouble())
        append_double(out, value.toDouble());
    else
        out.append("null");
    return true;
}

void append_utf8(std::string &out, std::u16string_view units) {
    for (std::size_t at = 0; at < units.size();)
        append_code(out, next_code(units, at));
}

bool append_utf8(JSContext *cx, std::string &out, JSString *string) {
    JSLinearString *linear = JS_EnsureLinearString(cx, string);
    if (linear == nullptr)
        return false;
    JS::AutoCheckCannotGC no_gc;
    auto length = JS::GetLinearStringLength(linear);
    if (JS::LinearStringHasLatin1Chars(linear)) {
        const auto *chars = JS::GetLatin1LinearStringChars(no_gc, linear);
        for (std::size_t at = 0; at < length; ++at)
            append_code(out, chars[at]);
    } else {
        append_utf8(out, std::u16string_view(JS::GetTwoByteLinearStringChars(no_gc, linear), length));
    }
    return true;
}

JSString *new_string(JSContext *cx, std::string_view text) {
    return JS_NewStringCopyUTF8N(cx, JS::UTF8Chars(text.data(), text.size()));
}

} // namespace divan::script
