#pragma once

// Edits of documents as an operation of a commit group.

#include "db/commit_group.h"

namespace divan::db {

// The state that an edit replaces, as far as somebody judged it.
struct ReplacedState {
    // false: nothing of the edit is stored: it is refused, or there already.
    bool stores = false;
    // The leaf that an interactive edit names; of a replicated edit the nearest ancestor that came with a
    // body. Nothing: there is none, or it is a tombstone that the client does not name.
    std::optional<doc::RevId> rev;
    friend bool operator==(const ReplacedState &, const ReplacedState &) = default;
};
// REQUIRES: the whole tree, or as much of it as applying the edit needs.
[[nodiscard]] ReplacedState replaced_by(const doc::RevTree &tree, const Edit &edit);

// What edits that were judged may replace. An edit that would replace another state, or that was judged by
// functions that are replaced, is not written: it is `stale`, and answered conflict.
struct ExpectedStates {
    std::uint64_t design_version = 0;
    std::vector<bool> judged;            // of each edit; others may replace anything
    std::vector<ReplacedState> replaced; // of each edit
    std::vector<bool> stale;             // of each edit; read it after the answer
};

// The body of an edit: the attachments that stubs name are taken from `parent`, which is asked if there are
// any. Errors: missing_stub.
using ParentBody = std::function<Result<std::optional<Body>>()>;
[[nodiscard]] Result<Body> resolve_body(const Edit &edit, std::uint64_t generation, const ParentBody &parent);

class EditOperation final : public Operation {
  public:
    // `author`: who is told to Context::audit; null: nobody is. `expected` may be null; `first` is the index
    // of the first edit in it.
    EditOperation(std::vector<Edit> edits, std::shared_ptr<const WriteContext> author,
                  std::shared_ptr<ExpectedStates> expected, std::size_t first, Database::WriteDone done);

    void collect(std::vector<std::string> &ids) const override;
    void foresee(CommitGroup &group) const override;
    [[nodiscard]] std::uint32_t edit_count() const override;
    [[nodiscard]] std::size_t bytes() const override { return bytes_; }
    Result<void> apply(CommitGroup &group) override;
    void answer(const Result<void> &outcome) override;

  private:
    Result<Written> apply_edit(CommitGroup &group, std::size_t index);
    void audit(CommitGroup &group) const;

    std::vector<Edit> edits_;
    std::shared_ptr<const WriteContext> author_;
    std::shared_ptr<ExpectedStates> expected_;
    std::size_t first_;
    std::size_t bytes_ = 0;
    std::vector<Result<Written>> results_;
    Database::WriteDone done_;
};

// The operations that write `edits`: one, or several for a large write, so that no group exceeds `edits_max`
// edits or (but for a single larger edit) `bytes_max` bytes; a write with stubs is not divided. They are to
// be queued together and in order; `done` gets all answers, in the order of the edits.
[[nodiscard]] std::vector<std::unique_ptr<Operation>>
make_edit_operations(std::vector<Edit> edits, std::shared_ptr<const WriteContext> author,
                     std::shared_ptr<ExpectedStates> expected, std::size_t edits_max, std::size_t bytes_max,
                     Database::WriteDone done);

// The revision id of an interactive edit: a hash over what the revision is, so that the same edit
// on two nodes is the same revision.
[[nodiscard]] doc::RevId revision_of(const std::optional<doc::RevId> &parent, bool deleted, const Body &body,
                                     std::string_view salt = {});

} // namespace divan::db
