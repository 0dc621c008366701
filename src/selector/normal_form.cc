#include "selector/normal_form.h"

#include "selector/erlang_text.h"

#include "selector/regex.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

namespace divan::selector {
namespace {

using json::Value;
using Kind = Node::Kind;

// An operator that stands at the end of a branch, and what is allowed as its argument.
struct Terminal {
    std::string_view name;
    Operator op;
    bool (*allows)(const Value &);
};

bool is_any(const Value & /*value*/) {
    return true;
}
bool is_array(const Value &value) {
    return value.is_array();
}
bool is_boolean(const Value &value) {
    return value.is_boolean();
}
bool is_string(const Value &value) {
    return value.is_string();
}
// Written without point and exponent: CouchDB reads other numbers as doubles.
bool is_integer(const Value &value) {
    return value.is_number() && value.number_text().find_first_of(".eE") == std::string::npos;
}
bool is_zero(const Value &integer) {
    return integer.number_text().find_first_of("123456789") == std::string::npos;
}
bool is_size(const Value &value) {
    return is_integer(value) && (is_zero(value) || value.number_text().front() != '-');
}
// CouchDB takes a divisor of 0 and fails at the first document.
bool is_divisor_and_remainder(const Value &value) {
    return value.is_array() && value.array().size() == 2 && is_integer(value.array()[0]) &&
           is_integer(value.array()[1]) && !is_zero(value.array()[0]);
}

constexpr std::array kTerminals = {
    Terminal{"$lt", Operator::lt, is_any},
    Terminal{"$lte", Operator::lte, is_any},
    Terminal{"$eq", Operator::eq, is_any},
    Terminal{"$ne", Operator::ne, is_any},
    Terminal{"$gte", Operator::gte, is_any},
    Terminal{"$gt", Operator::gt, is_any},
    Terminal{"$in", Operator::in, is_array},
    Terminal{"$nin", Operator::nin, is_array},
    Terminal{"$exists", Operator::exists, is_boolean},
    Terminal{"$type", Operator::type, is_string},
    Terminal{"$mod", Operator::mod, is_divisor_and_remainder},
    Terminal{"$regex", Operator::regex, is_string},
    Terminal{"$beginsWith", Operator::begins_with, is_string},
    Terminal{"$all", Operator::all, is_array},
    Terminal{"$size", Operator::size, is_size},
};

constexpr std::array<std::pair<std::string_view, Operator>, 3> kSelectorOperators = {
    {{"$elemMatch", Operator::elem_match},
     {"$allMatch", Operator::all_match},
     {"$keyMapMatch", Operator::key_map_match}}};

constexpr std::array<std::string_view, 5> kUnsupported = {"$where", "$geoWithin", "$geoIntersects", "$near",
                                                          "$nearSphere"};

Error mango_error(std::string_view word, std::string reason) {
    return Error(ErrorCode::bad_request, std::string(word), std::move(reason));
}

Node make_condition(Operator op, Value argument) {
    Node node;
    node.kind = Kind::condition;
    node.op = op;
    node.argument = std::move(argument);
    return node;
}

Node make_parent(Kind kind, std::vector<Node> children) {
    Node node;
    node.kind = kind;
    node.children = std::move(children);
    return node;
}

Node make_parent(Kind kind, Node child) {
    std::vector<Node> children;
    children.push_back(std::move(child));
    return make_parent(kind, std::move(children));
}

// ---- First pass: every operator is known, has a good argument, and stands alone in its object. A field
// still has its name as it was written, as the only step of its path.

class OperatorPass {
  public:
    explicit OperatorPass(const Limits &limits) : limits_(limits) {}

    Result<Node> run(const Value &value, std::size_t depth) {
        if (depth > limits_.depth_max)
            return beyond_limit("The selector is nested deeper than " + std::to_string(limits_.depth_max) +
                                " levels.");
        if (!value.is_object() || value.object().empty())
            return terminal(Operator::eq, value);
        const auto &object = value.object();
        if (object.size() == 1)
            return member(object.begin()->key, object.begin()->value, depth);
        DIVAN_TRY_VOID(count(1));
        std::vector<Node> children;
        children.reserve(object.size());
        for (const auto &[key, below] : object) {
            DIVAN_TRY(auto child, member(key, below, depth));
            children.push_back(std::move(child));
        }
        return make_parent(Kind::conjunction, std::move(children));
    }

