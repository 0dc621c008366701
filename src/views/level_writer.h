#pragma once

// Keeps the levels of a map true (levels.h): after a commit's changes to rows, or by building them anew.
//
// Used by the one who writes the index, before the rows are written.

#include "views/levels.h"
#include "views/reducer.h"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace divan::views {

// Rows that a commit puts (a row) or erases (nothing), by stored key.
using RowChanges = std::map<std::string, std::optional<LoadedRow>>;

class LevelWriter {
  public:
    // All outlive the writer. `rows` has no snapshot.
    LevelWriter(const MapRows &rows, std::span<const std::unique_ptr<Reducer>> reducers)
        : rows_(rows), reducers_(reducers) {}

    // Appends what the changes mean for each level. Costs a few calls of the engine for each level, however
    // many changes there are, and reads some 32 rows or entries for each that is touched.
    Result<void> repair(const RowChanges &changes, kv::WriteBatch &batch);

    // Makes a level from what is stored below it; the level is empty. `write` gets its entries, in several
    // batches if there are many.
    Result<void> build(unsigned level, const std::function<Result<void>(kv::WriteBatch)> &write);

    // Failures of functions that took too long, in the summaries that were made. A builder gives up after
    // some.
    [[nodiscard]] std::size_t timeouts() const { return timeouts_; }
    [[nodiscard]] const std::string &last_timeout() const { return last_timeout_; }

  private:
    // A row, or an entry of a level.
    struct Child {
        std::string key;              // stored
        std::optional<LoadedRow> row; // level 0, if there are reducers
        LevelEntry entry;             // of higher ones
    };
    // What changed in the level below: a child, or nothing = it is gone.
    using Changed = std::map<std::string, std::optional<Child>>;
    struct Stretch {
        std::string begin; // the entry's key
        std::vector<Child> children;
        // while it is read:
        kv::ScanRequest request;
        Changed::const_iterator changed;
        bool done = false;
    };

    Result<Changed> repair_level(unsigned level, const Changed &below, kv::WriteBatch &batch);
    Result<std::vector<std::string>> begins(unsigned level, const Changed &below);
    Result<void> read_stretches(unsigned level, const Changed &below, std::span<Stretch> stretches);
    // Takes a page of stored children and the changes among them. Sets `done` at the stretch's end.
    Result<void> merge(unsigned level, const Changed &below, Stretch &stretch, const kv::Page &page);
    void take(unsigned level, Stretch &stretch, Child child);
    Result<Child> load_child(unsigned level, std::string_view key, std::string_view value);
    Result<std::vector<LevelEntry>> summarise(std::span<const Stretch> stretches);
    void note_timeout(const Reducer &reducer, std::string_view summary);
    [[nodiscard]] bool reduces() const { return !reducers_.empty(); }

    const MapRows &rows_;
    std::span<const std::unique_ptr<Reducer>> reducers_;
    std::size_t timeouts_ = 0;
    std::string last_timeout_;
};

} // namespace divan::views
