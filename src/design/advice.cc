#include "design/advice.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace divan::design {
namespace {

using Tokens = std::vector<std::string>;
constexpr std::string_view kString = "\"\""; // stands for every string and regular expression

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

// Words and signs of a source.
class Tokenizer {
  public:
    explicit Tokenizer(std::string_view source) : rest_(source) {}

    Tokens read() {
        while (!rest_.empty())
            read_one();
        return std::move(tokens_);
    }

  private:
    void read_one() {
        char c = rest_[0];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            rest_.remove_prefix(1);
        } else if (rest_.starts_with("//")) {
            rest_.remove_prefix(std::min(rest_.size(), rest_.find('\n')));
        } else if (rest_.starts_with("/*")) {
            auto end = rest_.find("*/", 2);
            rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
        } else if (c == '"' || c == '\'' || c == '`' || (c == '/' && begins_expression())) {
            read_quoted(c);
        } else if (is_word(c)) {
            auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word);
            take(static_cast<std::size_t>(end - rest_.begin()));
        } else {
            for (std::string_view sign : {"=>", "++", "+="})
                if (rest_.starts_with(sign)) {
                    take(sign.size());
                    return;
                }
            take(1);
        }
    }

    void take(std::size_t count) {
        tokens_.emplace_back(rest_.substr(0, count));
        rest_.remove_prefix(count);
    }

    // Whether a slash here begins a regular expression and does not divide.
    bool begins_expression() const {
        if (tokens_.empty())
            return true;
        const auto &before = tokens_.back();
        return before == "return" ||
               (!is_word(before.back()) && before != ")" && before != "]" && before != kString);
    }

    void read_quoted(char quote) {
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != quote)
            end += rest_[end] == '\\' ? 2 : 1;
        rest_.remove_prefix(std::min(rest_.size(), end + 1));
        tokens_.emplace_back(kString);
    }

    std::string_view rest_;
    Tokens tokens_;
};

bool matches(const Tokens &tokens, std::size_t at, std::initializer_list<std::string_view> words) {
    return tokens.size() - at >= words.size() &&
           std::equal(words.begin(), words.end(), tokens.begin() + static_cast<std::ptrdiff_t>(at));
}

bool contains(const Tokens &tokens, std::initializer_list<std::string_view> words) {
    for (std::size_t at = 0; at + words.size() <= tokens.size(); ++at)
        if (matches(tokens, at, words))
            return true;
    return false;
}

// Of each opening bracket the index behind the one that closes it, or the end; of other tokens 0.
std::vector<std::size_t> find_brackets(const Tokens &tokens) {
    std::vector<std::size_t> behind(tokens.size(), 0);
    std::vector<std::size_t> open;
    for (std::size_t at = 0; at < tokens.size(); ++at) {
        const auto &token = tokens[at];
        if (token == "(" || token == "[" || token == "{") {
            behind[at] = tokens.size();
            open.push_back(at);
        } else if ((token == ")" || token == "]" || token == "}") && !open.empty()) {
            behind[open.back()] = at + 1;
            open.pop_back();
        }
    }
    return behind;
}

struct Function {
    std::vector<std::string> parameters;
    Tokens body;
};

// `function name(a, b) {...}`, `(a, b) => ...` or `a => ...`, as far as parameters are plain names.
std::optional<Function> read_function(const Tokens &tokens) {
    std::size_t at = 0;
    bool is_arrow = contains(tokens, {"=>"});
    while (!is_arrow && at < tokens.size() && tokens[at] == "(")
        ++at; // (function ...)
    if (at < tokens.size() && tokens[at] == "function")
        at += at + 1 < tokens.size() && tokens[at + 1] != "(" ? 2 : 1;
    Function function;
    if (at + 1 < tokens.size() && tokens[at + 1] == "=>") {
        function.parameters.push_back(tokens[at]);
        function.body.assign(tokens.begin() + static_cast<std::ptrdiff_t>(at) + 2, tokens.end());
        return function;
    }
    if (at >= tokens.size() || tokens[at] != "(")
        return std::nullopt;
    auto end = find_brackets(tokens)[at];
    for (auto i = at + 1; i + 1 < end; ++i)
        if (tokens[i] != ",")
            function.parameters.push_back(tokens[i]);
    if (end < tokens.size() && tokens[end] == "=>")
        ++end;
    function.body.assign(tokens.begin() + static_cast<std::ptrdiff_t>(std::min(end, tokens.size())),
                         tokens.end());
    return function;
}

