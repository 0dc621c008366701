#pragma once

// A selector in its normal form, as CouchDB's mango_selector:normalize gives it: every comparison has an
// operator, several members are an `$and`, names of fields stand at the end of the branches, and negations as
// far down as they go ($not of $lt is $gte, of $and an $or of negations, ...). Planners look at it; matching
// does not.

#include "selector/path.h"
#include "json/value.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace divan::selector {

enum class Operator : std::uint8_t {
    lt,
    lte,
    eq,
    ne,
    gte,
    gt,
    in,
    nin,
    exists,
    type,
    mod,
    regex,
    begins_with,
    all,
    size,
    elem_match,
    all_match,
    key_map_match,
    text, // `$text` without a text index: true of every document, as in CouchDB
};
// "$lt", ...
[[nodiscard]] std::string_view operator_name(Operator op);

struct Node {
    enum class Kind : std::uint8_t {
        everything,  // {}: the whole selector is empty
        conjunction, // $and of children
        disjunction, // $or of children; one without children is true beside other conditions
        negation,    // $not of the one child, where nothing simpler says it
        field,       // the one child, of what stands at `path`; false if nothing stands there, except $exists
        condition,   // `op` with `argument`
    };
    Kind kind = Kind::everything;
    // Of conditions: the selector of $elemMatch, $allMatch and $keyMapMatch.
    std::vector<Node> children;
    Path path;
    Operator op = Operator::eq;
    json::Value argument; // as it was written; null for those that have a child
};

} // namespace divan::selector
