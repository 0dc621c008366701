#pragma once

// One database: documents, changes, attachments, local documents, settings.
//
// Threads: any; everything but the *_cached calls and the asynchronous write() may block on the
// engine and belongs on the engine pool. Objects are shared with the Store; a handle to a deleted database
// answers not_found ("Database does not exist.") to everything.
//
// Reads see what was committed before they began. Writes of one database pass through one commit
// group at a time (commit_group.h): acknowledged means synced.

#include "base/event.h"
#include "base/unique_function.h"
#include "db/attachment_store.h"
#include "db/document_scan.h"
#include "db/sequence_token.h"
#include "db/types.h"
#include "db/write_validator.h"

#include <functional>
#include <map>
#include <memory>
#include <span>

namespace divan::db {

class Visibility;

// A document's rows in `_all_docs` order: bytes of the id.
struct HeadRange {
    std::string begin;              // first id
    std::optional<std::string> end; // first id behind the range
    bool reverse = false;           // from the last id of the range to the first
    bool with_deleted = false;
    HeadParts parts;
    std::size_t rows_max = 1'000;
};

struct HeadPage {
    std::vector<Head> heads;
    // The range has more rows: go on behind (or, in reverse, before) the last id read.
    bool more = false;
    std::string last_id; // the last id read, also if its document was left out
};

struct LocalDocument {
    std::string id;  // with "_local/"
    std::string rev; // "0-N"
    std::string json;
};

struct PurgeInfo {
    std::uint64_t purge_seq = 0;
    std::string uuid;
    std::string id;
    std::vector<doc::RevId> revs;
};

// What `_revs_diff` asks for one document.
struct RevsDiff {
    std::vector<doc::RevId> missing;
    std::vector<doc::RevId> possible_ancestors; // leaves of a lower generation than a missing one
};

class Database {
  public:
    ~Database();

    // ---- what it shows
    // A handle of the same database that shows only what `visibility` does: every read below leaves the other
    // documents out, as if they were not there, and counts only what is shown; where that would take too
    // long, it is said. Writes are judged by WriteValidator, as those of any handle. REQUIRES: this one shows
    // everything.
    [[nodiscard]] static std::shared_ptr<Database> shown_by(const std::shared_ptr<Database> &database,
                                                            std::shared_ptr<const Visibility> visibility);
    // Null: it shows everything.
    [[nodiscard]] const Visibility *visibility() const { return visibility_.get(); }
    // Whether there may be documents that it does not show, and whether fields.
    [[nodiscard]] bool hides_documents() const;
    [[nodiscard]] bool hides_fields() const;

    // ---- facts
    [[nodiscard]] const std::string &name() const;
    [[nodiscard]] const std::string &uuid() const;
    [[nodiscard]] const std::string &instance_start_time() const;
    [[nodiscard]] bool partitioned() const;
    Result<DatabaseInfo> info();
    // Of one partition, exact and O(1). Errors: illegal_partition; bad_request if the database is not
    // partitioned.
    Result<PartitionInfo> partition_info(std::string_view partition);
    // Whether a document may be written under `id`: check_document_id(), and in a partitioned database
    // check_partitioned_id().
    [[nodiscard]] Result<void> check_id(std::string_view id) const;
    // Whether a document may be asked for under `id`: check_names_partition() in a partitioned database.
    [[nodiscard]] Result<void> check_known_id(std::string_view id) const;
    // Changes with every commit of this process that changes a `_design/` document, before the commit is
    // acknowledged; never the same for two databases. What was read of design documents after asking for it
    // is valid as long as it stays. Costs nothing.
    [[nodiscard]] std::uint64_t design_version() const;
    // Whether there are design documents that are not deleted. Costs nothing.
    [[nodiscard]] bool has_design_documents() const;

