#pragma once

// Documents that stand beside the rows of a view: the one that emitted a row, or the one that the row's value
// names with "_id" and "_rev".

#include "views/view.h"
#include "wire/document_json.h"

#include <span>
#include <string>
#include <vector>

namespace divan::api {

// Blocks on the engine. Used by one thread at a time.
class IncludedDocuments {
  public:
    IncludedDocuments(db::Database &database, const wire::DocumentOptions &options)
        : database_(database), options_(options) {}

    // Reads the documents of some rows together; those read before are forgotten.
    Result<void> read(std::span<const views::Row> rows);
    // Appends the document of a row that was read, or null: it is missing, deleted, or has no such revision.
    Result<void> append(std::string &out, std::size_t row);

  private:
    struct Reference {
        std::size_t head;              // in heads_
        std::optional<doc::RevId> rev; // nullopt = the winner
    };

    db::Database &database_;
    wire::DocumentOptions options_;
    std::vector<std::optional<Reference>> references_; // of each row; nullopt = names no document
    std::vector<std::optional<db::Head>> heads_;
};

// What a row's value says of its document. Exposed for tests.
struct LinkedDocument {
    bool none = false;             // it names none that could be
    std::optional<std::string> id; // nullopt = the one that emitted the row
    std::optional<doc::RevId> rev;
};
[[nodiscard]] LinkedDocument linked_document(std::string_view value);

} // namespace divan::api
