#pragma once

// A normal form made ready for matching: fields of one scope are numbered and read in one pass, arguments
// are prepared. A scope is the document, or an element of $elemMatch and the like.
//
// Threads: any, read only.

#include "base/result.h"
#include "selector/literal.h"
#include "selector/modulus.h"
#include "selector/node.h"
#include "selector/path.h"
#include "selector/prefix.h"
#include "selector/regex.h"
#include "selector/selector.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace divan::selector {

struct Scope;

struct Test {
    // An argument in the form that its operator needs; bool is of $exists, TypeRank of $type, the number of
    // $size.
    using Argument = std::variant<std::monostate, bool, std::optional<std::uint64_t>, std::string, Literal,
                                  LiteralSet, TermSet, Modulus, Prefix, Regex, std::unique_ptr<Scope>>;

    Node::Kind kind = Node::Kind::everything;
    Operator op = Operator::eq;
    bool true_if_missing = false; // of fields
    std::size_t slot = 0;         // of fields: which path of the scope
    Argument argument;
    std::vector<Test> children;
};

struct Scope {
    PathReader reader;
    Test test;
    std::size_t number; // of all scopes of a selector, from 0
};

struct Selector::Program {
    Node root;
    std::unique_ptr<Scope> scope;
    std::size_t scopes = 0;
    RegexLimits regex_limits{};
};

// Adds `scope` and `scopes` to a program that has its root. Errors: bad_request for regular expressions that
// are too large together.
[[nodiscard]] Result<void> compile_program(const Node &root, const Limits &limits,
                                           std::unique_ptr<Scope> &scope, std::size_t &scopes);

} // namespace divan::selector
