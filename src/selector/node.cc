#include "selector/node.h"

#include "selector/normal_form.h"

#include <array>
#include <utility>

namespace divan::selector {
namespace {

json::Value single(std::string name, json::Value value) {
    json::Object object;
    object.append(std::move(name), std::move(value));
    return object;
}

bool has_selector(const Node &condition) {
    return !condition.children.empty();
}

json::Value condition_to_json(const Node &node, bool shown) {
    std::string name(operator_name(node.op));
    if (node.op == Operator::text)
        return single("$default", single(std::move(name), node.argument));
    if (has_selector(node))
        return single(std::move(name), node_to_json(node.children.front(), shown));
    return single(std::move(name), node.argument);
}

// With names that are read back. Behind an empty step no point can be written, as the backslash that stands
// for the step would escape it: the next step is a member of its own.
json::Value field_to_json(const Path &path, json::Value below) {
    auto end = path.steps.end();
    while (end != path.steps.begin()) {
        auto begin = end - 1;
        while (begin != path.steps.begin() && !(begin - 1)->empty())
            --begin;
        below = single(Path{{begin, end}}.escaped(), std::move(below));
        end = begin;
    }
    return below;
}

json::Value list_to_json(const char *name, const std::vector<Node> &children, bool shown) {
    json::Array array;
    array.reserve(children.size());
    for (const auto &child : children)
        array.push_back(node_to_json(child, shown));
    return single(name, std::move(array));
}

} // namespace

std::string_view operator_name(Operator op) {
    static constexpr std::array<std::string_view, 19> kNames = {
        "$lt",   "$lte",       "$eq",       "$ne",          "$gte",   "$gt",         "$in",
        "$nin",  "$exists",    "$type",     "$mod",         "$regex", "$beginsWith", "$all",
        "$size", "$elemMatch", "$allMatch", "$keyMapMatch", "$text"};
    return kNames[static_cast<std::size_t>(op)];
}

json::Value node_to_json(const Node &node, bool shown) {
    switch (node.kind) {
    case Node::Kind::conjunction:
        return list_to_json("$and", node.children, shown);
    case Node::Kind::disjunction:
        return list_to_json("$or", node.children, shown);
    case Node::Kind::negation:
        return single("$not", node_to_json(node.children.front(), shown));
    case Node::Kind::field: {
        auto below = node_to_json(node.children.front(), shown);
        // Without steps nothing is written around it, which means the same; CouchDB shows an empty name.
        return shown ? single(node.path.joined(), std::move(below))
                     : field_to_json(node.path, std::move(below));
    }
    case Node::Kind::condition:
        return condition_to_json(node, shown);
    case Node::Kind::everything:
        break;
    }
    return json::Object();
}

// What stands below $elemMatch and the like are fields of elements, not of the document.
void append_fields(std::vector<std::string> &fields, const Node &node) {
    switch (node.kind) {
    case Node::Kind::conjunction:
    case Node::Kind::disjunction:
    case Node::Kind::negation:
        for (const auto &child : node.children)
            append_fields(fields, child);
        break;
    case Node::Kind::field:
        fields.push_back(node.path.joined());
        break;
    case Node::Kind::condition:
        // CouchDB takes the name that it gives to a text index for one of a field.
        if (node.op == Operator::text)
            fields.emplace_back("$default");
        break;
    case Node::Kind::everything:
        break;
    }
}

} // namespace divan::selector
