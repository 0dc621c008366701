#pragma once

// The documents of `_replicator` databases: what they ask for, and what the server notes in them.

#include "replication/replication.h"

namespace divan::replication {

// "_replicator" or "x/_replicator".
[[nodiscard]] bool is_replicator_database(std::string_view name);
// Whether a document of such a database names a replication; others are passed over.
[[nodiscard]] bool is_replication_id(std::string_view document_id);

// Judges a document before it is stored in a `_replicator` database: forbidden with CouchDB's reason if it
// cannot be a replication.
[[nodiscard]] Result<void> check_replicator_document(const json::Object &document,
                                                     const config::Config &config);

// The replication of a stored document, with the rights that it has on databases of this server: those of its
// `user_ctx`, or of its `owner` if that is a server admin; else nobody's. Errors: bad_request.
[[nodiscard]] Result<Replication> read_document(const json::Object &document, const config::Config &config,
                                                std::string database, std::string id);

// `_replication_state`; empty: none.
[[nodiscard]] std::string document_state(const json::Object &document);
[[nodiscard]] inline bool is_terminal(std::string_view state) {
    return state == "completed" || state == "failed";
}
// The document without what the server notes in it, as text: equal for two revisions between which nobody
// asked for anything else.
[[nodiscard]] std::string document_essence(const json::Object &document);

// What to note. CouchDB's members, each as it is given; nothing = the member goes.
struct DocumentNote {
    std::string state; // empty: it goes, and its time with it
    std::optional<std::string> reason;
    std::optional<json::Object> stats;
    // Of documents that are told more ([replicator] update_docs); nothing = it stays.
    std::optional<json::Value> id;
};
// False: nothing changes.
bool apply_note(json::Object &document, const DocumentNote &note, std::chrono::microseconds now);

} // namespace divan::replication