    // ---- documents
    // In a partitioned database head(), head_cached(), revs_diff() and purge() answer illegal_docid for an id
    // that names no partition; heads() finds nothing there.
    Result<std::optional<Head>> head(std::string_view id);
    // As head() if that needs no I/O: false = call head(). For network threads.
    bool head_cached(std::string_view id, Result<std::optional<Head>> &head);
    Result<std::vector<std::optional<Head>>> heads(std::span<const std::string> ids, HeadParts parts = {});
    Result<HeadPage> scan_heads(const HeadRange &range);
    // Visits the documents of a range that are not deleted, one page of the engine after the other until a
    // limit is reached or the visitor says so. Calls: one for a page, and for those documents of it that do
    // not lie in their heads one for all bodies and one for all trees, as long as they fit into
    // page_bytes_max; another one if a body is larger than a row.
    Result<DocumentScanEnd> scan_documents(const DocumentScan &scan, const DocumentVisitor &visit);
    // Does several things with this database at once: run_beside() with the store's pool.
    void run_beside(std::size_t count, const std::function<void(std::size_t)> &work);
    // The texts of documents, in that order; nullopt for those that are deleted or missing. Ends behind the
    // text that goes beyond `bytes_max`: then there are fewer texts than ids, but one at least. Calls: as a
    // page of scan_documents(), for 1,000 ids each.
    Result<std::vector<std::optional<std::string>>>
    texts(std::span<const std::string> ids, TextOptions options = {}, std::size_t bytes_max = kPageBytesMax);
    // How many documents that are not deleted have ids before `id` (in reverse: behind it, exclusive too);
    // nullopt if more than `count_max` rows would have to be counted.
    Result<std::optional<std::uint64_t>> count_before(std::string_view id, bool reverse,
                                                      std::uint64_t count_max);
    // The whole revision tree; without I/O when the head is all there is, or it was fetched.
    Result<doc::RevTree> tree(const Head &head);
    // The body of a revision; nullopt if it is not stored (never was, or compaction took it).
    Result<std::optional<Body>> body(const Head &head, const doc::RevId &rev, const doc::RevInfo &info);
    // The winner's.
    Result<std::optional<Body>> body(const Head &head) {
        return body(head, head.rev, head.recent.front().info);
    }
    // Calls `done` once, on a pool thread, with an answer for each edit in order: written, or
    // conflict, storage_failed, insufficient_storage, ... A missing_stub fails all edits of its commit
    // group: those of the write, or of one part of a large one. Never blocks; when the commit queue is full
    // every answer is service_unavailable.
    // Edits by somebody go through WriteValidator::amend() first, on this thread unless it takes long, and
    // are judged if the store has a validator that says so (validated_write.h).
    using WriteDone = UniqueFunction<void(std::vector<Result<Written>>)>;
    void write(std::vector<Edit> edits, WriteContext context, WriteDone done);
    Result<std::map<std::string, RevsDiff>>
    revs_diff(const std::map<std::string, std::vector<doc::RevId>> &asked);

    // ---- counts, each exact and O(1)
    struct Counts {
        std::uint64_t documents; // not deleted, with design documents
        std::uint64_t deleted;
        std::uint64_t design_documents;
    };
    Result<Counts> counts();

    // ---- changes
    // Rows behind `since`, ascending; `reverse`: from the newest down (since is ignored; `before` bounds it).
    struct ChangesRange {
        kv::Sequence since;
        std::optional<kv::Sequence> before; // reverse only: rows below this one
        bool reverse = false;
        std::size_t rows_max = 1'000;
        // The last sequence as it was read before; nothing = read it now. Where the page ends the feed,
        // ChangesPage::last is this one or that of the newest row.
        std::optional<kv::Sequence> last;
    };
    Result<ChangesPage> changes(const ChangesRange &range);
    // How many rows lie behind `since`. Exact; touches a few hundred rows at most.
    // Of a handle that does not show everything: of the next 1,000 rows those that are shown.
    Result<std::uint64_t> pending(kv::Sequence since);
    Result<kv::Sequence> last_sequence();
    // The same if it is in memory; for network threads.
    [[nodiscard]] std::optional<kv::Sequence> last_sequence_cached() const;
    [[nodiscard]] std::string sequence_token(kv::Sequence sequence);
    // Tokens of this and later sequences differ in their number only, until another process writes.
    [[nodiscard]] kv::Sequence newest_run_begin() const;
    // The sequence that a `since` names: a token, a number, "now". `last`: last_sequence(). Errors: as
    // decode_since().
    Result<kv::Sequence> since(std::string_view token, kv::Sequence last) const;
    // `event` is notified after every commit that changed a document and when the database is
    // deleted, until the event is released.
    void listen(const std::shared_ptr<Event> &event);
    [[nodiscard]] bool deleted() const;

    // ---- attachments
    Result<std::unique_ptr<AttachmentUpload>> upload();
    std::unique_ptr<AttachmentReader> open_attachment(const StoredData &data, std::uint64_t first_byte = 0);

