#pragma once

// Who judges writes before they are committed. The composition root gives one to the store; this module knows
// nothing of how it judges.

#include "base/result.h"
#include "base/unique_function.h"
#include "db/types.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::db {

class Database;

// Who writes.
class WriteContext {
  public:
    // The server itself: nobody judges.
    [[nodiscard]] static WriteContext system() { return {}; }
    // Somebody: JSON text of {"db": ..., "name": ..., "roles": [...]}.
    [[nodiscard]] static WriteContext user(std::string user_context) {
        WriteContext context;
        context.user_context_ = std::move(user_context);
        return context;
    }

    [[nodiscard]] bool is_system() const { return user_context_.empty(); }
    [[nodiscard]] const std::string &user_context() const { return user_context_; }

  private:
    WriteContext() = default;
    std::string user_context_;
};

// The revision that an edit replaces, or descends from.
struct ReplacedRevision {
    doc::RevPath path;
    bool deleted = false;
    Body body;
};

// An edit as it is judged.
struct JudgedEdit {
    const Edit *edit = nullptr;
    Body body; // what the edit would store: with the attachments that its stubs name
    std::optional<ReplacedRevision> replaced;
};

// Threads: any.
class WriteValidator {
  public:
    virtual ~WriteValidator() = default;
    // Before anything else, for all edits by somebody: may change them, and refuse some. An answer for each
    // edit, or none at all: nothing is refused. Never blocks.
    virtual std::vector<Result<void>> amend(const Database & /*database*/, const WriteContext & /*context*/,
                                            std::vector<Edit> & /*edits*/) {
        return {};
    }
    // Whether writes to this database are judged; nullopt = that cannot be said without I/O. Never blocks.
    [[nodiscard]] virtual std::optional<bool> applies_cached(const Database &database) = 0;
    // As applies_cached(); may block on the engine.
    [[nodiscard]] virtual Result<bool> applies(Database &database) = 0;
    // Calls `done` once, on any thread, with an answer for each edit: why it is refused, or nothing. May
    // block on the engine. `database` and what `edits` point to live until then.
    using Done = UniqueFunction<void(std::vector<Result<void>>)>;
    virtual void judge(Database &database, const WriteContext &context, std::vector<JudgedEdit> edits,
                       Done done) = 0;
};

} // namespace divan::db
