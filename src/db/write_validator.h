#pragma once

// Who judges writes before they are committed. The composition root gives one to the store; this module knows
// nothing of how it judges.

#include "base/result.h"
#include "base/unique_function.h"
#include "db/types.h"

#include <optional>
#include <span>
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
    // `origin`: how and from where, for who audits; of no meaning here.
    [[nodiscard]] static WriteContext user(std::string user_context, std::string origin = {}) {
        WriteContext context;
        context.user_context_ = std::move(user_context);
        context.origin_ = std::move(origin);
        return context;
    }

    [[nodiscard]] bool is_system() const { return user_context_.empty(); }
    [[nodiscard]] const std::string &user_context() const { return user_context_; }
    [[nodiscard]] const std::string &origin() const { return origin_; }

  private:
    WriteContext() = default;
    std::string user_context_;
    std::string origin_;
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
    // Whether amend() takes long for these edits: then it runs on a pool thread. Never blocks.
    [[nodiscard]] virtual bool amends_slowly(const Database & /*database*/,
                                             const std::vector<Edit> & /*edits*/) {
        return false;
    }
    // Before anything else, for all edits by somebody: may change them, and refuse some. An answer for each
    // edit, or none at all: nothing is refused. Never blocks unless amends_slowly() said so.
    virtual std::vector<Result<void>> amend(Database & /*database*/, const WriteContext & /*context*/,
                                            std::vector<Edit> & /*edits*/) {
        return {};
    }
    // Which of the edits are judged; an empty answer = none. nullopt = that cannot be said without I/O. Never
    // blocks.
    using Edits = std::span<const Edit *const>;
    [[nodiscard]] virtual std::optional<std::vector<bool>>
    judged_cached(const Database &database, const WriteContext &context, Edits edits) = 0;
    // As judged_cached(); may block on the engine.
    [[nodiscard]] virtual Result<std::vector<bool>> judged(Database &database, const WriteContext &context,
                                                           Edits edits) = 0;
    // Calls `done` once, on any thread, with an answer for each edit: why it is refused, or nothing. May
    // block on the engine. `database`, `context` and what `edits` point to live until then.
    using Done = UniqueFunction<void(std::vector<Result<void>>)>;
    virtual void judge(Database &database, const WriteContext &context, std::vector<JudgedEdit> edits,
                       Done done) = 0;
};

} // namespace divan::db
