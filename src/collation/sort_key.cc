#include "collation/sort_key.h"

#include "base/bytes.h"
#include "collation/number_key.h"
#include "collation/string_key.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::collation {
namespace {

// Of the first byte of a sort key. No value begins with 0, which ends arrays and objects.
struct Types {
    char null, boolean_false, boolean_true, number, string, array, object;
};
constexpr Types kUnicode = {1, 2, 3, 4, 5, 6, 7};
constexpr Types kRaw = {3, 2, 4, 1, 7, 6, 5};
constexpr char kEnd = 0;

// One pass over canonical text. REQUIRES: canonical, so nothing is checked.
class Encoder {
  public:
    Encoder(std::string &out, std::string_view json, Order order)
        : out_(out), rest_(json), order_(order), types_(order == Order::unicode ? kUnicode : kRaw) {}

    void value() {
        switch (rest_.front()) {
        case 'n':
            return literal(types_.null, 4);
        case 'f':
            return literal(types_.boolean_false, 5);
        case 't':
            return literal(types_.boolean_true, 4);
        case '"':
            out_.push_back(types_.string);
            return string();
        case '[':
            return array();
        case '{':
            return object();
        default:
            return number();
        }
    }

  private:
    void literal(char type, std::size_t size) {
        out_.push_back(type);
        rest_.remove_prefix(size);
    }

    void number() {
        auto size = std::min(rest_.find_first_of(",]}"), rest_.size());
        out_.push_back(types_.number);
        append_number(out_, rest_.substr(0, size));
        rest_.remove_prefix(size);
    }

    void string() {
        // To the quote that ends it.
        std::size_t end = 1;
        bool escaped = false;
        for (; rest_[end] != '"'; ++end)
            if (rest_[end] == '\\') {
                escaped = true;
                ++end;
            }
        auto text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        if (escaped)
            text = unescaped_ = unescape(text);
        if (order_ == Order::raw)
            append_bytes(out_, text);
        else
            append_string(out_, text);
    }

    // Canonical text escapes quotes, backslashes and control characters only.
    static std::string unescape(std::string_view text) {
        std::string plain;
        plain.reserve(text.size());
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '\\') {
                plain.push_back(text[i]);
                continue;
            }
            switch (text[++i]) {
            case 'b':
                plain.push_back('\b');
                break;
            case 'f':
                plain.push_back('\f');
                break;
            case 'n':
                plain.push_back('\n');
                break;
            case 'r':
                plain.push_back('\r');
                break;
            case 't':
                plain.push_back('\t');
                break;
            case 'u': // \u00XX
                plain.push_back(static_cast<char>(digit(text[i + 3]) << 4 | digit(text[i + 4])));
                i += 4;
                break;
            default:
                plain.push_back(text[i]);
            }
        }
        return plain;
    }

    static int digit(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

    void array() {
        out_.push_back(types_.array);
        rest_.remove_prefix(1);
        while (rest_.front() != ']') {
            value();
            skip_comma();
        }
        rest_.remove_prefix(1);
        out_.push_back(kEnd);
    }

    void object() {
        out_.push_back(types_.object);
        rest_.remove_prefix(1);
        while (rest_.front() != '}') {
            out_.push_back(types_.string); // a member goes on where a shorter object ends
            string();
            rest_.remove_prefix(1); // the colon
            value();
            skip_comma();
        }
        rest_.remove_prefix(1);
        out_.push_back(kEnd);
    }

    void skip_comma() {
        if (rest_.front() == ',')
            rest_.remove_prefix(1);
    }

    std::string &out_;
    std::string_view rest_;
    Order order_;
    Types types_;
    std::string unescaped_;
};

} // namespace

void append_sort_key(std::string &out, std::string_view json, Order order) {
    Encoder(out, json, order).value();
}

void append_sort_key(std::string &out, const json::Value &value, Order order) {
    append_sort_key(out, std::string_view(json::to_text(value)), order);
}

std::string sort_key(const json::Value &value, Order order) {
    std::string key;
    append_sort_key(key, value, order);
    return key;
}

// 0 ends; 0 and 1 inside are 1 and their successor.
void append_bytes(std::string &out, std::string_view bytes) {
    for (char c : bytes) {
        if (c == 0 || c == 1) {
            out.push_back(1);
            out.push_back(static_cast<char>(c + 1));
        } else {
            out.push_back(c);
        }
    }
    out.push_back(kEnd);
}

bool take_bytes(std::string_view &in, std::string &bytes) {
    bytes.clear();
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == kEnd) {
            in.remove_prefix(i + 1);
            return true;
        }
        if (in[i] != 1) {
            bytes.push_back(in[i]);
            continue;
        }
        if (++i == in.size() || (in[i] != 1 && in[i] != 2))
            return false;
        bytes.push_back(static_cast<char>(in[i] - 1));
    }
    return false;
}

} // namespace divan::collation
