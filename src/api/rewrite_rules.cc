#include "api/rewrite_rules.h"

#include "base/encoding.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::size_t kUpMax = 2; // from the design document to its database

// Names and values in order; of equal names the first counts.
using Bindings = std::vector<std::pair<std::string, json::Value>>;

// A part of a `from` or `to`: a text, ":name" or "*".
struct RulePart {
    enum class Kind : std::uint8_t { text, variable, rest };
    Kind kind = Kind::text;
    std::string text;
};

struct Rule {
    std::string method; // "*": any
    std::vector<RulePart> from;
    std::vector<RulePart> to;
    json::Object query;
    json::Object formats;
};

Error rewrite_error(std::string reason) {
    return Error(ErrorCode::function_failed, "rewrite_error", std::move(reason));
}

const json::Value *find_value(const Bindings &bindings, std::string_view name) {
    auto found = std::find_if(bindings.begin(), bindings.end(),
                              [&](const auto &binding) { return binding.first == name; });
    return found == bindings.end() ? nullptr : &found->second;
}

bool is_key(std::string_view name) {
    return name == "key" || name == "startkey" || name == "start_key" || name == "endkey" ||
           name == "end_key" || name == "keys";
}

std::string text_of(const json::Value &value) {
    return value.is_string() ? value.string() : json::to_text(value);
}

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        auto part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), part.size() + 1));
        if (!part.empty())
            parts.emplace_back(part);
    }
    return parts;
}

Result<std::vector<RulePart>> parse_path(std::string_view path, bool secure) {
    std::vector<RulePart> parts;
    std::size_t ups = 0;
    for (auto &text : split(path)) {
        if (text == ".." && ++ups > kUpMax && secure)
            return Error(ErrorCode::function_failed, "insecure_rewrite_rule", "too many ../.. segments");
        if (text == "*")
            parts.push_back({RulePart::Kind::rest, std::move(text)});
        else if (text[0] == ':')
            parts.push_back({RulePart::Kind::variable, text.substr(1)});
        else
            parts.push_back({RulePart::Kind::text, std::move(text)});
    }
    return parts;
}

Result<Rule> parse_rule(const json::Object &json, bool secure) {
    auto text = [&](const char *name) -> std::optional<std::string> {
        const auto *value = json.find(name);
        return value != nullptr && value->is_string() ? std::optional(value->string()) : std::nullopt;
    };
    auto object = [&](const char *name) {
        const auto *value = json.find(name);
        return value != nullptr && value->is_object() ? value->object() : json::Object();
    };
    Rule rule;
    rule.method = text("method").value_or("*");
    DIVAN_TRY(rule.from, parse_path(text("from").value_or("*"), secure));
    auto to = text("to");
    if (!to)
        return Error(ErrorCode::function_failed, "invalid_rewrite_target", "A rewrite rule needs a `to`.");
    DIVAN_TRY(rule.to, parse_path(*to, secure));
    rule.query = object("query");
    rule.formats = object("formats");
    return rule;
}

// Binds the path to `from`: its variables, newest first, and what `*` stands for; nullopt: it does not fit.
std::optional<std::vector<std::string>> bind_path(const std::vector<RulePart> &from,
                                                  const std::vector<std::string> &path, Bindings &bindings) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from[i].kind == RulePart::Kind::rest && i + 1 == from.size())
            return std::vector<std::string>(path.begin() + static_cast<std::ptrdiff_t>(at), path.end());
        if (at == path.size())
            return std::nullopt;
        if (from[i].kind == RulePart::Kind::text && from[i].text != path[at])
            return std::nullopt;
        if (from[i].kind != RulePart::Kind::text)
            bindings.insert(bindings.begin(), {from[i].text, json::Value(path[at])});
        ++at;
    }
    return at == path.size() ? std::optional(std::vector<std::string>()) : std::nullopt;
}

