#include "collation/sort_key.h"

#include "collation/number_key.h"
#include "collation/string_key.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace divan::collation {
namespace {

// First bytes of sort keys; those of numbers are in number_key.h. Names of members have the type of strings,
// so that an object's key is the keys of its parts.
struct Types {
    char null, false_, true_, string, array, object;
};
constexpr Types kUnicodeTypes{2, 3, 4, 8, 9, 10};
constexpr Types kRawTypes{9, 8, 10, 13, 12, 11};
// Below every type.
constexpr char kContainerEnd = 0;

constexpr char kEscape = 1;

const Types &types_of(Order order) {
    return order == Order::unicode ? kUnicodeTypes : kRawTypes;
}

void append_string(std::string &out, std::string_view utf8, Order order) {
    out.push_back(types_of(order).string);
    if (order == Order::unicode)
        append_string_key(out, utf8);
    else
        append_bytes(out, utf8);
}

void append_utf8(std::string &out, std::uint32_t code) {
    auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | (code >> 6));
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3f));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

std::uint32_t hex_value(std::string_view digits) {
    std::uint32_t value = 0;
    for (char c : digits.substr(0, 4))
        value = 16 * value + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    return value;
}

// Takes the escape at the front of `text`, and appends what it stands for.
void take_escape(std::string_view &text, std::string &out) {
    const char kind = text.size() > 1 ? text[1] : '\\';
    text.remove_prefix(std::min<std::size_t>(text.size(), 2));
    if (kind != 'u') {
        constexpr std::string_view kKinds = "bfnrt", kMeant = "\b\f\n\r\t";
        auto at = kKinds.find(kind);
        out.push_back(at == std::string_view::npos ? kind : kMeant[at]);
        return;
    }
    auto code = hex_value(text);
    text.remove_prefix(std::min<std::size_t>(text.size(), 4));
    if (code >= 0xd800 && code < 0xdc00 && text.starts_with("\\u")) {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex_value(text.substr(2)) & 0x3ff);
        text.remove_prefix(std::min<std::size_t>(text.size(), 6));
    }
    append_utf8(out, code);
}

std::string unescape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto plain = std::min(text.find('\\'), text.size());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (!text.empty())
            take_escape(text, out);
    }
    return out;
}

// The first byte that is `"`, `\` or not ASCII, or the end.
const char *skip_plain_ascii(const char *at, const char *end) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ull;
    auto zero_in = [](std::uint64_t w) { return (w - kOnes) & ~w; };
    for (; end - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        auto special = word | zero_in(word ^ (kOnes * '"')) | zero_in(word ^ (kOnes * '\\'));
        if ((special & (kOnes * 0x80)) != 0)
            break;
    }
    while (at != end && *at != '"' && *at != '\\' && static_cast<signed char>(*at) >= 0)
        ++at;
    return at;
}

// A text is a row of tokens, and each has a key of its own: no stack is needed, whatever the depth.
class TextKeys {
  public:
    TextKeys(std::string &out, std::string_view text, Order order)
        : out_(out), at_(text.data()), end_(text.data() + text.size()), order_(order),
          types_(types_of(order)) {}

    void append() {
        while (at_ != end_)
            append_token();
    }

  private:
    void append_token() {
        switch (*at_) {
        case '"':
            return append_string_token();
        case ',':
        case ':':
            ++at_;
            return;
        case '[':
            return append_type(types_.array, 1);
        case '{':
            return append_type(types_.object, 1);
        case ']':
        case '}':
            return append_type(kContainerEnd, 1);
        case 'n':
            return append_type(types_.null, 4);
        case 't':
            return append_type(types_.true_, 4);
        case 'f':
            return append_type(types_.false_, 5);
        default:
            return append_number_token();
        }
    }

    void append_type(char type, std::ptrdiff_t token_size) {
        out_.push_back(type);
        at_ += std::min(token_size, end_ - at_);
    }

    void append_number_token() {
        const char *begin = at_++;
        while (at_ != end_ && *at_ != ',' && *at_ != ']' && *at_ != '}')
            ++at_;
        append_number_key(out_, {begin, static_cast<std::size_t>(at_ - begin)});
    }

    void append_string_token() {
        const char *begin = ++at_;
        at_ = skip_plain_ascii(at_, end_);
        if (order_ == Order::unicode && at_ != end_ && *at_ == '"') {
            out_.push_back(types_.string);
            append_ascii_key(out_, {begin, static_cast<std::size_t>(at_ - begin)});
            ++at_;
            return;
        }
        bool escaped = false;
        for (; at_ != end_ && *at_ != '"'; ++at_) {
            if (*at_ == '\\' && end_ - at_ > 1) {
                escaped = true;
                ++at_;
            }
        }
        std::string_view text(begin, static_cast<std::size_t>(at_ - begin));
        if (escaped)
            append_string(out_, unescape(text), order_);
        else
            append_string(out_, text, order_);
        if (at_ != end_)
            ++at_;
    }

    std::string &out_;
    const char *at_;
    const char *end_;
    Order order_;
    const Types &types_;
};

} // namespace

void append_sort_key(std::string &out, std::string_view json, Order order) {
    TextKeys(out, json, order).append();
}

// Recurses as json::parse does, with less stack for a level.
void append_sort_key(std::string &out, const json::Value &value, Order order) {
    const auto &types = types_of(order);
    if (value.is_null()) {
        out.push_back(types.null);
    } else if (value.is_boolean()) {
        out.push_back(value.boolean() ? types.true_ : types.false_);
    } else if (value.is_number()) {
        append_number_key(out, value.number_text());
    } else if (value.is_string()) {
        append_string(out, value.string(), order);
    } else if (value.is_raw()) {
        append_sort_key(out, std::string_view(value.raw_text()), order);
    } else if (value.is_array()) {
        out.push_back(types.array);
        for (const auto &element : value.array())
            append_sort_key(out, element, order);
        out.push_back(kContainerEnd);
    } else {
        out.push_back(types.object);
        for (const auto &member : value.object()) {
            append_string(out, member.key, order);
            append_sort_key(out, member.value, order);
        }
        out.push_back(kContainerEnd);
    }
}

std::string sort_key(const json::Value &value, Order order) {
    std::string out;
    append_sort_key(out, value, order);
    return out;
}

void append_array_begin(std::string &out) {
    out.push_back(kUnicodeTypes.array);
}

void append_bytes(std::string &out, std::string_view bytes) {
    for (char byte : bytes) {
        if (byte == 0 || byte == kEscape) {
            out.push_back(kEscape);
            out.push_back(static_cast<char>(byte + 1));
        } else {
            out.push_back(byte);
        }
    }
    out.push_back('\0');
}

bool take_bytes(std::string_view &in, std::string &bytes) {
    std::string taken;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == '\0') {
            in.remove_prefix(i + 1);
            bytes = std::move(taken);
            return true;
        }
        if (in[i] != kEscape) {
            taken.push_back(in[i]);
            continue;
        }
        if (++i == in.size() || (in[i] != 1 && in[i] != 2))
            return false;
        taken.push_back(static_cast<char>(in[i] - 1));
    }
    return false;
}

std::optional<std::string_view> plain_bytes(std::string_view in) {
    auto end = in.find('\0');
    if (end == std::string_view::npos || in.substr(0, end).find(kEscape) != std::string_view::npos)
        return std::nullopt;
    return in.substr(0, end);
}

} // namespace divan::collation
