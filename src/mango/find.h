#pragma once

// A query, from what is asked to what is answered: planned, explained, opened.
//
// Threads: one at a time, any; calls block on the engine where it is said.

#include "mango/cursor.h"

#include <memory>
#include <vector>

namespace divan::mango {

// Both outlive the query.
struct FindServices {
    design::DesignDocuments &designs;
    views::Views &views;
};

struct FindOptions {
    CursorOptions cursor;
    bool explain = false;
};

class Find {
  public:
    // Plans it; blocks. Errors: those of choosing an index and of reading.
    [[nodiscard]] static Result<std::unique_ptr<Find>> prepare(const FindServices &services,
                                                               std::shared_ptr<db::Database> database,
                                                               Query query, const FindOptions &options);

    [[nodiscard]] const Query &query() const { return query_; }
    [[nodiscard]] const Plan &plan() const { return plan_; }
    // The groups of views that the plan reads, to be brought up to date if the query wants it; blocks.
    Result<std::vector<std::shared_ptr<views::ViewGroup>>> groups();
    // Blocks. The cursor does not outlive this.
    Result<std::unique_ptr<Cursor>> open();
    [[nodiscard]] Warnings warnings(const Statistics &statistics) const;
    // The answer of `_explain`.
    [[nodiscard]] json::Value explain() const;

  private:
    Find(const FindServices &services, std::shared_ptr<db::Database> database, Query query,
         FindOptions options)
        : services_(services), database_(std::move(database)), query_(std::move(query)),
          options_(std::move(options)) {}
    [[nodiscard]] SourceContext context() const;

    const FindServices services_;
    const std::shared_ptr<db::Database> database_;
    const Query query_;
    const FindOptions options_;
    Plan plan_;
};

// The indexes of a database; blocks if its design documents are not in memory.
[[nodiscard]] Result<Indexes> indexes_of(design::DesignDocuments &designs,
                                         const std::shared_ptr<db::Database> &database);

// What `_explain` answers. (explain.cc)
[[nodiscard]] json::Value explain(const std::string &database_name, bool database_partitioned,
                                  const Query &query, const Plan &plan);

} // namespace divan::mango