json::Value formatted(const json::Value &value, const json::Value *format) {
    if (format == nullptr || !format->is_string() || !value.is_string())
        return value;
    const auto &text = value.string();
    if (format->string() == "int") {
        std::int64_t number = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size())
            return json::Value(number);
    } else if (format->string() == "bool") {
        if (net::equal_without_case(text, "true") || net::equal_without_case(text, "false"))
            return json::Value(net::equal_without_case(text, "true"));
    }
    return value;
}

// ":name" and "*" as what they are bound to.
json::Value replaced(const json::Value &value, const Bindings &bindings, const json::Object &formats) {
    if (value.is_array()) {
        json::Array array;
        for (const auto &element : value.array())
            array.push_back(element.is_string() ? replaced(element, bindings, formats) : element);
        return json::Value(std::move(array));
    }
    if (!value.is_string() || (value.string() != "*" && !value.string().starts_with(":")))
        return value;
    auto name = value.string().substr(value.string() == "*" ? 0 : 1);
    const auto *bound = find_value(bindings, name);
    return formatted(bound != nullptr ? *bound : value, formats.find(name));
}

std::string normalized(std::string_view path) {
    std::vector<std::string> parts;
    for (auto &part : split(path)) {
        if (part == ".." && !parts.empty() && parts.back() != "..")
            parts.pop_back();
        else if (part != ".")
            parts.push_back(std::move(part));
    }
    std::string text;
    for (const auto &part : parts)
        text.append("/").append(part);
    return text.empty() ? "/" : text;
}

// A path below the design document as one of the server.
Result<std::string> resolve(const RewriteRequest &request, std::string_view path) {
    auto database = "/" + percent_encode(request.database);
    auto whole =
        normalized(database + "/_design/" + percent_encode(request.design) + "/" + std::string(path));
    // A variable may be bound to "..": rules alone do not tell.
    if (request.secure && whole != database && !whole.starts_with(database + "/"))
        return Error(ErrorCode::function_failed, "insecure_rewrite_rule",
                     "The target is outside of the database.");
    return whole;
}

Result<Bindings> query_bindings(const net::Query &query) {
    Bindings bindings;
    for (const auto &[name, value] : query) {
        json::Value bound(value);
        if (is_key(name)) {
            DIVAN_TRY(bound, json::parse(value));
        }
        bindings.emplace_back(name, std::move(bound));
    }
    return bindings;
}

std::string query_text(const Bindings &bindings) {
    std::string text;
    for (const auto &[name, value] : bindings)
        if (name != "*")
            text.append(text.empty() ? "?" : "&")
                .append(percent_encode(name))
                .append("=")
                .append(percent_encode(is_key(name) ? json::to_text(value) : text_of(value)));
    return text;
}

Result<std::string> target_of(const Rule &rule, Bindings bindings, const std::vector<std::string> &rest,
                              const RewriteRequest &request) {
    Bindings arguments;
    for (const auto &[name, value] : rule.query)
        arguments.emplace_back(name, replaced(value, bindings, rule.formats));
    std::erase_if(bindings,
                  [&](const auto &binding) { return find_value(arguments, binding.first) != nullptr; });
    bindings.insert(bindings.end(), arguments.begin(), arguments.end());
    std::string path;
    for (const auto &part : rule.to) {
        if (part.kind == RulePart::Kind::rest) {
            for (const auto &text : rest)
                path.append("/").append(percent_encode(text));
            break;
        }
        const auto *bound = part.kind == RulePart::Kind::variable ? find_value(bindings, part.text) : nullptr;
        auto text = part.kind == RulePart::Kind::text ? part.text
                    : bound != nullptr                ? text_of(*bound)
                                                      : std::string("undefined");
        path.append("/").append(percent_encode(text));
    }
    DIVAN_TRY(auto whole, resolve(request, path));
    return whole + query_text(bindings);
}

bool is_falsy(const json::Value &value) {
    return value.is_null() || (value.is_boolean() && !value.boolean()) ||
           (value.is_string() && value.string().empty()) || (value.is_number() && value.as_double() == 0);
}

