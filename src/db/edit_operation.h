#pragma once

// Edits of documents as an operation of a commit group.

#include "db/commit_group.h"

namespace divan::db {

class EditOperation final : public Operation {
  public:
    EditOperation(std::vector<Edit> edits, Database::WriteDone done);

    void collect(std::vector<std::string> &ids) const override;
    void foresee(CommitGroup &group) const override;
    [[nodiscard]] std::uint32_t edit_count() const override;
    [[nodiscard]] std::size_t bytes() const override { return bytes_; }
    Result<void> apply(CommitGroup &group) override;
    void answer(const Result<void> &outcome) override;

  private:
    std::vector<Edit> edits_;
    std::size_t bytes_ = 0;
    std::vector<Result<Written>> results_;
    Database::WriteDone done_;
};

// The operations that write `edits`: one, or several for a large write, so that no group exceeds `edits_max`
// edits or (but for a single larger edit) `bytes_max` bytes; a write with stubs is not divided. They are to
// be queued together and in order; `done` gets all answers, in the order of the edits.
[[nodiscard]] std::vector<std::unique_ptr<Operation>> make_edit_operations(std::vector<Edit> edits,
                                                                           std::size_t edits_max,
                                                                           std::size_t bytes_max,
                                                                           Database::WriteDone done);

// The revision id of an interactive edit: a hash over what the revision is, so that the same edit
// on two nodes is the same revision.
[[nodiscard]] doc::RevId revision_of(const std::optional<doc::RevId> &parent, bool deleted, const Body &body);

} // namespace divan::db
