#include "json/parser.h"

#include "json/writer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>
#include <unordered_map>

namespace divan::json {
namespace {

// Objects up to this size find equal keys by comparing; larger ones by a hash table.
constexpr std::size_t kLinearKeysMax = 16;
// Numbers shorter than this without an exponent fit into a double for certain.
constexpr std::size_t kPlainNumberBytesMax = 300;

// Whether one of 8 bytes ends a run of plain string bytes: `"`, `\` or a control character.
bool has_special(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ull;
    constexpr std::uint64_t kHigh = 0x8080808080808080ull;
    auto zero_in = [](std::uint64_t w) { return (w - kOnes) & ~w; };
    auto below_space = (word - kOnes * 0x20) & ~word;
    return ((below_space | zero_in(word ^ (kOnes * '"')) | zero_in(word ^ (kOnes * '\\'))) & kHigh) != 0;
}

void append_utf8(std::string &out, std::uint32_t code) {
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xc0 | (code >> 6)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | (code >> 12)));
        out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else {
        out.push_back(static_cast<char>(0xf0 | (code >> 18)));
        out.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    }
}

// Finds the members of an object that a later one with the same key replaces.
class KeyIndex {
  public:
    // Adds the key of the next member; the index of the member that it replaces, if there is one.
    template <typename KeyAt>
    std::optional<std::size_t> add(std::string_view key, std::size_t count, KeyAt key_at) {
        if (count < kLinearKeysMax) {
            for (std::size_t i = 0; i < count; ++i)
                if (key_at(i) == key)
                    return i;
            return std::nullopt;
        }
        if (table_.empty())
            for (std::size_t i = 0; i < count; ++i)
                table_.insert_or_assign(std::string(key_at(i)), i);
        auto [found, added] = table_.try_emplace(std::string(key), count);
        if (added)
            return std::nullopt;
        auto replaced = found->second;
        found->second = count;
        return replaced;
    }

  private:
    std::unordered_map<std::string, std::size_t> table_;
};

class Parser {
  public:
    Parser(std::string_view text, const ParseOptions &options)
        : at_(text.data()), end_(text.data() + text.size()), options_(options) {}

    // Has the elements of the root's member `member` taken instead of kept.
    void give_elements(std::string_view member, const ElementSink &sink) {
        element_member_ = member;
        sink_ = &sink;
    }

    bool parse_root(Value &value) {
        skip_space();
        if (!parse_value(value, 0))
            return false;
        skip_space();
        return at_ == end_;
    }

    [[nodiscard]] bool too_deep() const { return too_deep_; }

