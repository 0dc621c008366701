#include "access/password_regexp.h"

#include "selector/regex.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

// What one match may cost: the text comes from the configuration, the password from anybody.
constexpr selector::RegexLimits kRegexLimits{100'000, 200};

// Reads Erlang terms: lists, tuples and strings.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool take(char c) {
        skip_space();
        if (rest_.empty() || rest_.front() != c)
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::optional<std::string> string() {
        if (!take('"'))
            return std::nullopt;
        std::string out;
        while (!rest_.empty() && rest_.front() != '"') {
            auto c = next();
            if (c == '\\') {
                if (rest_.empty())
                    return std::nullopt;
                c = unescape(next());
            }
            out.push_back(c);
        }
        return take('"') ? std::optional(std::move(out)) : std::nullopt;
    }

    bool at_end() {
        skip_space();
        return rest_.empty();
    }

  private:
    char next() {
        auto c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    static char unescape(char c) {
        switch (c) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 's':
            return ' ';
        default:
            return c;
        }
    }

    void skip_space() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n'))
            rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

std::optional<PasswordRegexp> read_one(Reader &reader) {
    PasswordRegexp one;
    bool tuple = reader.take('{');
    auto pattern = reader.string();
    if (!pattern)
        return std::nullopt;
    one.pattern = std::move(*pattern);
    if (!tuple)
        return one;
    if (reader.take(',')) {
        auto reason = reader.string();
        if (!reason)
            return std::nullopt;
        one.reason = std::move(*reason);
    }
    return reader.take('}') ? std::optional(std::move(one)) : std::nullopt;
}

} // namespace

std::optional<std::vector<PasswordRegexp>> parse_password_regexps(std::string_view text) {
    std::vector<PasswordRegexp> list;
    Reader reader(text);
    if (reader.at_end())
        return list;
    if (!reader.take('['))
        return std::nullopt;
    if (!reader.take(']')) {
        do {
            auto one = read_one(reader);
            if (!one)
                return std::nullopt;
            list.push_back(std::move(*one));
        } while (reader.take(','));
        if (!reader.take(']'))
            return std::nullopt;
    }
    (void)reader.take('.'); // as a term may end
    return reader.at_end() ? std::optional(std::move(list)) : std::nullopt;
}

Result<void> check_password_regexps(std::string_view text) {
    auto list = parse_password_regexps(text);
    if (!list)
        return Error(ErrorCode::bad_request, "It must be an Erlang list of strings, or "
                                             "of {\"expression\", \"reason\"}.");
    for (const auto &one : *list)
        if (auto regex = selector::Regex::compile(one.pattern); !regex.ok())
            return Error(ErrorCode::bad_request,
                         fmt::format("`{}`: {}", one.pattern, regex.error().reason()));
    return {};
}

Result<std::optional<std::string>> refused_by_regexps(std::string_view password, std::string_view text) {
    const Error unreadable(ErrorCode::forbidden, "Server cannot hash passwords at this time.");
    auto list = parse_password_regexps(text);
    if (!list)
        return unreadable;
    selector::RegexRunner runner(kRegexLimits);
    for (const auto &one : *list) {
        auto regex = selector::Regex::compile(one.pattern);
        if (!regex.ok())
            return unreadable;
        if (!runner.matches(*regex, password))
            return std::optional(one.reason);
    }
    return std::optional<std::string>();
}

} // namespace divan::access
