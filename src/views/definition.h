#pragma once

// What an index of views is made of: maps, and the reduces of each. Numbered by their sources, so that design
// documents with the same signature mean the same numbers.

#include "db/database.h"
#include "design/design_document.h"
#include "views/mapper.h"
#include "views/reducer.h"
#include "views/row_key.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::views {

struct MapDefinition {
    std::string source;
    collation::Order order = collation::Order::unicode;
    std::vector<std::string> reduce_sources;
    std::vector<std::unique_ptr<Reducer>> reducers; // as reduce_sources
};

struct Definition {
    std::string signature;
    std::string language;
    std::string design_id; // of one of the design documents
    bool local_sequence = false;
    bool include_design = false;
    bool partitioned = false; // rows are kept partition by partition
    std::vector<MapDefinition> maps;
    std::unique_ptr<const Mapper> mapper; // its maps are these

    struct Place {
        MapNumber map = 0;
        std::optional<std::size_t> reduce;
    };
    // Where a view of a design document with this signature stands. REQUIRES: it has it.
    [[nodiscard]] Place place(const design::ViewDefinition &view) const;
};

// Errors: invalid_design_doc for an unknown built-in reduce; not_implemented for a language that is neither
// JavaScript nor "query".
[[nodiscard]] Result<std::shared_ptr<const Definition>>
make_definition(const design::DesignDocument &document, std::string signature, const db::Database &database,
                script::Pool &pool, const ReduceLimits &limits);

} // namespace divan::views