  private:
    Result<Node> member(const std::string &name, const Value &argument, std::size_t depth) {
        if (!name.starts_with('$'))
            return field(name, argument, depth);
        if (name == "$and" || name == "$or" || name == "$nor")
            return list(name, argument, depth);
        if (name == "$not")
            return negation(argument, depth);
        for (const auto &[known, op] : kSelectorOperators)
            if (name == known)
                return with_selector(op, argument, depth);
        if (name == "$text" || name == "$default")
            return text(name, argument);
        if (std::find(kUnsupported.begin(), kUnsupported.end(), name) != kUnsupported.end())
            return mango_error("not_supported", "Unsupported operator: " + name);
        for (const auto &known : kTerminals)
            if (name == known.name)
                return checked_terminal(known, argument);
        return mango_error("invalid_operator", "Invalid operator: " + shortened(name));
    }

    Result<Node> field(const std::string &name, const Value &argument, std::size_t depth) {
        DIVAN_TRY(auto below, run(argument, depth + 1));
        auto node = make_parent(Kind::field, std::move(below));
        node.path.steps.push_back(name);
        return node;
    }

    // None of several is each of their negations.
    Result<Node> list(const std::string &name, const Value &argument, std::size_t depth) {
        if (!argument.is_array())
            return bad_argument(name, argument);
        DIVAN_TRY_VOID(count(1));
        std::vector<Node> children;
        for (const auto &element : argument.array()) {
            DIVAN_TRY(auto child, run(element, depth + 1));
            children.push_back(name == "$nor" ? make_parent(Kind::negation, std::move(child))
                                              : std::move(child));
        }
        return make_parent(name == "$or" ? Kind::disjunction : Kind::conjunction, std::move(children));
    }

    Result<Node> negation(const Value &argument, std::size_t depth) {
        if (!argument.is_object())
            return bad_argument("$not", argument);
        DIVAN_TRY_VOID(count(1));
        DIVAN_TRY(auto child, run(argument, depth + 1));
        return make_parent(Kind::negation, std::move(child));
    }

    Result<Node> with_selector(Operator op, const Value &argument, std::size_t depth) {
        if (!argument.is_object())
            return bad_argument(operator_name(op), argument);
        DIVAN_TRY_VOID(count(1));
        DIVAN_TRY(auto child, run(argument, depth + 1));
        auto node = make_condition(op, nullptr);
        node.children.push_back(std::move(child));
        return node;
    }

    // The argument of a text search is kept as `$default` has it: {"$text": argument}.
    Result<Node> text(const std::string &name, const Value &argument) {
        if (name == "$default")
            return terminal(Operator::text, argument);
        if (!argument.is_string() && !argument.is_number() && !argument.is_boolean())
            return bad_argument(name, argument);
        json::Object object;
        object.append(name, argument);
        return terminal(Operator::text, std::move(object));
    }

    Result<Node> checked_terminal(const Terminal &known, const Value &argument) {
        if (!known.allows(argument)) {
            // CouchDB has no clause for these with anything but a string, and so does not know them.
            if (known.op == Operator::regex || known.op == Operator::begins_with)
                return mango_error("invalid_operator", "Invalid operator: " + std::string(known.name));
            return bad_argument(known.name, argument);
        }
        if (known.op == Operator::regex)
            DIVAN_TRY_VOID(check_regex(argument));
        if (argument.is_array() && known.op != Operator::mod && has_values(known.op))
            DIVAN_TRY_VOID(count(argument.array().size()));
        return terminal(known.op, argument);
    }

    static bool has_values(Operator op) {
        return op == Operator::in || op == Operator::nin || op == Operator::all;
    }

    Result<void> check_regex(const Value &pattern) {
        if (pattern.string().size() > limits_.regex_bytes_max)
            return beyond_limit("A regular expression has more than " +
                                std::to_string(limits_.regex_bytes_max) + " bytes.");
        auto regex = Regex::compile(pattern.string());
        if (!regex.ok())
            return bad_argument("$regex", pattern);
        return {};
    }

    Result<Node> terminal(Operator op, Value argument) {
        DIVAN_TRY_VOID(count(1));
        return make_condition(op, std::move(argument));
    }

    Result<void> count(std::size_t conditions) {
        conditions_ += conditions;
        if (conditions_ > limits_.conditions_max)
            return beyond_limit("The selector has more than " + std::to_string(limits_.conditions_max) +
                                " conditions and values.");
        return {};
    }

    const Limits &limits_;
    std::size_t conditions_ = 0;
};

// ---- Second pass: names of fields move to the conditions.

class FieldPass {
  public:
    explicit FieldPass(const Limits &limits) : limits_(limits) {}

    // `path`: of the fields that `node` stands in; left as it was.
    Result<Node> run(Node node, Path &path) {
        switch (node.kind) {
        case Kind::conjunction:
        case Kind::disjunction:
        case Kind::negation:
            for (auto &child : node.children) {
                DIVAN_TRY(child, run(std::move(child), path));
            }
            return node;
        case Kind::field:
            return field(std::move(node), path);
        case Kind::condition:
            return condition(std::move(node), path);
        case Kind::everything:
            break;
        }
        return node;
    }

