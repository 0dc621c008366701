#pragma once

// All view indexes of a server: which exist, who builds them, what goes on.
//
// Threads: any; calls may block on the engine.

#include "views/view.h"

#include "base/clock.h"
#include "design/design_documents.h"
#include "telemetry/log.h"
#include "views/builtin_reduce.h"

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

// All outlive the views.
struct ViewsServices {
    script::Pool &scripts;
    design::DesignDocuments &designs;
    telemetry::Logger &log;
    Clock &clock;
};

struct ViewsOptions {
    std::size_t groups_max = 10'000;    // known in memory; idle ones beyond are forgotten
    std::size_t foreground_threads = 4; // indexes that are built at once for those who wait
    std::size_t background_threads = 1; // and besides, when nobody does
    ReduceLimits reduce_limits;
    std::size_t timeouts_max = 3; // an update fails when so many calls of functions took too long
};

class Views {
  public:
    struct State;
    explicit Views(std::unique_ptr<State> state);
    // Stops builders at the next checkpoint.
    ~Views();

    // The group of a design document's views; made when it is asked for first. Errors: not_implemented for a
    // language that nobody runs here.
    Result<std::shared_ptr<ViewGroup>> group(const std::shared_ptr<db::Database> &database,
                                             const design::DesignDocument &document);
    // The same if it is in memory, without I/O: null = call group(). For network threads.
    std::shared_ptr<ViewGroup> group_cached(const std::shared_ptr<db::Database> &database,
                                            const design::DesignDocument &document);
    // Erases the indexes of a database that no design document has any more. _view_cleanup
    Result<void> cleanup(const std::shared_ptr<db::Database> &database);
    // Brings the indexes of a database up to date in the background, but for design documents with
    // {"autoupdate": false}.
    Result<void> update_later(const std::shared_ptr<db::Database> &database);
    // A database is gone, and with it the workers that ran its functions.
    void forget(const std::string &database_uuid);
    [[nodiscard]] std::vector<IndexTask> active_tasks();

  private:
    std::unique_ptr<State> state_;
};

[[nodiscard]] std::unique_ptr<Views> make_views(const ViewsServices &services, const ViewsOptions &options);

} // namespace divan::views
