#include "api/listing.h"

#include "api/view_options.h"
#include "db/partition.h"

#include <algorithm>

namespace divan::api {
namespace {

std::optional<KeyBound> to_bound(const std::optional<json::Value> &value) {
    if (!value)
        return std::nullopt;
    if (value->is_string())
        return KeyBound{KeyBound::Side::at, value->string()};
    return KeyBound{KeyBound::Side::before_all, {}}; // as Erlang's terms compare
}

// As CouchDB bounds a range: the higher of two starts, the lower of two ends. No document has the id of the
// end.
void bound_by_partition(ListingOptions &options, const std::string &partition) {
    auto ids = db::ids_of_partition(partition);
    auto &low = options.descending ? options.end : options.start;
    auto &high = options.descending ? options.start : options.end;
    if (!low || low->side == KeyBound::Side::before_all || low->id < ids.begin)
        low = KeyBound{KeyBound::Side::at, ids.begin};
    if (!high || (high->side == KeyBound::Side::at && high->id > ids.end))
        high = KeyBound{KeyBound::Side::at, ids.end};
}

} // namespace

Result<ListingOptions> read_listing_options(const net::Query &query, const json::Object *body,
                                            Precedence precedence) {
    DIVAN_TRY(auto view, read_view_options(query, body, {.precedence = precedence}));
    if (view.keys && !view.keys->is_array())
        return Error(ErrorCode::bad_request, body != nullptr && body->contains("keys")
                                                 ? "`keys` body member must be an array."
                                                 : "`keys` parameter must be an array.");
    DIVAN_TRY_VOID(check_view_options(view, ViewType::map));
    ListingOptions options;
    options.start = to_bound(view.start_key);
    options.end = to_bound(view.end_key);
    options.inclusive_end = view.inclusive_end;
    options.descending = view.descending;
    options.skip = view.skip;
    options.limit = view.limit;
    options.include_docs = view.include_docs;
    options.update_seq = view.update_seq;
    options.document = view.document;
    if (view.partition)
        bound_by_partition(options, *view.partition);
    options.partition = std::move(view.partition);
    if (view.keys)
        options.keys = std::move(view.keys->array());
    if (options.keys && options.descending)
        std::reverse(options.keys->begin(), options.keys->end());
    return options;
}

} // namespace divan::api
