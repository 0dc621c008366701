#pragma once

// Listings of documents by id: `_all_docs`, `_design_docs`, `_local_docs`, and their `/queries`.

#include "api/call.h"
#include "api/document_json.h"

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
    DocumentOptions document;
    std::optional<std::string> partition;
    std::optional<std::vector<json::Value>> keys;
};

// Which of two values for one parameter counts: the URL's in a POST, that of the query in `/queries`.
enum class Precedence : std::uint8_t { query, body };

// Reads parameters of the query and the members of `body` if it is given.
// Errors: query_parse_error with CouchDB's texts.
[[nodiscard]] Result<ListingOptions> read_listing_options(const net::Query &query, const json::Object *body,
                                                          Precedence precedence);

// Writes one listing as a JSON object into the started response. `begin` is written before it.
Task<Result<void>> write_listing(Call &call, ListingKind kind, ListingOptions options, std::string begin);

} // namespace divan::api
