#include "selector/selector.h"

#include "selector/normal_form.h"
#include "selector/program.h"

#include <algorithm>

namespace divan::selector {
namespace {

bool needs_only_plain_members_of(const Node &node) {
    switch (node.kind) {
    case Node::Kind::field:
        return !node.path.steps.empty() && !node.path.steps.front().starts_with('_');
    case Node::Kind::condition:
        return node.op == Operator::text; // others look at the document as a whole
    default:
        return std::all_of(node.children.begin(), node.children.end(), needs_only_plain_members_of);
    }
}

} // namespace

Result<std::shared_ptr<const Selector>> Selector::compile(const json::Value &selector, const Limits &limits) {
    auto program = std::make_unique<Program>();
    program->regex_limits = {.steps_max = limits.regex_match_max, .cpu_ms_max = limits.regex_cpu_ms_max};
    DIVAN_TRY(program->root, normalize(selector, limits));
    DIVAN_TRY_VOID(compile_program(program->root, limits, program->scope, program->scopes));
    return std::shared_ptr<const Selector>(new Selector(std::move(program)));
}

Selector::Selector(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Selector::~Selector() = default;

const Node &Selector::root() const {
    return program_->root;
}

// Conditions cannot be the root, so $in and $all, which CouchDB asks for besides, do not come.
bool Selector::is_void() const {
    const auto &root = program_->root;
    return (root.kind == Node::Kind::conjunction || root.kind == Node::Kind::disjunction) &&
           root.children.empty();
}

json::Value Selector::to_json(bool shown) const {
    return node_to_json(program_->root, shown);
}

bool Selector::needs_only_plain_members() const {
    return needs_only_plain_members_of(program_->root);
}

std::vector<std::string> Selector::fields() const {
    std::vector<std::string> fields;
    append_fields(fields, program_->root);
    return fields;
}

} // namespace divan::selector
