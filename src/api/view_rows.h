#pragma once

// Rows of views as answers show them.

#include "api/row_reader.h"
#include "api/view_options.h"
#include "views/view.h"

#include <memory>

namespace divan::api {

// What is read: a view of an index. REQUIRES of options: check_view_options().
struct ViewRows {
    std::shared_ptr<db::Database> database;
    std::shared_ptr<views::ViewGroup> group;
    // Keeps the definition.
    std::shared_ptr<const design::DesignDocument> document;
    const design::ViewDefinition *view = nullptr;
    ViewOptions options;
};

[[nodiscard]] std::unique_ptr<RowReader> map_row_reader(ViewRows rows);
[[nodiscard]] std::unique_ptr<RowReader> reduce_row_reader(ViewRows rows);

} // namespace divan::api
