#pragma once

// Purges and removals of bodies as operations of a commit group.

#include "db/commit_group.h"

#include <map>

namespace divan::db {

using RevsById = std::map<std::string, std::vector<doc::RevId>>;

// Removes leaves as if they had never been. What was purged lies in `purged` after the commit.
class PurgeOperation final : public Operation {
  public:
    using Done = UniqueFunction<void(Result<RevsById>)>;
    PurgeOperation(RevsById asked, bool record, Done done);

    void collect(std::vector<std::string> &ids) const override;
    void foresee(CommitGroup &group) const override;
    [[nodiscard]] std::uint32_t edit_count() const override;
    Result<void> apply(CommitGroup &group) override;
    void answer(const Result<void> &outcome) override;

  private:
    Result<void> purge_document(CommitGroup &group, const std::string &id,
                                const std::vector<doc::RevId> &revs);

    RevsById asked_;
    bool record_; // keeps a purge info, for _purged_infos
    RevsById purged_;
    Done done_;
};

// Removes the bodies of replaced revisions, except for the newest few of each branch.
class RemoveBodiesOperation final : public Operation {
  public:
    using Done = UniqueFunction<void(Result<void>)>;
    // `bodies`: by document id, the bodies that have rows of their own.
    RemoveBodiesOperation(std::map<std::string, std::vector<std::uint64_t>> bodies, std::uint64_t keep_newest,
                          Done done);

    void collect(std::vector<std::string> &ids) const override;
    void foresee(CommitGroup &group) const override;
    Result<void> apply(CommitGroup &group) override;
    void answer(const Result<void> &outcome) override { done_(outcome); }

  private:
    std::map<std::string, std::vector<std::uint64_t>> bodies_;
    std::uint64_t keep_newest_;
    Done done_;
};

} // namespace divan::db
