#pragma once

// Listings of documents by id: `_all_docs`, `_design_docs`, `_local_docs`, and their `/queries`.

#include "api/row_reader.h"
#include "api/view_options.h"
#include "wire/document_json.h"

namespace divan::api {

enum class ListingKind : std::uint8_t { all_docs, design_docs, local_docs };

// A bound as CouchDB compares it with ids: other JSON values sort before or behind all strings.
struct KeyBound {
    enum class Side : std::uint8_t { before_all, at };
    Side side = Side::at;
    std::string id;
    friend bool operator==(const KeyBound &, const KeyBound &) = default;
};

struct ListingOptions {
    std::optional<KeyBound> start;
    std::optional<KeyBound> end;
    bool inclusive_end = true;
    bool descending = false;
    std::uint64_t skip = 0;
    std::optional<std::uint64_t> limit;
    bool include_docs = false;
    bool update_seq = false;
    wire::DocumentOptions document;
    std::optional<std::string> partition;
    std::optional<std::vector<json::Value>> keys;
};

// Reads parameters of the query and the members of `body` if it is given. A partition bounds the range, but
// not `keys`. Errors: query_parse_error with CouchDB's texts.
[[nodiscard]] Result<ListingOptions> read_listing_options(const net::Query &query, const json::Object *body,
                                                          Precedence precedence);

// The rows of a listing of the call's database; what is read above. Errors: query_parse_error as above, if
// the database is not partitioned but a partition is asked for, if more rows are than the configuration
// allows.
[[nodiscard]] Result<RowQuery> listing_query(const Call &call, ListingKind kind, const json::Object *body,
                                             Precedence precedence);

} // namespace divan::api