// emit(key, doc): the second argument is the parameter alone.
bool emits_whole_document(const Function &map) {
    if (map.parameters.empty())
        return false;
    const auto &document = map.parameters.front();
    auto behind = find_brackets(map.body);
    for (std::size_t at = 0; at + 1 < map.body.size(); ++at) {
        if (map.body[at] != "emit" || map.body[at + 1] != "(" || (at > 0 && map.body[at - 1] == "."))
            continue;
        auto end = behind[at + 1];
        if (end >= 4 && end <= map.body.size() && map.body[end - 1] == ")" && map.body[end - 2] == document &&
            map.body[end - 3] == "," && end - 3 > at + 1)
            return true;
    }
    return false;
}

// Each time that it is built it says something else.
std::string_view unsteady_word(const Tokens &body) {
    if (contains(body, {"new", "Date", "(", ")"}))
        return "new Date()";
    if (contains(body, {"Date", ".", "now", "("}))
        return "Date.now()";
    if (contains(body, {"Math", ".", "random", "("}))
        return "Math.random()";
    return "";
}

bool mentions(const Tokens &body, std::string_view word) {
    return std::find(body.begin(), body.end(), word) != body.end();
}

// `return sum(values)`, or `values.length` unless it is a rereduce: what a built-in does in the server.
std::string_view equivalent_builtin(const Function &reduce) {
    const auto &body = reduce.body;
    if (reduce.parameters.size() < 2)
        return "";
    const auto &values = reduce.parameters[1];
    bool sums = contains(body, {"sum", "(", values, ")"}) ||
                (contains(body, {values, ".", "reduce", "("}) && mentions(body, "+"));
    bool counts =
        contains(body, {values, ".", "length"}) && !mentions(body, "for") && !mentions(body, "while");
    bool returns_once = std::count(body.begin(), body.end(), "return") <= 2;
    bool plain = !mentions(body, "{") || std::count(body.begin(), body.end(), "{") <= 3;
    if (!returns_once || !plain || mentions(body, "/") || mentions(body, "Math"))
        return "";
    if (sums && counts && reduce.parameters.size() > 2)
        return "_count";
    if (counts && !sums && std::count(body.begin(), body.end(), "return") <= 1 && body.size() <= 12)
        return "_count";
    if (sums && !counts)
        return "_sum";
    return "";
}

// It counts or collects the values as they are, and so counts and collects summaries, too.
bool ignores_rereduce(const Function &reduce) {
    if (reduce.parameters.size() < 2)
        return false;
    if (reduce.parameters.size() > 2 && mentions(reduce.body, reduce.parameters[2]))
        return false;
    const auto &values = reduce.parameters[1];
    const auto &body = reduce.body;
    bool returns_length = contains(body, {"return", values, ".", "length"}) ||
                          (!mentions(body, "return") && contains(body, {values, ".", "length"}));
    return returns_length || contains(body, {"keys", ".", "length"}) || contains(body, {".", "push", "("}) ||
           contains(body, {"return", values, ";"}) || contains(body, {"return", values, "}"}) ||
           mentions(body, "++");
}

void advise_map(const ViewDefinition &view, std::vector<Advice> &advice) {
    auto map = read_function(Tokenizer(view.map).read());
    if (!map)
        return;
    if (emits_whole_document(*map))
        advice.push_back({view.name,
                          "The map emits the whole document: its copy makes the index as large as the "
                          "database. Emit null and ask with include_docs=true."});
    if (auto word = unsteady_word(map->body); !word.empty())
        advice.push_back(
            {view.name, "The map uses " + std::string(word) +
                            ": rows keep what it was when the document was indexed, and a rebuild "
                            "gives others. Store it in the document."});
}

void advise_reduce(const ViewDefinition &view, std::vector<Advice> &advice) {
    if (view.reduce.empty() || view.reduce[0] == '_')
        return;
    auto reduce = read_function(Tokenizer(view.reduce).read());
    if (!reduce)
        return;
    if (auto builtin = equivalent_builtin(*reduce); !builtin.empty())
        advice.push_back({view.name, "The reduce does what the built-in \"" + std::string(builtin) +
                                         "\" does without JavaScript, many times faster."});
    if (ignores_rereduce(*reduce))
        advice.push_back({view.name,
                          "The reduce does not look at its third parameter, rereduce: it gets its own "
                          "results as values then, and counts or collects them like rows."});
}

} // namespace

std::vector<Advice> advise(const DesignDocument &document) {
    std::vector<Advice> advice;
    if (!document.is_javascript())
        return advice;
    for (const auto &view : document.views) {
        advise_map(view, advice);
        advise_reduce(view, advice);
    }
    return advice;
}

} // namespace divan::design