  private:
    Result<Node> field(Node node, Path &path) {
        DIVAN_TRY(auto parsed, parse_path(node.path.steps.front()));
        const auto size_before = path.steps.size();
        if (size_before + parsed.steps.size() > limits_.depth_max)
            return beyond_limit("A field is nested deeper than " + std::to_string(limits_.depth_max) +
                                " levels.");
        std::move(parsed.steps.begin(), parsed.steps.end(), std::back_inserter(path.steps));
        auto result = run(std::move(node.children.front()), path);
        path.steps.resize(size_before);
        return result;
    }

    Result<Node> condition(Node node, const Path &path) {
        if (node.op == Operator::text)
            return text(std::move(node), path);
        if (!node.children.empty()) {
            Path of_elements;
            DIVAN_TRY(node.children.front(), run(std::move(node.children.front()), of_elements));
        }
        for (const auto &step : path.steps)
            path_bytes_ += step.size();
        if (path_bytes_ > limits_.path_bytes_max)
            return beyond_limit("The names of the fields of all conditions have more than " +
                                std::to_string(limits_.path_bytes_max) + " bytes.");
        auto with_path = make_parent(Kind::field, std::move(node));
        with_path.path = path;
        return with_path;
    }

    static Result<Node> text(Node node, const Path &path) {
        const auto &argument = node.argument;
        if (!path.steps.empty() || !argument.is_object() || argument.object().size() != 1 ||
            argument.object().begin()->key != "$text") {
            json::Object selector;
            selector.append("$default", argument);
            return mango_error("bad_field", "Invalid field normalization on selector: " +
                                                erlang_text(std::move(selector)));
        }
        node.argument = Value(argument.object().begin()->value);
        return node;
    }

    const Limits &limits_;
    std::size_t path_bytes_ = 0;
};

// ---- Third pass: negations move to the conditions. As in CouchDB not into $elemMatch and the like: what
// is in them is asked of each element as it was written.

std::optional<Operator> opposite(Operator op) {
    switch (op) {
    case Operator::lt:
        return Operator::gte;
    case Operator::lte:
        return Operator::gt;
    case Operator::eq:
        return Operator::ne;
    case Operator::ne:
        return Operator::eq;
    case Operator::gte:
        return Operator::lt;
    case Operator::gt:
        return Operator::lte;
    case Operator::in:
        return Operator::nin;
    case Operator::nin:
        return Operator::in;
    default:
        return std::nullopt;
    }
}

Result<Node> push_negations(Node node, bool negated) {
    switch (node.kind) {
    case Kind::negation:
        return push_negations(Node(std::move(node.children.front())), !negated);
    case Kind::conjunction:
    case Kind::disjunction:
        for (auto &child : node.children) {
            DIVAN_TRY(child, push_negations(std::move(child), negated));
        }
        if (negated)
            node.kind = node.kind == Kind::conjunction ? Kind::disjunction : Kind::conjunction;
        return node;
    case Kind::field:
        if (negated) {
            DIVAN_TRY(node.children.front(), push_negations(std::move(node.children.front()), true));
        }
        return node;
    case Kind::condition:
        if (!negated)
            return node;
        if (node.op == Operator::text)
            return bad_argument("$not", node_to_json(node, false));
        if (auto op = opposite(node.op)) {
            node.op = *op;
            return node;
        }
        if (node.op == Operator::exists) {
            node.argument = !node.argument.boolean();
            return node;
        }
        return make_parent(Kind::negation, std::move(node));
    case Kind::everything:
        break;
    }
    return node;
}

} // namespace

Error bad_argument(std::string_view operator_name, const json::Value &argument) {
    return mango_error("bad_arg", "Bad argument for operator " + std::string(operator_name) + ": " +
                                      erlang_text(argument));
}

Error beyond_limit(std::string reason) {
    return mango_error("bad_arg", std::move(reason));
}

Result<Node> normalize(const json::Value &selector, const Limits &limits) {
    if (selector.is_raw()) {
        DIVAN_TRY(auto parsed, json::parse(selector.raw_text()));
        return normalize(parsed, limits);
    }
    if (!selector.is_object())
        return mango_error("invalid_selector_json",
                           "Selector must be a JSON object, not: " + erlang_text(selector));
    if (selector.object().empty())
        return Node();
    DIVAN_TRY(auto operators, OperatorPass(limits).run(selector, 1));
    Path of_document;
    DIVAN_TRY(auto fields, FieldPass(limits).run(std::move(operators), of_document));
    DIVAN_TRY(auto normal, push_negations(std::move(fields), false));
    if (normal.kind == Kind::field && normal.path.steps.empty())
        return mango_error("invalid_selector", "One or more conditions is missing a field name.");
    return normal;
}

} // namespace divan::selector
