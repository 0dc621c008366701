#include "json/writer.h"

#include <charconv>
#include <cstring>

namespace divan::json {
namespace {

void append_escape(std::string &out, unsigned char c) {
    switch (c) {
    case '"':
        out.append("\\\"");
        return;
    case '\\':
        out.append("\\\\");
        return;
    case '\b':
        out.append("\\b");
        return;
    case '\f':
        out.append("\\f");
        return;
    case '\n':
        out.append("\\n");
        return;
    case '\r':
        out.append("\\r");
        return;
    case '\t':
        out.append("\\t");
        return;
    default:
        out.append("\\u00");
        out.push_back("0123456789ABCDEF"[c >> 4]);
        out.push_back("0123456789ABCDEF"[c & 15]);
    }
}

bool is_escaped(unsigned char c) {
    return c < 0x20 || c == '"' || c == '\\';
}

// Whether a string has a character that is escaped. Eight are looked at at once: subtracting borrows from the
// top bit of a byte that is below what is subtracted.
bool has_escapes(std::string_view string) {
    constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255; // 1 in each byte
    constexpr std::uint64_t kTopBits = kOnes << 7;
    auto has_less = [](std::uint64_t bytes, std::uint64_t bound) { return (bytes - kOnes * bound) & ~bytes; };
    std::uint64_t found = 0;
    for (; string.size() >= sizeof found; string.remove_prefix(sizeof found)) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, string.data(), sizeof bytes);
        found |= has_less(bytes, 0x20) | has_less(bytes ^ kOnes * '"', 1) | has_less(bytes ^ kOnes * '\\', 1);
    }
    for (char c : string)
        if (is_escaped(static_cast<unsigned char>(c)))
            return true;
    return (found & kTopBits) != 0;
}

template <typename N> void append_number(std::string &out, N number) {
    char text[24];
    auto [end, error] = std::to_chars(text, text + sizeof text, number);
    out.append(text, end);
}

} // namespace

void write_string(std::string &out, std::string_view string) {
    out.push_back('"');
    if (!has_escapes(string)) {
        out.append(string);
        out.push_back('"');
        return;
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < string.size(); ++i) {
        auto c = static_cast<unsigned char>(string[i]);
        if (!is_escaped(c))
            continue;
        out.append(string, begin, i - begin);
        append_escape(out, c);
        begin = i + 1;
    }
    out.append(string, begin, string.size() - begin);
    out.push_back('"');
}

void write(std::string &out, const Value &value) {
    if (value.is_null()) {
        out.append("null");
    } else if (value.is_boolean()) {
        out.append(value.boolean() ? "true" : "false");
    } else if (value.is_number()) {
        out.append(value.number_text());
    } else if (value.is_string()) {
        write_string(out, value.string());
    } else if (value.is_raw()) {
        out.append(value.raw_text());
    } else if (value.is_array()) {
        out.push_back('[');
        bool first = true;
        for (const auto &element : value.array()) {
            if (!first)
                out.push_back(',');
            first = false;
            write(out, element);
        }
        out.push_back(']');
    } else {
        ObjectWriter writer(out);
        for (const auto &member : value.object()) {
            writer.key(member.key);
            write(out, member.value);
        }
        writer.close();
    }
}

std::string to_text(const Value &value) {
    std::string out;
    write(out, value);
    return out;
}

ObjectWriter &ObjectWriter::key(std::string_view key) {
    if (!first_)
        out_.push_back(',');
    first_ = false;
    write_string(out_, key);
    out_.push_back(':');
    return *this;
}

ObjectWriter &ObjectWriter::member(std::string_view key, std::string_view string) {
    this->key(key);
    write_string(out_, string);
    return *this;
}

ObjectWriter &ObjectWriter::member(std::string_view key, bool boolean) {
    return raw(key, boolean ? "true" : "false");
}

ObjectWriter &ObjectWriter::member(std::string_view key, std::int64_t number) {
    this->key(key);
    append_number(out_, number);
    return *this;
}

ObjectWriter &ObjectWriter::member(std::string_view key, std::uint64_t number) {
    this->key(key);
    append_number(out_, number);
    return *this;
}

ObjectWriter &ObjectWriter::value(std::string_view key, const Value &value) {
    this->key(key);
    write(out_, value);
    return *this;
}

ObjectWriter &ObjectWriter::null(std::string_view key) {
    return raw(key, "null");
}

ObjectWriter &ObjectWriter::raw(std::string_view key, std::string_view text) {
    this->key(key);
    out_.append(text);
    return *this;
}

} // namespace divan::json
