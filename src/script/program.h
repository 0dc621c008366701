#pragma once

// What runs in a worker: the functions that share one realm, and nothing else ever does.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace divan::script {

// A JavaScript function, or an expression that is one; CouchDB also takes anonymous
// `function(doc) {...}` statements, which JavaScript does not.
struct Function {
    // Where it stands in its design document, for errors and logs: "views.by_email.map".
    std::string name;
    std::string source;
};

// Two programs never share a realm, and two databases never share a process (CVE-2023-26268).
struct Program {
    // Names the program within its database; the same key = the same functions. A worker keeps the realms of
    // the programs that it ran last.
    std::string key;
    std::string database; // uuid of the database
    // "_design/users", for errors and logs.
    std::string design_id;
    std::vector<Function> functions;
    // JSON text of the object that require() walks: the design document, or only {"views":{"lib":{...}}} for
    // views, as in CouchDB. It is also `this` of called functions. Empty: require() finds nothing.
    std::string library;
    // Whether the functions may call getRow(), send(), start(), provides(), registerType(): shows and lists.
    bool renders = false;
};

} // namespace divan::script
