#pragma once

// Query parameters of views and of listings of documents: one list of names, one way to read them. Rules:
// couch_mrview_http:parse_param and couch_mrview_util:validate_args.
//
// Threads: values; any.

#include "api/call.h"
#include "wire/document_json.h"

#include "views/view.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::api {

// Which of two values for one parameter counts: the URL's in a POST, that of the query in `/queries`.
enum class Precedence : std::uint8_t { query, body };

// Whether an answer waits for the index.
enum class UpdateMode : std::uint8_t { wait, none, later };

struct ViewOptions {
    std::optional<json::Value> start_key;
    std::optional<json::Value> end_key;
    std::optional<std::string> start_id; // startkey_docid
    std::optional<std::string> end_id;
    std::optional<json::Value> keys; // a list, when check_view_options() has seen it
    bool inclusive_end = true;
    bool descending = false;
    std::uint64_t skip = 0;
    std::optional<std::uint64_t> limit;
    std::optional<bool> reduce;
    std::optional<bool> group;
    std::optional<std::uint64_t> group_level;
    bool include_docs = false;
    bool conflicts_given = false;
    bool update_seq = false;
    UpdateMode update = UpdateMode::wait;
    wire::DocumentOptions document;
    std::optional<std::string> partition;

    // Bounds as the engine of views takes them.
    [[nodiscard]] views::KeyRange range() const;
    // Of one of `keys`.
    [[nodiscard]] views::KeyRange range_of(const json::Value &key) const;
    // Only with check_view_options().
    [[nodiscard]] views::Grouping grouping() const;
};

struct ReadViewOptions {
    Precedence precedence = Precedence::query;
    // A list of one key is that key: of views. Then `keys` of the URL are not the default of `/queries`.
    bool one_key_is_key = false;
};

// The body of a POST: a JSON object. Errors: bad_content_type, bad_request.
Task<Result<json::Value>> read_object(Call &call);
// The objects of `queries`. Errors: bad_request with CouchDB's texts.
[[nodiscard]] Result<std::vector<const json::Object *>> read_queries(const json::Object &body);

// Reads parameters of the query and the members of `body` if it is given; unknown ones are ignored.
// Errors: query_parse_error, and bad_request for what is no JSON, with CouchDB's texts.
[[nodiscard]] Result<ViewOptions> read_view_options(const net::Query &query, const json::Object *body,
                                                    ReadViewOptions how);

// Holds a limit to [query_server_config] query_limit, or of one partition partition_query_limit. Errors:
// query_parse_error.
[[nodiscard]] Result<void> apply_query_limit(const config::Config &config, bool partitioned,
                                             std::optional<std::uint64_t> &limit);

// What is left to be checked when it is known what is asked. Errors: query_parse_error with CouchDB's texts.
enum class ViewType : std::uint8_t { map, reduce };
[[nodiscard]] Result<void> check_view_options(const ViewOptions &options, ViewType type);

} // namespace divan::api