Result<std::vector<std::pair<std::string, std::string>>> read_texts(const json::Value &value,
                                                                    std::string_view member) {
    if (!value.is_object())
        return rewrite_error(fmt::format("bad {}", member));
    std::vector<std::pair<std::string, std::string>> texts;
    for (const auto &[name, text] : value.object()) {
        if (!text.is_string())
            return rewrite_error(
                fmt::format("object key/value must be strings {}={}", name, json::to_text(text)));
        texts.emplace_back(name, text.string());
    }
    return texts;
}

// The function's query, or the request's.
Result<std::string> answer_query(const json::Value *query, const RewriteRequest &request) {
    std::vector<std::pair<std::string, std::string>> texts;
    if (query != nullptr) {
        DIVAN_TRY(texts, read_texts(*query, "query"));
    } else {
        texts.assign(request.query->begin(), request.query->end());
    }
    std::string text;
    for (const auto &[name, value] : texts)
        text.append(text.empty() ? "?" : "&")
            .append(percent_encode(name))
            .append("=")
            .append(percent_encode(value));
    return text;
}

} // namespace

Result<std::string> apply_rewrite_rules(const json::Array &rules, const RewriteRequest &request) {
    std::vector<Rule> parsed;
    for (const auto &json : rules)
        if (json.is_object()) {
            DIVAN_TRY(auto rule, parse_rule(json.object(), request.secure));
            parsed.push_back(std::move(rule));
        }
    DIVAN_TRY(auto query, query_bindings(*request.query));
    for (const auto &rule : parsed) {
        if (rule.method != "*" && rule.method != request.method)
            continue;
        Bindings bindings;
        auto rest = bind_path(rule.from, request.path, bindings);
        if (!rest)
            continue;
        bindings.insert(bindings.end(), query.begin(), query.end());
        return target_of(rule, std::move(bindings), *rest, request);
    }
    return ErrorCode::not_found;
}

Result<RewriteAnswer> read_rewrite_answer(std::string_view json, const RewriteRequest &request) {
    DIVAN_TRY(auto value, json::parse(json, {.depth_max = json::kAnyDepth}));
    if (is_falsy(value))
        return Error(ErrorCode::not_found, "rewrite_error", "Invalid path.");
    RewriteAnswer answer;
    if (value.is_string()) {
        json::Object object;
        object.append("path", std::move(value));
        value = json::Value(std::move(object));
    }
    if (!value.is_object())
        return rewrite_error("bad rewrite");
    const auto &object = value.object();
    auto text = [&](const char *name) -> Result<std::optional<std::string>> {
        const auto *member = object.find(name);
        if (member == nullptr)
            return std::optional<std::string>();
        if (!member->is_string())
            return rewrite_error(fmt::format("bad {}", name));
        return std::optional(member->string());
    };
    DIVAN_TRY(auto method, text("method"));
    answer.method = method.value_or("");
    DIVAN_TRY(answer.body, text("body"));
    if (const auto *headers = object.find("headers")) {
        DIVAN_TRY(auto fields, read_texts(*headers, "headers"));
        for (auto &[name, field] : fields)
            answer.headers.set(name, field);
    }
    DIVAN_TRY(auto path, text("path"));
    DIVAN_TRY(auto query, answer_query(object.find("query"), request));
    if (const auto *code = object.find("code")) {
        auto number = code->as_int64();
        if (!number || *number < 200 || *number > 599)
            return rewrite_error("bad code");
        answer.status = static_cast<int>(*number);
        return answer;
    }
    if (!path)
        return rewrite_error("Rewrite result must produce a new path.");
    auto mark = path->find('?');
    DIVAN_TRY(answer.target, resolve(request, std::string_view(*path).substr(0, mark)));
    answer.target.append(mark == std::string::npos ? query : path->substr(mark));
    return answer;
}

} // namespace divan::api
