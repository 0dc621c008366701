#pragma once

// A database at one end of a replication, local or remote, as sessions use it. Every call is retried inside
// as far as that helps (retries_per_request); what it answers in the end counts.
//
// Used on the replication loop only.

#include "base/event_loop.h"
#include "replication/replicate.h"
#include "wire/document_input.h"
#include "wire/related_reader.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::replication {

struct PeerInfo {
    std::string update_seq;          // JSON text
    std::string instance_start_time; // "0": it does not say
};

struct ChangedDocument {
    std::string id;
    std::vector<doc::RevId> revs; // leaves; with winning_revs_only the winner
    bool deleted = false;         // the winner is
};

struct ChangesQuery {
    std::string since; // JSON text of a sequence, as the peer gave it
    std::size_t rows_max = 500;
    bool wait = false; // until there is a row, or some minutes
};

struct ChangesPage {
    std::vector<ChangedDocument> changes;
    std::string last;                     // where to go on
    std::optional<std::uint64_t> pending; // rows behind it, if the peer tells
    bool end = false;                     // there was nothing behind it
};

// What the target lacks of a document.
struct MissingDocument {
    std::string id;
    std::vector<doc::RevId> revs;
    std::vector<doc::RevId> possible_ancestors; // which it has
};

// A revision on its way: with its path, its body, and its attachments as stubs or data.
using Document = wire::DocumentInput;

using wire::AttachmentStream;

// Takes documents as they are read. `data` is null if nothing follows.
class DocumentReceiver {
  public:
    virtual ~DocumentReceiver() = default;
    // An error ends the reading with that error.
    virtual Task<Result<void>> receive(Document document, AttachmentStream *data) = 0;
};

// Why a target did not take a document, for good: it is counted and not tried again.
struct Refusal {
    std::string id;
    std::string rev;
    Error error;
};

class Peer {
  public:
    virtual ~Peer() = default;
    [[nodiscard]] virtual const Endpoint &endpoint() const = 0;

    // Errors: not_found with CouchDB's `db_not_found`; unauthorized, forbidden.
    virtual Task<Result<PeerInfo>> info() = 0;
    // PUT of the database, as the replication asks for it; one that is there already is fine.
    virtual Task<Result<void>> create() = 0;
    // A `_local` document or a design document; nullopt: there is none.
    virtual Task<Result<std::optional<json::Object>>> read_document(std::string id) = 0;
    // Errors: conflict; forbidden if the peer may only be read.
    virtual Task<Result<std::string>> write_local(std::string id, json::Object document) = 0;

    // ---- of a source
    virtual Task<Result<ChangesPage>> changes(ChangesQuery query) = 0;
    // Gives each revision that is there to `receiver`, in any order, some at once.
    virtual Task<Result<void>> read(std::vector<MissingDocument> wanted, DocumentReceiver &receiver) = 0;

    // ---- of a target
    virtual Task<Result<std::vector<MissingDocument>>>
    revs_diff(const std::vector<ChangedDocument> &changes) = 0;
    // Documents without data; those that were refused come back.
    virtual Task<Result<std::vector<Refusal>>> write(std::vector<Document> documents) = 0;
    // One document, whose data follow. Errors: missing_stub: it names attachments that the target has not.
    virtual Task<Result<std::optional<Refusal>>> write_with_data(Document document,
                                                                 AttachmentStream &data) = 0;
    // What was written is durable then; returns instance_start_time.
    virtual Task<Result<std::string>> ensure_full_commit() = 0;
};

class ByteBudget;

// What a peer belongs to; all of it outlives the peer. One for both ends of a replication.
struct PeerContext {
    PeerContext(Context &context, const Replication &replication, Progress &progress,
                Cancellation &cancellation);

    Context &context;
    const Replication &replication;
    Progress &progress;
    Cancellation &cancellation;
    std::shared_ptr<ByteBudget> budget; // of the job: kilobytes_per_second_max, shared by copies

    // What is counted for the job and for the node.
    void count_checked(const std::vector<ChangedDocument> &changes) const;
    void count_missing(const std::vector<MissingDocument> &missing) const;
    void count_read() const;
    void count_in(std::uint64_t bytes) const;
    void count_out(std::uint64_t bytes) const;
};

// Who must do something about a failure that showed at one end (`side`: source or target).
[[nodiscard]] Cause cause_of(const Error &error, const Replication &replication, Cause side);

[[nodiscard]] std::unique_ptr<Peer> make_remote_peer(PeerContext context, const Endpoint &endpoint);
// Errors: as access::Gate::open; not_found with CouchDB's words `db_not_found`.
Task<Result<std::unique_ptr<Peer>>> open_local_peer(PeerContext context, const Endpoint &endpoint,
                                                    Cause side);

} // namespace divan::replication
