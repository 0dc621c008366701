#pragma once

// Commit groups: the one way to change a database.
//
// One leader at a time takes all waiting operations, reads the documents they name in one read,
// applies them in order in memory, and writes one batch with one sync for all. Every acknowledged
// change was in such a batch.
//
// Invariants
// 1. A document has exactly one row in the sequences table, at its newest sequence.
// 2. Sequences become visible in order: the shard is locked from the first number to the commit.
// 3. A revision's body is inline in the head only if it is the winner; in the commit that replaces
//    it, it moves to a row of its own.
// 4. Counters move in the same batch as what they count.

#include "db/commit_audit.h"
#include "db/database.h"
#include "db/format.h"
#include "db/types.h"
#include "doc/rev_tree.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace divan::db {

enum class Counter : std::uint8_t;

// A document while a group works on it.
struct WorkingDocument {
    std::string id;
    std::optional<format::StoredHead> stored; // as it was; nothing = new
    // Of the newest revisions only, unless `tree_complete`.
    doc::RevTree tree;
    bool tree_complete = true;
    bool tree_wanted = false; // apply() will ask for the whole tree
    bool changed = false;
    // Every change so far extended the winner and is the winner now, so that a stored tree stays valid below
    // `recent`.
    bool only_extended_winner = true;
    kv::Sequence sequence;             // the newest, if changed
    std::uint64_t document_number = 0; // 0 = take the first sequence
    // Bodies that came in this group, by the number in RevInfo::body.
    std::map<std::uint64_t, Body> new_bodies;
    // Bodies of leaves that this group replaced by a newer revision.
    std::vector<std::uint64_t> replaced_bodies;
    // Bodies whose rows are to go, with the attachments that nothing else of the document names.
    std::vector<std::uint64_t> removed_bodies;
    std::set<std::uint64_t> removed_leaf_bodies; // those of them that were leaves' (purge)
    // Purged as a whole: remove every row.
    bool erased = false;

    [[nodiscard]] bool exists() const { return !tree.empty(); }
};

class CommitGroup;

// Something that changes a database. Owned by the queue, then by its group.
class Operation {
  public:
    virtual ~Operation() = default;
    // The documents that apply() will ask for.
    virtual void collect(std::vector<std::string> & /*ids*/) const {}
    // The keys of other rows (of the documents table) that apply() will ask for or change.
    virtual void collect_rows(std::vector<std::string> & /*keys*/) const {}
    // Marks the documents whose whole tree apply() will ask for (tree_wanted), so that the group reads all of
    // them at once.
    virtual void foresee(CommitGroup & /*group*/) const {}
    // How many sequences apply() takes at most, and how many edits this counts as.
    [[nodiscard]] virtual std::uint32_t edit_count() const { return 0; }
    [[nodiscard]] virtual std::size_t bytes() const { return 0; }
    // Changes the group. May run more than once (another writer was faster), each time on a fresh
    // group. An error fails this operation alone; it must then have changed nothing.
    virtual Result<void> apply(CommitGroup &group) = 0;
    // The commit's outcome, after apply() succeeded; or why nothing was tried. Called once.
    virtual void answer(const Result<void> &outcome) = 0;
};

class CommitGroup {
  public:
    CommitGroup(Database::State &database, std::vector<std::unique_ptr<Operation>> operations);

    // Reads, applies, commits, answers all operations.
    void run();

    // ---- for operations, in apply()
    [[nodiscard]] WorkingDocument &document(const std::string &id);
    // A collected row, as this group leaves it. The batch must be told of a change, too.
    [[nodiscard]] std::optional<std::string> &row(const std::string &key);
    // Makes document.tree the whole tree.
    Result<void> complete_tree(WorkingDocument &document);
    [[nodiscard]] kv::Sequence next_sequence();
    [[nodiscard]] kv::WriteBatch &batch() { return batch_; }
    [[nodiscard]] Database::State &database() { return database_; }
    // The settings row; asking for it as mutable makes it part of the commit.
    [[nodiscard]] const format::Meta &meta() const { return meta_; }
    [[nodiscard]] format::Meta &mutable_meta();
    // Counts in the row of the database, and in that of the document's partition.
    void count(const WorkingDocument &document, Counter counter, std::int64_t delta);
    // Refuses an interactive edit that puts `body` in the place of the stored body `replaced` (0 = none) if
    // that makes a document of a full partition larger. Partitions are full by their size before this group.
    // Errors: partition_overflow.
    Result<void> check_partition_size(const WorkingDocument &document, const Body &body,
                                      std::uint64_t replaced);
    // Makes the record of a write part of the commit.
    void audit(AuditedWrite write) { audited_.push_back(std::move(write)); }
    // The body of a revision of a document that existed before this group.
    Result<std::optional<Body>> stored_body(const WorkingDocument &document, std::uint64_t body);

  private:
    Result<bool> attempt(std::vector<Result<void>> &applied);
    Result<void> prepare();
    Result<void> add_document(const std::string &id, const std::optional<std::string> &value);
    Result<void> read_collected();
    [[nodiscard]] std::vector<std::string> limited_partitions() const;
    Result<void> read_wanted_trees();
    void move_change(kv::Sequence from, kv::Sequence to);
    void note_run();
    void mark_time();

    // commit_group_flush.cc: from working documents to rows
    Result<void> flush();
    void add_counts(std::string key, const std::vector<std::int64_t> &counts);
    Result<void> flush_document(WorkingDocument &document);
    Result<void> flush_tree(WorkingDocument &document, format::StoredHead &head);
    static std::optional<std::vector<doc::Leaf>> history_above_rows(const WorkingDocument &document);
    bool move_to_part(const WorkingDocument &document, format::StoredHead &head);
    Result<void> flush_bodies(WorkingDocument &document, format::StoredHead &head);
    Result<void> flush_removed_bodies(WorkingDocument &document);
    Result<void> flush_erased(WorkingDocument &document);
    Result<void> erase_attachment(const AttachmentId &id);
    Result<std::uint64_t> stored_body_bytes(const WorkingDocument &document, std::uint64_t body);
    Result<std::map<std::uint64_t, std::string>> stored_body_rows(std::uint64_t document_number);

    Database::State &database_;
    std::vector<std::unique_ptr<Operation>> operations_;
    std::unordered_map<std::string, WorkingDocument> documents_;
    std::vector<std::string> order_; // sorted ids of documents_
    std::unordered_map<std::string, std::optional<std::string>> rows_;
    std::vector<std::string> read_keys_;
    std::vector<std::optional<std::string>> read_values_;
    format::Meta meta_;
    bool meta_changed_ = false;
    kv::WriteBatch batch_;
    std::uint64_t first_sequence_ = 0;
    std::uint32_t sequences_used_ = 0;
    std::vector<std::int64_t> counts_;
    std::map<std::string, std::vector<std::int64_t>, std::less<>> partition_counts_;
    std::set<std::string, std::less<>> full_partitions_;
    std::map<std::pair<std::uint8_t, std::uint64_t>, std::int64_t> change_counts_;
    std::vector<AuditedWrite> audited_;
    bool documents_changed_ = false;
    bool design_changed_ = false;
};

} // namespace divan::db