    // ---- local documents; ids with "_local/"
    Result<std::optional<LocalDocument>> local(std::string_view id);
    // Writes without optimistic locking, as CouchDB 3.5 does. Errors: illegal_docid. Returns the new rev,
    // "0-(N+1)" for a given "0-N"; `keep_rev` (new_edits=false) stores the given one.
    Result<std::string> write_local(std::string id, std::string json, const std::optional<std::string> &rev,
                                    bool keep_rev);
    // false if there was none.
    Result<bool> erase_local(std::string_view id);
    struct LocalPage {
        std::vector<LocalDocument> documents;
        bool more = false;
    };
    Result<LocalPage> scan_local(std::string begin, std::optional<std::string> end, bool reverse,
                                 std::size_t rows_max);

    // ---- purge
    // For each document the revisions that were leaves and are gone now.
    Result<std::map<std::string, std::vector<doc::RevId>>>
    purge(const std::map<std::string, std::vector<doc::RevId>> &asked);
    Result<std::vector<PurgeInfo>> purge_infos();
    // The purges behind `purge_seq`, oldest first, at most rows_max. `whole` is false if some of them are not
    // kept any more.
    struct PurgesPage {
        std::vector<PurgeInfo> purges;
        bool whole = true;
    };
    Result<PurgesPage> purges_since(std::uint64_t purge_seq, std::size_t rows_max);
    [[nodiscard]] std::uint64_t purge_seq() const;
    Result<std::uint64_t> purged_infos_limit();
    Result<void> set_purged_infos_limit(std::uint64_t limit);

    // ---- settings of the database
    Result<std::uint64_t> revs_limit();
    Result<void> set_revs_limit(std::uint64_t limit);
    // The text of the security object; cached, cheap.
    Result<std::string> security();
    Result<void> set_security(std::string json);
    // Text of the `_auto_purge` object, "{}" if never set.
    Result<std::string> auto_purge();
    Result<void> set_auto_purge(std::string json);

    // ---- derived data
    // Where indexes keep their rows (kv::Table::index only): they go when the database goes. Writers look at
    // deleted() after each write, as rows that come behind the eraser stay.
    struct DerivedRows {
        kv::Engine &engine;
        kv::ShardId shard;
    };
    [[nodiscard]] DerivedRows derived_rows();

    // ---- compaction
    // Begins in the background unless it runs already.
    Result<void> start_compaction();

    // The insides (database_state.h); for the files of this module only.
    struct State;
    explicit Database(std::shared_ptr<State> state);
    [[nodiscard]] State &state() { return *state_; }
    // More than one: work on it is under way.
    [[nodiscard]] long state_use_count() const { return state_.use_count(); }

  private:
    friend std::shared_ptr<Database> whole(const std::shared_ptr<Database> &database);
    // shown.cc: what this handle shows; all of it without a visibility.
    // Whether it is shown; then its body is as it is shown.
    Result<bool> shows(Head &head);
    Result<bool> judges(Head &head);
    Result<bool> judges_elsewhere(Head &head);
    // What was decided of this state of the document.
    [[nodiscard]] std::optional<bool> verdict(const Head &head) const;
    void put_shown_text(std::string_view id, bool deleted, Body &body) const;
    // Without those that are not shown. The heads of live documents have their bodies.
    Result<void> drop_hidden(std::vector<std::optional<Head>> &heads);
    Result<void> drop_hidden(std::vector<Head> &heads);
    Result<void> drop_hidden(std::vector<Change> &changes);
    Result<void> drop_hidden(const Head &head, doc::RevTree &tree);
    [[nodiscard]] HeadParts parts_to_judge(HeadParts parts) const;
    Result<Counts> shown_counts();
    Result<Counts> count_shown(const std::string &begin, const std::optional<std::string> &end);
    Result<doc::RevTree> stored_whole_tree(const Head &head);
    Result<std::optional<Body>> stored_body(const Head &head, const doc::RevId &rev,
                                            const doc::RevInfo &info);
    Result<void> check_shows_all(std::string_view what) const;

    Result<void> fetch(std::span<Head *const> heads, HeadParts parts);
    void write_amended(std::vector<Edit> edits, WriteContext context, WriteDone done);
    void write_admitted(std::vector<Edit> edits, WriteContext context, WriteDone done);

    std::shared_ptr<State> state_;
    std::shared_ptr<Database> whole_; // with visibility_
    std::shared_ptr<const Visibility> visibility_;
};

} // namespace divan::db
