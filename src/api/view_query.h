#pragma once

// A view of a design document, from its name to its rows.

#include "api/row_reader.h"
#include "api/view_options.h"
#include "design/design_document.h"
#include "views/view.h"

#include <memory>
#include <string>

namespace divan::api {

struct View {
    std::shared_ptr<const design::DesignDocument> document;
    const design::ViewDefinition *definition = nullptr; // of `document`
    std::shared_ptr<views::ViewGroup> group;

    [[nodiscard]] ViewType type(const ViewOptions &options) const;
};

// Errors: not_found "missing_named_view"; those of views::Views::group().
Task<Result<View>> find_view(Call &call, std::shared_ptr<const design::DesignDocument> document,
                             std::string name);

// Errors: query_parse_error if the options do not fit the view. Sets the limit that the configuration has.
[[nodiscard]] Result<void> check_view_query(const Call &call, const View &view, ViewOptions &options);

// Waits until the index is as new as the database is now. Holds no thread. Errors: cancelled when the client
// goes away; what keeps the index from being built.
Task<Result<void>> update_view(Call &call, std::shared_ptr<views::ViewGroup> group);

// Brings the index to the state that the options ask for, and gives a reader of its rows. REQUIRES:
// check_view_query().
Task<Result<RowQuery>> open_view(Call &call, const View &view, ViewOptions options);

// What UpdateMode::later asks for, when the rows have been read.
void update_later(const View &view, const ViewOptions &options);

} // namespace divan::api
