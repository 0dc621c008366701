#include "api/listing.h"

#include "api/parameters.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

Result<json::Value> parse_key(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok())
        return Error(ErrorCode::bad_request, "invalid UTF-8 JSON");
    return value;
}

KeyBound to_bound(const json::Value &value) {
    if (value.is_string())
        return {KeyBound::Side::at, value.string()};
    return {KeyBound::Side::before_all, {}}; // as Erlang's terms compare
}

// One parameter, whether it came in the URL or in a body.
struct Parameter {
    std::string_view name;
    const json::Value *json = nullptr; // of a body
    std::string_view text;             // of the URL

    [[nodiscard]] Result<json::Value> key() const {
        return json != nullptr ? Result<json::Value>(*json) : parse_key(text);
    }

    [[nodiscard]] std::string as_text() const {
        if (json == nullptr)
            return std::string(text);
        return json->is_string() ? json->string() : json::to_text(*json);
    }
    [[nodiscard]] Result<bool> boolean() const { return parse_view_boolean(name, as_text()); }
    [[nodiscard]] Result<std::uint64_t> count() const { return parse_count(name, as_text()); }
};

Result<void> apply(const Parameter &parameter, ListingOptions &options) {
    auto name = parameter.name;
    auto set = [&](bool &flag) -> Result<void> {
        DIVAN_TRY(flag, parameter.boolean());
        return {};
    };
    if (name == "key") {
        DIVAN_TRY(auto key, parameter.key());
        options.start = options.end = to_bound(key);
        return {};
    }
    if (name == "keys") {
        DIVAN_TRY(auto keys, parameter.key());
        if (!keys.is_array())
            return Error(ErrorCode::bad_request, parameter.json != nullptr
                                                     ? "`keys` body member must be an array."
                                                     : "`keys` parameter must be an array.");
        options.keys = std::move(keys.array());
        return {};
    }
    if (name == "startkey" || name == "start_key") {
        DIVAN_TRY(auto key, parameter.key());
        options.start = to_bound(key);
        return {};
    }
    if (name == "endkey" || name == "end_key") {
        DIVAN_TRY(auto key, parameter.key());
        options.end = to_bound(key);
        return {};
    }
    if (name == "limit") {
        DIVAN_TRY(options.limit, parameter.count());
        return {};
    }
    if (name == "skip") {
        DIVAN_TRY(options.skip, parameter.count());
        return {};
    }
    if (name == "descending")
        return set(options.descending);
    if (name == "inclusive_end")
        return set(options.inclusive_end);
    if (name == "include_docs")
        return set(options.include_docs);
    if (name == "update_seq")
        return set(options.update_seq);
    if (name == "sorted")
        return set(options.sorted);
    if (name == "conflicts")
        return set(options.document.conflicts);
    if (name == "attachments")
        return set(options.document.attachments);
    if (name == "att_encoding_info")
        return set(options.document.encoding_info);
    if (name == "group_level")
        return Error(ErrorCode::query_parse_error, "Invalid use of grouping on a map view.");
    if (name == "reduce" || name == "group") {
        DIVAN_TRY(auto wanted, parameter.boolean());
        if (wanted)
            return Error(ErrorCode::query_parse_error, name == "reduce"
                                                           ? "Reduce is invalid for map-only views."
                                                           : "Invalid use of grouping on a map view.");
    }
    return {};
}

} // namespace

Result<ListingOptions> read_listing_options(const net::Query &query, const json::Object *body) {
    ListingOptions options;
    for (const auto &[name, value] : query) {
        DIVAN_TRY_VOID(apply({name, nullptr, value}, options));
    }
    if (body != nullptr) {
        for (const auto &member : *body) {
            DIVAN_TRY_VOID(apply({member.key, &member.value, {}}, options));
        }
    }
    if (options.keys && (options.start || options.end))
        return Error(ErrorCode::query_parse_error,
                     "`keys` is incompatible with `key`, `start_key` and `end_key`");
    if (options.keys && options.descending)
        std::reverse(options.keys->begin(), options.keys->end());
    return options;
}

} // namespace divan::api
