#include "api/listing.h"

#include "api/parameters.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

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
    // The words of `stale`, `update` and the like.
    [[nodiscard]] std::string as_text() const {
        if (json == nullptr)
            return std::string(text);
        return json->is_string() ? json->string() : json::to_text(*json);
    }
    [[nodiscard]] Result<bool> boolean() const {
        if (json == nullptr || json->is_string() || json->is_boolean())
            return parse_view_boolean(name, as_text());
        return Error(ErrorCode::query_parse_error, "Invalid boolean parameter: " + json::to_text(*json));
    }
    [[nodiscard]] Result<std::uint64_t> count() const {
        if (json == nullptr)
            return parse_count(name, text);
        auto number = json->as_int64();
        if (!number)
            return Error(ErrorCode::query_parse_error, "Invalid value for integer: " + json::to_text(*json));
        if (*number < 0)
            return Error(ErrorCode::query_parse_error,
                         "Invalid value for positive integer: " + json::to_text(*json));
        return static_cast<std::uint64_t>(*number);
    }
    // Errors: query_parse_error unless the value is one of `words`.
    [[nodiscard]] Result<void> one_of(std::initializer_list<std::string_view> words) const {
        if (std::find(words.begin(), words.end(), as_text()) != words.end())
            return {};
        return Error(ErrorCode::query_parse_error, fmt::format("Invalid value for `{}`.", name));
    }
};

// What is asked of views and refused when everything else has been read.
struct ViewOnly {
    bool reduce = false;
    bool group = false;
};

Result<void> apply(const Parameter &parameter, ListingOptions &options, ViewOnly &view_only) {
    auto name = parameter.name;
    auto set = [&](bool &flag) -> Result<void> {
        DIVAN_TRY(flag, parameter.boolean());
        return {};
    };
    auto set_bound = [&](std::optional<KeyBound> &bound) -> Result<void> {
        DIVAN_TRY(auto key, parameter.key());
        bound = to_bound(key);
        return {};
    };
    if (name == "key") {
        DIVAN_TRY_VOID(set_bound(options.start));
        options.end = options.start;
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
    if (name == "startkey" || name == "start_key")
        return set_bound(options.start);
    if (name == "endkey" || name == "end_key")
        return set_bound(options.end);
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
    if (name == "conflicts")
        return set(options.document.conflicts);
    if (name == "attachments")
        return set(options.document.attachments);
    if (name == "att_encoding_info")
        return set(options.document.encoding_info);
    if (name == "partition") {
        options.partition = parameter.as_text();
        return {};
    }
    if (name == "reduce")
        return set(view_only.reduce);
    if (name == "group")
        return set(view_only.group);
    if (name == "group_level") {
        DIVAN_TRY(auto level, parameter.count());
        view_only.group |= level > 0;
        return {};
    }
    // What follows changes nothing here: the listing is always exact and up to date.
    if (name == "sorted")
        return parameter.boolean().ok() ? Result<void>() : Result<void>(parameter.boolean().error());
    if (name == "stale")
        return parameter.one_of({"ok", "update_after"});
    if (name == "stable")
        return parameter.one_of({"true", "false"});
    if (name == "update")
        return parameter.one_of({"true", "false", "lazy"});
    return {};
}

// One key in both forms is the same wish twice.
bool keys_contradict(const ListingOptions &options) {
    if (!options.keys || options.keys->empty() || (!options.start && !options.end))
        return false;
    return options.keys->size() > 1 || options.start != to_bound(options.keys->front()) ||
           options.end != options.start;
}

} // namespace

Result<ListingOptions> read_listing_options(const net::Query &query, const json::Object *body,
                                            Precedence precedence) {
    ListingOptions options;
    ViewOnly view_only;
    auto read_query = [&]() -> Result<void> {
        for (const auto &[name, value] : query) {
            DIVAN_TRY_VOID(apply({name, nullptr, value}, options, view_only));
        }
        return {};
    };
    if (precedence == Precedence::body) {
        DIVAN_TRY_VOID(read_query());
    }
    if (body != nullptr) {
        for (const auto &member : *body) {
            DIVAN_TRY_VOID(apply({member.key, &member.value, {}}, options, view_only));
        }
    }
    if (precedence == Precedence::query) {
        DIVAN_TRY_VOID(read_query());
    }
    if (view_only.reduce)
        return Error(ErrorCode::query_parse_error, "Reduce is invalid for map-only views.");
    if (keys_contradict(options))
        return Error(ErrorCode::query_parse_error,
                     "`keys` is incompatible with `key`, `start_key` and `end_key`");
    if (view_only.group)
        return Error(ErrorCode::query_parse_error, "Invalid use of grouping on a map view.");
    if (options.keys && options.descending)
        std::reverse(options.keys->begin(), options.keys->end());
    return options;
}

} // namespace divan::api
