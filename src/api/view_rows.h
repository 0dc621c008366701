#pragma once

// Rows of views as answers show them.

#include "api/included_documents.h"
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
// Of a database that does not show every document. (shown_rows.cc)
[[nodiscard]] std::unique_ptr<RowReader> shown_row_reader(ViewRows rows);
// Errors: forbidden if the rows would tell of documents that are hidden. (shown_rows.cc)
[[nodiscard]] Result<void> check_view_is_shown(const db::Database &database, std::string_view design_id,
                                               std::string_view view_name, bool reduced);

// {"id":...,"key":...,"value":...}, and the document at that place if it is included.
Result<void> append_row(std::string &out, const views::Row &row, IncludedDocuments &documents,
                        bool include_docs, std::size_t place);

} // namespace divan::api
