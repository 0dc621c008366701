#pragma once

// What goes into and comes out of a database. Plain data; no I/O.

#include "base/result.h"
#include "doc/rev_tree.h"
#include "doc/revision.h"
#include "kv/engine.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::db {

// What the row of a document tells without its text.
struct RowFacts {
    kv::Sequence sequence;
    std::uint64_t leaf_count = 1;
    bool deleted = false;
};

// Names the stored bytes of an attachment inside its database: 16 random bytes.
struct AttachmentId {
    std::array<char, 16> bytes{};
    friend auto operator<=>(const AttachmentId &, const AttachmentId &) = default;
};

// How the bytes are stored. gzip: compressed by the server or sent so by the client.
enum class Encoding : std::uint8_t { identity, gzip };

// The stored bytes of an attachment.
struct StoredData {
    AttachmentId id;
    std::uint64_t stored_bytes = 0;  // as stored (encoded)
    std::uint64_t content_bytes = 0; // decoded; equal to stored_bytes for identity
    std::string md5;                 // 16 raw bytes, of the stored bytes, as in CouchDB's digest
    Encoding encoding = Encoding::identity;
    friend bool operator==(const StoredData &, const StoredData &) = default;
};

// An attachment of a revision.
struct Attachment {
    std::string name;
    std::string content_type;
    std::uint64_t revpos = 0; // the generation in which its bytes came
    StoredData data;
    friend bool operator==(const Attachment &, const Attachment &) = default;
};

// What a revision holds: `json` is the canonical text of an object without special members.
struct Body {
    std::string json = "{}";
    std::vector<Attachment> attachments;
    friend bool operator==(const Body &, const Body &) = default;
};

// An attachment as an edit names it.
struct AttachmentEdit {
    std::string name;
    std::string content_type; // of a stub: ignored
    // New bytes from AttachmentUpload; nothing = a stub: keep what the parent revision has.
    std::optional<StoredData> data;
    // Replicated edits and stubs that name it keep it; otherwise the new generation.
    std::optional<std::uint64_t> revpos;
    // Of a replicated stub: StoredData::md5 of what it stands for, if that was told. An older revision of
    // this database may have something else under the name.
    std::string md5;
};

// One write to one document.
struct Edit {
    std::string id;
    // Replicated (new_edits=false): the revision and its history. Nothing = an interactive edit,
    // which gets its revision from `parent` and its content.
    std::optional<doc::RevPath> path;
    std::optional<doc::RevId> parent; // of an interactive edit: `_rev`
    bool deleted = false;
    // Of an interactive edit: not_found ("missing" or "deleted") without a document that is not deleted.
    bool must_exist = false;
    std::string json = "{}"; // as Body::json
    // Of an interactive edit: goes into the digest that becomes its revision, if it is not empty.
    std::string revision_salt;
    std::vector<AttachmentEdit> attachments;
};

// An edit that was accepted. `changed` is false if a replicated revision was there already.
struct Written {
    doc::RevId rev;
    bool changed = true;
};

// The winner and where the rest of a document lies. Cheap: one row.
struct Head {
    std::string id;
    doc::RevId rev; // the winner
    bool deleted = false;
    kv::Sequence sequence;
    std::uint64_t document_number = 0; // the document's rows are kept under it
    std::uint64_t leaf_count = 1;
    // The winner and its newest ancestors, newest first; complete if !has_tree.
    std::vector<doc::Leaf> recent;
    bool has_tree = false;
    // Where the older revisions lie (tree_rows.h).
    std::uint64_t tree_bytes = 0;
    std::uint64_t first_part = 0;
    std::uint64_t part_count = 0;
    std::uint64_t body_bytes = 0; // stored size of the winner's body
    std::optional<Body> body;     // the winner's, when small enough to lie in the row or fetched
    bool is_as_shown = false;     // `body` is what the handle shows that gave the head

    // What was fetched with the head (HeadParts): used by Database::tree() and body() instead of I/O.
    std::shared_ptr<const doc::RevTree> tree;
    std::map<std::uint64_t, Body> leaf_bodies; // by RevInfo::body
};

// Bytes of documents that are read together and, by those who stream them, written together.
inline constexpr std::size_t kPageBytesMax = 4 << 20;

// What to fetch with heads: for all of them together, since each call of the engine may be a round trip.
// Of bodies up to kPageBytesMax are fetched; what lies beyond is read when it is asked for.
struct HeadParts {
    bool bodies = false; // the winners'
    bool trees = false;  // the whole revision trees
    bool leaves = false; // with trees: the bodies of the other leaves
};

// A document in the changes feed: once, at its newest sequence.
struct Change {
    kv::Sequence sequence;
    std::string id;
    bool deleted = false;          // of the winner
    std::vector<doc::Leaf> leaves; // winner first; bodies are not filled in
};

struct ChangesPage {
    std::vector<Change> changes;
    // Go on behind this one. The last sequence of the feed when `more` is false.
    kv::Sequence last;
    bool more = false;
};

// GET /{db}.
struct DatabaseInfo {
    std::string name;
    std::string uuid;                 // 32 hex digits
    std::string instance_start_time;  // microseconds since the epoch, as CouchDB prints it
    std::string update_seq;           // token
    std::uint64_t document_count = 0; // with design documents, without deleted ones
    std::uint64_t deleted_count = 0;
    std::uint64_t purge_seq = 0;
    std::uint64_t file_bytes = 0;     // on disk
    std::uint64_t active_bytes = 0;   // stored for the leaves
    std::uint64_t external_bytes = 0; // as JSON and attachment content
    bool compact_running = false;
    bool partitioned = false;
    std::uint64_t q = 2; // as asked for when it was created; echoed
    std::uint64_t n = 1;
};

// GET /{db}/_partition/{partition}.
struct PartitionInfo {
    std::uint64_t document_count = 0; // without deleted ones
    std::uint64_t deleted_count = 0;
    std::uint64_t active_bytes = 0;   // stored for the leaves
    std::uint64_t external_bytes = 0; // of winners: JSON and attachment content
};

struct DatabaseOptions {
    std::uint64_t q = 2;
    std::uint64_t n = 1;
    bool partitioned = false;
};

} // namespace divan::db
