#pragma once

// The indexes of a database: what there is, how it is shown, and how one is made and taken away, which is a
// change of a design document. (CouchDB mango_idx.erl, mango_idx_view.erl.)
//
// Threads: values; any. No I/O.

#include "base/result.h"
#include "design/design_document.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace divan::mango {

struct Index {
    // Null: the special index `_all_docs`, of all ids.
    std::shared_ptr<const design::DesignDocument> document;
    const design::ViewDefinition *view = nullptr; // of the document
    bool partitioned = false;

    [[nodiscard]] bool is_special() const { return document == nullptr; }
    [[nodiscard]] const design::QueryIndex &definition() const { return *view->index; } // REQUIRES: !special
    [[nodiscard]] std::string_view design_id() const; // "_design/..."; empty for the special one
    [[nodiscard]] std::string_view name() const;
    // The names of its columns; `_id` for the special one.
    [[nodiscard]] std::vector<std::string> fields() const;
    // As `_index` and `_explain` show it.
    [[nodiscard]] json::Value to_json() const;
};
using Indexes = std::vector<std::shared_ptr<const Index>>;

// All of them, in the order in which `_index` lists them.
[[nodiscard]] Indexes indexes_of(std::span<const std::shared_ptr<const design::DesignDocument>> documents,
                                 bool database_partitioned);

// What `POST /{db}/_index` asks for.
struct NewIndex {
    std::string design_id; // "_design/..."
    std::string name;
    json::Value map;        // of its view
    json::Value definition; // `options.def` of the view: as it was given
    std::optional<bool> partitioned;
};
// Errors: bad_request with CouchDB's words; "required index service unavailable" for text indexes.
[[nodiscard]] Result<NewIndex> read_new_index(const json::Object &body, const selector::Limits &limits);

// The design document with the index in it, without special members; nothing if it is there already.
// `existing`: the document as it is stored, if there is one. Errors: invalid_ddoc_lang,
// invalid_partitioned_option.
[[nodiscard]] Result<std::optional<json::Value>> with_index(const json::Value *existing,
                                                            const NewIndex &index);
// The design document without a view, without special members; nothing if no index is left: then it is to be
// deleted. REQUIRES: it has the view.
[[nodiscard]] std::optional<json::Value> without_index(const json::Value &document, std::string_view name);

} // namespace divan::mango