  private:
    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
            ++at_;
    }

    bool take(char c) {
        if (at_ == end_ || *at_ != c)
            return false;
        ++at_;
        return true;
    }

    bool take_word(std::string_view word) {
        if (static_cast<std::size_t>(end_ - at_) < word.size() ||
            std::memcmp(at_, word.data(), word.size()) != 0)
            return false;
        at_ += word.size();
        return true;
    }

    bool check_depth(std::size_t depth) {
        too_deep_ |= depth >= options_.depth_max;
        return !too_deep_;
    }

    // ---- values

    bool parse_value(Value &value, std::size_t depth) {
        if (at_ == end_)
            return false;
        if (depth >= options_.raw_depth) {
            Raw raw;
            if (!copy_value(raw.text, depth))
                return false;
            value = std::move(raw);
            return true;
        }
        switch (*at_) {
        case '{':
            return check_depth(depth) && parse_object(value, depth);
        case '[':
            return check_depth(depth) && parse_array(value, depth);
        case '"': {
            std::string string;
            if (!parse_string(string))
                return false;
            value = std::move(string);
            return true;
        }
        case 't':
            value = true;
            return take_word("true");
        case 'f':
            value = false;
            return take_word("false");
        case 'n':
            value = nullptr;
            return take_word("null");
        default: {
            std::string_view number;
            if (!scan_number(number))
                return false;
            value = Number{std::string(number)};
            return true;
        }
        }
    }

    bool parse_array(Value &value, std::size_t depth) {
        ++at_;
        Array array;
        skip_space();
        if (!take(']')) {
            do {
                skip_space();
                array.emplace_back();
                if (!parse_value(array.back(), depth + 1))
                    return false;
                skip_space();
            } while (take(','));
            if (!take(']'))
                return false;
        }
        value = std::move(array);
        return true;
    }

    bool parse_object(Value &value, std::size_t depth) {
        ++at_;
        std::vector<Member> members;
        std::vector<std::size_t> replaced;
        KeyIndex index;
        skip_space();
        if (!take('}')) {
            do {
                skip_space();
                Member member;
                if (at_ == end_ || *at_ != '"' || !parse_string(member.key))
                    return false;
                skip_space();
                if (!take(':'))
                    return false;
                skip_space();
                if (!parse_member_value(member, depth + 1))
                    return false;
                skip_space();
                if (auto old = index.add(member.key, members.size(),
                                         [&](std::size_t i) { return std::string_view(members[i].key); })) {
                    if (options_.refuse_equal_members)
                        return false;
                    replace(replaced, *old, members);
                }
                members.push_back(std::move(member));
            } while (take(','));
            if (!take('}'))
                return false;
        }
        Object object;
        std::size_t next = 0;
        std::sort(replaced.begin(), replaced.end());
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (next < replaced.size() && replaced[next] == i)
                ++next;
            else
                object.append(std::move(members[i].key), std::move(members[i].value));
        }
        value = std::move(object);
        return true;
    }

    bool parse_member_value(Member &member, std::size_t depth) {
        if (sink_ != nullptr && depth == 1 && member.key == element_member_ && at_ != end_ && *at_ == '[')
            return check_depth(depth) && parse_elements(member.value, depth);
        return parse_value(member.value, depth);
    }

    bool parse_elements(Value &value, std::size_t depth) {
        ++at_;
        sink_->begin();
        skip_space();
        if (!take(']')) {
            do {
                skip_space();
                const char *begin = at_;
                Value element;
                if (!parse_value(element, depth + 1))
                    return false;
                sink_->element(std::move(element),
                               std::string_view(begin, static_cast<std::size_t>(at_ - begin)));
                skip_space();
            } while (take(','));
            if (!take(']'))
                return false;
        }
        value = Array();
        return true;
    }

    // Linear search finds the oldest member of a key: a key that no text can hold marks the dead.
    static void replace(std::vector<std::size_t> &replaced, std::size_t old, std::vector<Member> &members) {
        replaced.push_back(old);
        members[old].key = "\xff";
    }

    // ---- canonical text, without values

    bool copy_value(std::string &out, std::size_t depth) {
        if (at_ == end_)
            return false;
        switch (*at_) {
        case '{':
            return check_depth(depth) && copy_object(out, depth);
        case '[':
            return check_depth(depth) && copy_array(out, depth);
        case '"':
            return copy_string(out);
        case 't':
            out.append("true");
            return take_word("true");
        case 'f':
            out.append("false");
            return take_word("false");
        case 'n':
            out.append("null");
            return take_word("null");
        default: {
            std::string_view number;
            if (!scan_number(number))
                return false;
            out.append(number);
            return true;
        }
        }
    }

    bool copy_array(std::string &out, std::size_t depth) {
        ++at_;
        out.push_back('[');
        skip_space();
        if (!take(']')) {
            for (;;) {
                skip_space();
                if (!copy_value(out, depth + 1))
                    return false;
                skip_space();
                if (!take(','))
                    break;
                out.push_back(',');
            }
            if (!take(']'))
                return false;
        }
        out.push_back(']');
        return true;
    }

    struct Span {
        std::size_t key_begin, key_end, member_end;
        bool replaced;
    };

    bool copy_object(std::string &out, std::size_t depth) {
        ++at_;
        auto begin = out.size();
        out.push_back('{');
        std::vector<Span> spans;
        KeyIndex index;
        bool any_replaced = false;
        skip_space();
        if (!take('}')) {
            do {
                skip_space();
                if (!spans.empty())
                    out.push_back(',');
                Span span{out.size(), 0, 0, false};
                if (at_ == end_ || *at_ != '"' || !copy_string(out))
                    return false;
                span.key_end = out.size();
                out.push_back(':');
                skip_space();
                if (!take(':'))
                    return false;
                skip_space();
                if (!copy_value(out, depth + 1))
                    return false;
                span.member_end = out.size();
                // Canonical escapes are unique, so equal keys have equal texts.
                auto key = std::string_view(out).substr(span.key_begin, span.key_end - span.key_begin);
                if (auto old = index.add(key, spans.size(), [&](std::size_t i) {
                        return spans[i].replaced
                                   ? std::string_view()
                                   : std::string_view(out).substr(spans[i].key_begin,
                                                                  spans[i].key_end - spans[i].key_begin);
                    })) {
                    if (options_.refuse_equal_members)
                        return false;
                    spans[*old].replaced = true;
                    any_replaced = true;
                }
                spans.push_back(span);
                skip_space();
            } while (take(','));
            if (!take('}'))
                return false;
        }
        if (any_replaced)
            drop_replaced(out, begin, spans);
        out.push_back('}');
        return true;
    }

    static void drop_replaced(std::string &out, std::size_t begin, const std::vector<Span> &spans) {
        std::string kept = "{";
        for (const auto &span : spans) {
            if (span.replaced)
                continue;
            if (kept.size() > 1)
                kept.push_back(',');
            kept.append(out, span.key_begin, span.member_end - span.key_begin);
        }
        out.replace(begin, std::string::npos, kept);
    }

    // ---- strings

    // The end of the plain bytes that begin here: a quote, a backslash, a control character or the end.
    const char *plain_end() const {
        const char *p = at_;
        while (end_ - p >= 8) {
            std::uint64_t word;
            std::memcpy(&word, p, 8);
            if (has_special(word))
                break;
            p += 8;
        }
        while (p != end_ && static_cast<unsigned char>(*p) >= 0x20 && *p != '"' && *p != '\\')
            ++p;
        return p;
    }

    bool parse_string(std::string &out) {
        ++at_;
        for (;;) {
            const char *stop = plain_end();
            out.append(at_, stop);
            at_ = stop;
            if (at_ == end_)
                return false;
            if (*at_ == '"') {
                ++at_;
                return true;
            }
            if (*at_ != '\\' || !parse_escape(out))
                return false;
        }
    }

    bool copy_string(std::string &out) {
        const char *begin = at_;
        ++at_;
        const char *stop = plain_end();
        if (stop != end_ && *stop == '"') {
            at_ = stop + 1;
            out.append(begin, at_); // no escapes: canonical as it is
            return true;
        }
        at_ = begin;
        std::string string;
        if (!parse_string(string))
            return false;
        write_string(out, string);
        return true;
    }

    bool parse_hex4(std::uint32_t &code) {
        if (end_ - at_ < 4)
            return false;
        code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            char c = *at_;
            std::uint32_t digit = 0;
            if (c >= '0' && c <= '9')
                digit = static_cast<std::uint32_t>(c - '0');
            else if (c >= 'a' && c <= 'f')
                digit = static_cast<std::uint32_t>(c - 'a' + 10);
            else if (c >= 'A' && c <= 'F')
                digit = static_cast<std::uint32_t>(c - 'A' + 10);
            else
                return false;
            code = code << 4 | digit;
        }
        return true;
    }

    bool parse_escape(std::string &out) {
        ++at_;
        if (at_ == end_)
            return false;
        char c = *at_++;
        switch (c) {
        case '"':
        case '\\':
        case '/':
            out.push_back(c);
            return true;
        case 'b':
            out.push_back('\b');
            return true;
        case 'f':
            out.push_back('\f');
            return true;
        case 'n':
            out.push_back('\n');
            return true;
        case 'r':
            out.push_back('\r');
            return true;
        case 't':
            out.push_back('\t');
            return true;
        case 'u':
            return parse_unicode_escape(out);
        default:
            return false;
        }
    }

    bool parse_unicode_escape(std::string &out) {
        std::uint32_t code = 0;
        if (!parse_hex4(code))
            return false;
        if (code >= 0xdc00 && code <= 0xdfff)
            return false;
        if (code >= 0xd800 && code <= 0xdbff) {
            std::uint32_t low = 0;
            if (!take('\\') || !take('u') || !parse_hex4(low) || low < 0xdc00 || low > 0xdfff)
                return false;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(out, code);
        return true;
    }

    // ---- numbers

    bool take_digits() {
        const char *begin = at_;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
            ++at_;
        return at_ != begin;
    }

    bool scan_number(std::string_view &number) {
        const char *begin = at_;
        bool integer = true;
        bool exponent = false;
        take('-');
        if (!take('0') && !take_digits())
            return false;
        if (take('.')) {
            integer = false;
            if (!take_digits())
                return false;
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            integer = false;
            exponent = true;
            ++at_;
            if (!take('+'))
                take('-');
            if (!take_digits())
                return false;
        }
        number = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
        // Integers have any length; what is written with point or exponent must fit into a double.
        if (integer || (!exponent && number.size() < kPlainNumberBytesMax))
            return true;
        return std::isfinite(std::strtod(std::string(number).c_str(), nullptr));
    }

    const char *at_;
    const char *end_;
    const ParseOptions &options_;
    bool too_deep_ = false;
    std::string_view element_member_;
    const ElementSink *sink_ = nullptr;
};

Result<Value> run(Parser &parser, std::string_view text, const ParseOptions &options) {
    Value value;
    if (!simdjson::validate_utf8(text.data(), text.size()) || !parser.parse_root(value)) {
        if (parser.too_deep())
            return Error(ErrorCode::bad_request,
                         fmt::format("The JSON is nested deeper than {} levels.", options.depth_max));
        return Error(ErrorCode::bad_request, "invalid UTF-8 JSON");
    }
    return value;
}

} // namespace

Result<Value> parse(std::string_view text, const ParseOptions &options) {
    Parser parser(text, options);
    return run(parser, text, options);
}

Result<Value> parse_elements(std::string_view text, std::string_view member, const ElementSink &sink,
                             const ParseOptions &options) {
    Parser parser(text, options);
    parser.give_elements(member, sink);
    return run(parser, text, options);
}

} // namespace divan::json
