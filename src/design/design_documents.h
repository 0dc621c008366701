#pragma once

// The design documents of open databases, read once and kept until they change.
//
// Threads: any; calls may block on the engine unless the name says cached.

#include "db/database.h"
#include "design/design_document.h"

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace divan::design {

class DesignDocuments {
  public:
    // `limits`: of the selectors in design documents; asked when one is read. Thread-safe.
    explicit DesignDocuments(std::function<selector::Limits()> limits = [] { return selector::Limits(); });
    ~DesignDocuments();

    // "_design/users". Errors: not_found "missing" or "deleted", as for any document.
    Result<std::shared_ptr<const DesignDocument>> find(const std::shared_ptr<db::Database> &database,
                                                       std::string_view id);
    // As find() if it is in memory and still valid; null = call find().
    std::shared_ptr<const DesignDocument> find_cached(const std::shared_ptr<db::Database> &database,
                                                      std::string_view id);
    // All that are not deleted, in the order of their ids.
    Result<std::vector<std::shared_ptr<const DesignDocument>>>
    all(const std::shared_ptr<db::Database> &database);
    // The same list as an object that stays the same until a design document changes.
    using Documents = std::vector<std::shared_ptr<const DesignDocument>>;
    Result<std::shared_ptr<const Documents>> snapshot(db::Database &database);
    // As snapshot() if it is in memory and still valid; null = call snapshot().
    std::shared_ptr<const Documents> all_cached(const db::Database &database);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace divan::design
