#pragma once

// What is to be replicated: the body of `_replicate` and the documents of `_replicator` databases, read.
// Plain data; no I/O.

#include "access/principal.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/http_client.h"
#include "selector/limits.h"
#include "json/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace divan::config {
class Config;
}

namespace divan::replication {

// A database at either end.
struct Endpoint {
    std::string database;         // of this server; empty: remote
    net::Destination destination; // of a remote one, with its proxy
    std::string path;             // "/prefix/db", encoded, without a slash at its end
    net::Headers headers;         // that every request carries
    std::string user;             // decoded; empty: none
    std::string password;
    std::string bearer; // a token instead of them
    // Asks for a cookie with _session once; else the password goes with each request, which is quicker where
    // few requests follow.
    bool use_session = true;

    [[nodiscard]] bool local() const { return !database.empty(); }
    // For people and answers, without credentials: the name of a local database, or "http://host:port/db/".
    [[nodiscard]] std::string shown() const;
    // Of `shown()`, with "http://" and not to this machine: what is sent can be read on the way.
    [[nodiscard]] bool clear_text() const;
};

struct Filter {
    enum class Kind : std::uint8_t { none, doc_ids, selector, function, view };
    Kind kind = Kind::none;
    std::vector<std::string> doc_ids; // sorted, each once
    std::string selector;             // JSON text
    std::string name;                 // "ddoc/filter"; of a view: "_view"
    json::Object query_params;        // of functions and views; a view's name is its `view`
};

// How a job is worked on; of each the member of the document or else the setting of [replicator].
struct Tuning {
    std::size_t worker_processes = 4;
    std::size_t worker_batch_size = 500; // documents
    std::size_t http_connections = 20;   // to each remote end
    Millis connection_timeout{30'000};
    std::uint64_t retries_per_request = 5;
    bool use_checkpoints = true;
    bool use_bulk_get = true;
    Millis checkpoint_interval{30'000};
    std::uint64_t checkpoint_documents = 0;     // a checkpoint also after so many documents; 0 = only by time
    std::uint64_t kilobytes_per_second_max = 0; // over the wire, both directions together; 0 = no limit
};

struct Replication {
    Endpoint source;
    Endpoint target;
    bool continuous = false;
    bool create_target = false;
    std::optional<std::uint64_t> create_q;
    std::optional<std::uint64_t> create_n;
    bool create_partitioned = false;
    bool winning_revs_only = false;
    std::optional<json::Value> since_seq; // of the source, opaque
    Filter filter;
    Tuning tuning;
    access::Principal principal; // with whose rights local databases are opened
    // Its roles are those that its user has when a session begins; else as they were given.
    bool with_rights_of_owner = false;
    // Of a `_replicator` database; empty: `_replicate`.
    std::string document_database;
    std::string document_id;
};

// Reads an object of `_replicate` (`principal`: who asks) or a document. Members that are not known are
// passed over, as in CouchDB. Errors: bad_request with CouchDB's texts; its word is "invalid_replication" for
// what is wrong with an end.
[[nodiscard]] Result<Replication> read_replication(const json::Object &object, const config::Config &config,
                                                   const access::Principal &principal);

// What an operator should know of its ends: that they are not encrypted, or that their certificates are not
// verified. For the log and the info of its job; without credentials.
[[nodiscard]] std::vector<std::string> warnings(const Replication &replication);

// What `cancel: true` names: a replication id, or nothing = that of the same body.
struct Cancel {
    std::optional<std::string> replication_id; // "HEX+continuous"
};
// nullopt: it does not cancel. Errors: bad_request.
[[nodiscard]] Result<std::optional<Cancel>> read_cancel(const json::Object &object);

// The id of a replication: "HEX" for checkpoints, with "+continuous" and "+create_target" for jobs.
struct ReplicationId {
    std::string base;
    std::string options;
    [[nodiscard]] std::string text() const { return base + options; }
    friend auto operator<=>(const ReplicationId &, const ReplicationId &) = default;
};

// Equal for replications that do the same: passwords, schemes and default ports do not count, the text of a
// filter function does. `filter_source`: that text, of functions only.
[[nodiscard]] ReplicationId replication_id(const Replication &replication, std::string_view server_uuid,
                                           std::string_view filter_source);

} // namespace divan::replication
