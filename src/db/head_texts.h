#pragma once

// Texts of documents whose heads were read together. Inside of db.

#include "db/database_state.h"
#include "db/document_scan.h"

#include <deque>
#include <span>

namespace divan::db {

// Borrows what it is given. What does not lie in the heads is read for all of them at once, when the first
// text that needs it is asked for.
class HeadTexts {
  public:
    struct Row {
        std::string_view id;
        std::string_view value; // the head's row; empty = there is none
    };
    // `parts_bytes_max`: of bodies and trees held at a time, or those of one document.
    HeadTexts(Database::State &state, std::span<const Row> rows, TextOptions options,
              std::size_t parts_bytes_max)
        : state_(state), rows_(rows), options_(options), parts_bytes_max_(parts_bytes_max) {}

    // Appends the text of a row; false: its document is deleted or missing, or compaction took its body.
    // REQUIRES: rows are asked for in order; none is left out but those of which stored() has a text.
    Result<bool> append(std::string &out, std::size_t row);
    // With `plain_members`: the text as it lies in the row, if that is all of it.
    Result<std::optional<std::string_view>> stored(std::size_t row) const;

    // What a document has outside of its head.
    struct Parts {
        std::size_t row;
        std::optional<std::string> body;              // payload
        std::optional<std::vector<doc::Leaf>> leaves; // winner first
    };

  private:
    Result<void> fetch(std::size_t begin);
    Result<bool> append_again(std::string &out, std::string_view id) const;

    Database::State &state_;
    std::span<const Row> rows_;
    TextOptions options_;
    std::size_t parts_bytes_max_;
    std::deque<Parts> parts_; // of the rows that were fetched and not asked for yet
    std::size_t fetched_end_ = 0;
};

} // namespace divan::db
