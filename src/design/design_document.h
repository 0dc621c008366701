#pragma once

// A design document, read: what its members mean for those who run its functions.
//
// Threads: values; any.

#include "base/result.h"
#include "collation/sort_key.h"
#include "design/query_index.h"
#include "script/program.h"
#include "selector/selector.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::design {

// "javascript", "javascript_quickjs", "javascript_spidermonkey".
[[nodiscard]] bool is_javascript(std::string_view language);

struct ViewDefinition {
    std::string name;
    std::string map;    // source; of language "query": JSON text of the map object
    std::string reduce; // source, or the name of a built-in ("_sum"); empty = none
    collation::Order order = collation::Order::unicode; // the view's own options.collation
    // Of a view of the language "query" that is a Mango index; null = it is none.
    std::shared_ptr<const QueryIndex> index;
};

struct DesignDocument {
    std::string id; // "_design/users"
    std::string rev;
    std::string language = "javascript";
    std::vector<ViewDefinition> views; // in the order of the document
    std::string lib;                   // JSON text of views.lib; empty = none
    bool local_seq = false;            // options
    bool include_design = false;
    std::optional<bool> partitioned;
    bool autoupdate = true;
    // Source; empty = none. Of something that is no string: its JSON text, which refuses every write.
    std::string validate_doc_update;
    selector::Limits selector_limits; // of its selectors
    // The same, compiled, of the language "query"; null if it is none.
    std::shared_ptr<const selector::Selector> validation_selector;
    json::Value json;      // the whole document, with _id and _rev
    std::string text;      // its JSON text, for require() and `this` of functions
    std::string signature; // view_signature() of views that are not partitioned
    // About what it takes in memory.
    std::size_t bytes = 0;

    [[nodiscard]] const ViewDefinition *view(std::string_view view_name) const;
    // Whether its functions are JavaScript.
    [[nodiscard]] bool is_javascript() const;
    // The source of json[section][name] ("filters", "updates", "shows", "lists"). Errors: not_found
    // "missing json key: NAME" and "json_mismatch", as CouchDB says.
    [[nodiscard]] Result<std::string> function(std::string_view section, std::string_view name) const;
};

// Reads a document that was stored: what is malformed is left out, it has been answered when it was saved.
// `limits`: of its selectors.
[[nodiscard]] Result<DesignDocument> read_design_document(std::string id, std::string rev,
                                                          std::string_view json,
                                                          const selector::Limits &limits = {});

// Whether the views are queried partition by partition, and their rows kept so: the option `partitioned`. Its
// default is what the database is; in a database that is not partitioned it means nothing.
[[nodiscard]] bool has_partitioned_views(const DesignDocument &document, bool partitioned_database);

// Names the index of the views: 32 hex digits. Depends on the sources of maps and reduces, lib, language,
// options and has_partitioned_views(); not on names of views or of the document, so that a rename does not
// build anew. Views with equal source share rows.
[[nodiscard]] std::string view_signature(const DesignDocument &document, bool partitioned_database);

} // namespace divan::design
