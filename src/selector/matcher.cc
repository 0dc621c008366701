#include "selector/program.h"
#include "selector/selector.h"
#include "json/canonical_text.h"

#include <algorithm>
#include <utility>

namespace divan::selector {
namespace {

std::string_view type_name(TypeRank rank) {
    switch (rank) {
    case TypeRank::null:
        return "null";
    case TypeRank::false_:
    case TypeRank::true_:
        return "boolean";
    case TypeRank::number:
        return "number";
    case TypeRank::string:
        return "string";
    case TypeRank::array:
        return "array";
    case TypeRank::object:
        break;
    }
    return "object";
}

bool has_size(std::string_view array, std::optional<std::uint64_t> size) {
    if (!size || array.size() < 2 * *size)
        return false;
    std::uint64_t elements = 0;
    json::ElementReader reader(array);
    while (elements <= *size && reader.next())
        ++elements;
    return elements == *size;
}

} // namespace

struct Matcher::State {
    std::shared_ptr<const Selector> selector;
    RegexRunner regexes;
    std::vector<std::vector<Found>> found; // of each scope
    std::string key, string;               // buffers
    std::vector<char> seen;

    explicit State(std::shared_ptr<const Selector> which, const RegexLimits &limits, std::size_t scopes)
        : selector(std::move(which)), regexes(limits), found(scopes) {}

    // Recurses as deep as the selector is.
    bool holds(const Scope &scope, std::string_view json);
    bool holds(const Test &test, const std::vector<Found> &fields, std::string_view json);
    bool field_holds(const Test &test, const std::vector<Found> &fields);
    bool condition_holds(const Test &test, std::string_view json);
    bool is_in(const LiteralSet &set, std::string_view json);
    bool regex_holds(const Regex &regex, std::string_view json);
    bool any_element(const Scope &scope, std::string_view json);
    bool all_elements(const Scope &scope, std::string_view json);
    bool any_key(const Scope &scope, std::string_view json);
};

bool Matcher::State::holds(const Scope &scope, std::string_view json) {
    auto &fields = found[scope.number];
    fields.resize(scope.reader.size());
    scope.reader.read(json, fields);
    return holds(scope.test, fields, json);
}

bool Matcher::State::holds(const Test &test, const std::vector<Found> &fields, std::string_view json) {
    auto child_holds = [&](const Test &child) { return holds(child, fields, json); };
    switch (test.kind) {
    case Node::Kind::everything:
        return true;
    case Node::Kind::conjunction:
        return std::all_of(test.children.begin(), test.children.end(), child_holds);
    case Node::Kind::disjunction:
        return test.children.empty() || std::any_of(test.children.begin(), test.children.end(), child_holds);
    case Node::Kind::negation:
        return !child_holds(test.children.front());
    case Node::Kind::field:
        return field_holds(test, fields);
    case Node::Kind::condition:
        return condition_holds(test, json);
    }
    return false;
}

bool Matcher::State::field_holds(const Test &test, const std::vector<Found> &fields) {
    const auto &field = fields[test.slot];
    if (!field.is_value())
        return field.state == Found::State::missing && test.true_if_missing;
    return holds(test.children.front(), fields, field.text);
}

bool Matcher::State::condition_holds(const Test &test, std::string_view json) {
    const auto &argument = test.argument;
    auto compare = [&] { return std::get<Literal>(argument).compare(json, key); };
    const bool is_array = json.starts_with('[');
    switch (test.op) {
    case Operator::lt:
        return compare() < 0;
    case Operator::lte:
        return compare() <= 0;
    case Operator::eq:
        return std::get<Literal>(argument).equals(json, key);
    case Operator::ne:
        return !std::get<Literal>(argument).equals(json, key);
    case Operator::gte:
        return compare() >= 0;
    case Operator::gt:
        return compare() > 0;
    case Operator::in:
        return is_in(std::get<LiteralSet>(argument), json);
    case Operator::nin:
        return !is_in(std::get<LiteralSet>(argument), json);
    case Operator::exists:
        return std::get<bool>(argument);
    case Operator::type:
        return std::get<std::string>(argument) == type_name(type_rank(json));
    case Operator::mod:
        return type_rank(json) == TypeRank::number && std::get<Modulus>(argument).matches(json);
    case Operator::regex:
        return json.starts_with('"') && regex_holds(std::get<Regex>(argument), json);
    case Operator::begins_with:
        return json.starts_with('"') && std::get<Prefix>(argument).matches(json::inside_quotes(json));
    case Operator::all:
        return is_array && std::get<TermSet>(argument).all_in(json, key, seen);
    case Operator::size:
        return is_array && has_size(json, std::get<std::optional<std::uint64_t>>(argument));
    case Operator::elem_match:
        return is_array && any_element(*std::get<std::unique_ptr<Scope>>(argument), json);
    case Operator::all_match:
        return is_array && all_elements(*std::get<std::unique_ptr<Scope>>(argument), json);
    case Operator::key_map_match:
        return json.starts_with('{') && any_key(*std::get<std::unique_ptr<Scope>>(argument), json);
    case Operator::text:
        return true;
    }
    return false;
}

// Of an array its elements are asked for, and never the array itself.
bool Matcher::State::is_in(const LiteralSet &set, std::string_view json) {
    if (set.empty())
        return false;
    if (!json.starts_with('['))
        return set.contains(json, key);
    json::ElementReader elements(json);
    while (elements.next())
        if (set.contains(elements.value(), key))
            return true;
    return false;
}

bool Matcher::State::regex_holds(const Regex &regex, std::string_view json) {
    auto subject = json::inside_quotes(json);
    if (subject.find('\\') != std::string_view::npos) {
        string.clear();
        json::append_unescaped(string, subject);
        subject = string;
    }
    return regexes.matches(regex, subject);
}

bool Matcher::State::any_element(const Scope &scope, std::string_view json) {
    json::ElementReader elements(json);
    while (elements.next())
        if (holds(scope, elements.value()))
            return true;
    return false;
}

bool Matcher::State::all_elements(const Scope &scope, std::string_view json) {
    json::ElementReader elements(json);
    bool any = false;
    while (elements.next()) {
        if (!holds(scope, elements.value()))
            return false;
        any = true;
    }
    return any;
}

bool Matcher::State::any_key(const Scope &scope, std::string_view json) {
    json::MemberReader members(json);
    while (members.next())
        if (holds(scope, members.key_text()))
            return true;
    return false;
}

Matcher::Matcher(std::shared_ptr<const Selector> selector) {
    const auto &program = *selector->program_;
    state_ = std::make_unique<State>(std::move(selector), program.regex_limits, program.scopes);
}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher &&) noexcept = default;
Matcher &Matcher::operator=(Matcher &&) noexcept = default;

bool Matcher::matches(std::string_view json) {
    return state_->holds(*state_->selector->program_->scope, json);
}

std::uint64_t Matcher::regexes_given_up() const {
    return state_->regexes.given_up();
}

} // namespace divan::selector
