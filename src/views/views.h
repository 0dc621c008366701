#pragma once

// All view indexes of a server: which exist, who builds them, what goes on.
//
// Threads: any; calls may block on the engine.

#include "views/view.h"

#include "design/design_documents.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::views {

// A build under way, for _active_tasks (type "indexer" or "view_compaction").
struct IndexTask {
    std::string type;
    std::string database;
    std::string design_document; // one of those that share the index
    std::chrono::microseconds started_on{};
    std::chrono::microseconds updated_on{};
    std::uint64_t changes_done = 0;
    std::uint64_t total_changes = 0;
};

class Views {
  public:
    struct State;
    explicit Views(std::shared_ptr<State> state);
    // Stops builders at the next checkpoint.
    ~Views();

    // The group of a design document's views; made when it is asked for first. Errors: not_implemented for a
    // language that nobody runs here.
    Result<std::shared_ptr<ViewGroup>> group(const std::shared_ptr<db::Database> &database,
                                             const design::DesignDocument &document);
    // Erases the indexes of a database that no design document has any more. _view_cleanup
    Result<void> cleanup(const std::shared_ptr<db::Database> &database);
    [[nodiscard]] std::vector<IndexTask> active_tasks();

  private:
    std::shared_ptr<State> state_;
};

} // namespace divan::views
