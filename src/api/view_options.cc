#include "api/view_options.h"

#include "api/parameters.h"
#include "base/encoding.h"
#include "config/config.h"
#include "db/partition.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace divan::api {
namespace {

// Whether a text may have been meant as a string: it begins like no other value of JSON and can be shown.
bool looks_like_word(std::string_view text) {
    constexpr std::size_t kShownBytesMax = 100;
    if (text.empty() || text.size() > kShownBytesMax ||
        std::string_view("\"[{").find(text[0]) != std::string_view::npos)
        return false;
    bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
    return printable && to_utf8(std::string(text)) == text;
}

// Curl's users leave the quotes of strings to their shell.
Result<json::Value> parse_key(std::string_view name, std::string_view text) {
    auto value = json::parse(text);
    if (value.ok())
        return value;
    std::string reason(value.error().reason());
    if (name != "keys" && looks_like_word(text)) {
        if (text.size() > 2 && text.front() == '\'' && text.back() == '\'')
            text = text.substr(1, text.size() - 2);
        reason.append("; did you mean ").append(name).push_back('=');
        json::write_string(reason, text);
        reason.push_back('?');
    }
    return Error(value.error().code(), std::move(reason));
}

// One parameter, whether it came in the URL or in a body.
struct Parameter {
    std::string_view name;
    const json::Value *json = nullptr; // of a body
    std::string_view text;             // of the URL

    [[nodiscard]] Result<json::Value> key() const {
        return json != nullptr ? Result<json::Value>(*json) : parse_key(name, text);
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
    [[nodiscard]] Result<std::string> one_of(std::initializer_list<std::string_view> words) const {
        auto word = as_text();
        if (std::find(words.begin(), words.end(), word) != words.end())
            return word;
        return Error(ErrorCode::query_parse_error, fmt::format("Invalid value for `{}`.", name));
    }
};

class Reader {
  public:
    Reader(ViewOptions &options, bool one_key_is_key) : options_(options), one_key_is_key_(one_key_is_key) {}

    Result<void> apply(const Parameter &parameter) {
        DIVAN_TRY(bool known, apply_keys(parameter));
        if (!known) {
            DIVAN_TRY(known, apply_flags(parameter));
        }
        if (!known) {
            DIVAN_TRY_VOID(apply_rest(parameter));
        }
        return {};
    }

  private:
    // false: the parameter is none of these.
    Result<bool> apply_keys(const Parameter &parameter) {
        auto name = parameter.name;
        if (name == "key") {
            DIVAN_TRY(options_.start_key, parameter.key());
            options_.end_key = options_.start_key;
        } else if (name == "keys") {
            DIVAN_TRY(auto keys, parameter.key());
            if (one_key_is_key_ && keys.is_array() && keys.array().size() == 1)
                options_.start_key = options_.end_key = keys.array().front();
            else
                options_.keys = std::move(keys);
        } else if (name == "startkey" || name == "start_key") {
            DIVAN_TRY(options_.start_key, parameter.key());
        } else if (name == "endkey" || name == "end_key") {
            DIVAN_TRY(options_.end_key, parameter.key());
        } else if (name == "startkey_docid" || name == "start_key_doc_id") {
            options_.start_id = parameter.as_text();
        } else if (name == "endkey_docid" || name == "end_key_doc_id") {
            options_.end_id = parameter.as_text();
        } else {
            return false;
        }
        return true;
    }

    Result<bool> apply_flags(const Parameter &parameter) {
        const std::pair<std::string_view, bool *> flags[] = {
            {"descending", &options_.descending},
            {"inclusive_end", &options_.inclusive_end},
            {"include_docs", &options_.include_docs},
            {"update_seq", &options_.update_seq},
            {"conflicts", &options_.document.conflicts},
            {"attachments", &options_.document.attachments},
            {"att_encoding_info", &options_.document.encoding_info},
        };
        for (auto [name, flag] : flags) {
            if (name != parameter.name)
                continue;
            DIVAN_TRY(*flag, parameter.boolean());
            options_.conflicts_given |= name == "conflicts";
            return true;
        }
        return false;
    }

    Result<void> apply_rest(const Parameter &parameter) {
        auto name = parameter.name;
        if (name == "limit") {
            DIVAN_TRY(options_.limit, parameter.count());
        } else if (name == "skip") {
            DIVAN_TRY(options_.skip, parameter.count());
        } else if (name == "reduce") {
            DIVAN_TRY(options_.reduce, parameter.boolean());
        } else if (name == "group") {
            DIVAN_TRY(options_.group, parameter.boolean());
        } else if (name == "group_level") {
            DIVAN_TRY(options_.group_level, parameter.count());
        } else if (name == "partition") {
            auto partition = parameter.as_text();
            DIVAN_TRY_VOID(db::check_partition_name(partition));
            options_.partition = std::move(partition);
        } else if (name == "stale") {
            DIVAN_TRY(auto word, parameter.one_of({"ok", "update_after"}));
            options_.update = word == "ok" ? UpdateMode::none : UpdateMode::later;
        } else if (name == "update") {
            DIVAN_TRY(auto word, parameter.one_of({"true", "false", "lazy"}));
            options_.update = word == "true"    ? UpdateMode::wait
                              : word == "false" ? UpdateMode::none
                                                : UpdateMode::later;
        } else if (name == "sorted") {
            // What is asked for changes nothing: there is one copy of an index, and its rows come in order.
            DIVAN_TRY([[maybe_unused]] auto sorted, parameter.boolean());
        } else if (name == "stable") {
            DIVAN_TRY([[maybe_unused]] auto stable, parameter.one_of({"true", "false"}));
        }
        return {};
    }

    ViewOptions &options_;
    bool one_key_is_key_;
};

Error refused(const char *reason) {
    return {ErrorCode::query_parse_error, reason};
}

bool keys_contradict(const ViewOptions &options) {
    if (!options.keys || options.keys->array().empty() || (!options.start_key && !options.end_key))
        return false;
    const auto &keys = options.keys->array();
    return keys.size() > 1 || options.start_key != keys.front() || options.end_key != options.start_key;
}

Result<void> check_grouping(const ViewOptions &options, ViewType type) {
    bool grouped = options.grouping().level != 0;
    if (options.group == false && options.group_level.value_or(0) > 0)
        return refused("Can't specify group=false and group_level>0 at the same time");
    if (type == ViewType::map && options.reduce == true)
        return refused("Reduce is invalid for map-only views.");
    if (type == ViewType::reduce && options.keys && options.keys->is_array() &&
        options.grouping().level != views::Grouping::kExact)
        return refused("Multi-key fetches for reduce views must use `group=true`");
    if (options.keys && !options.keys->is_array())
        return refused("`keys` must be an array of strings.");
    if (keys_contradict(options))
        return refused("`keys` is incompatible with `key`, `start_key` and `end_key`");
    if (type == ViewType::map && grouped)
        return refused("Invalid use of grouping on a map view.");
    return {};
}

} // namespace

views::KeyRange ViewOptions::range() const {
    views::KeyRange range;
    range.start = start_key;
    range.end = end_key;
    if (start_key)
        range.start_id = start_id;
    if (end_key)
        range.end_id = end_id;
    range.inclusive_end = inclusive_end;
    range.descending = descending;
    range.partition = partition;
    return range;
}

views::KeyRange ViewOptions::range_of(const json::Value &key) const {
    auto one = range();
    one.start = key;
    one.end = key;
    one.start_id = start_id;
    one.end_id = end_id;
    return one;
}

views::Grouping ViewOptions::grouping() const {
    if (group_level)
        return {*group_level};
    return {group == true ? views::Grouping::kExact : 0};
}

Task<Result<json::Value>> read_object(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (body.ok() && !body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    co_return body;
}

Result<std::vector<const json::Object *>> read_queries(const json::Object &body) {
    const auto *queries = body.find("queries");
    if (queries == nullptr)
        return Error(ErrorCode::bad_request, "POST body must include `queries` parameter.");
    if (!queries->is_array())
        return Error(ErrorCode::bad_request, "`queries` member must be an array.");
    std::vector<const json::Object *> objects;
    for (const auto &query : queries->array()) {
        if (!query.is_object())
            return Error(ErrorCode::bad_request, "A query must be a JSON object.");
        objects.push_back(&query.object());
    }
    return objects;
}

Result<ViewOptions> read_view_options(const net::Query &query, const json::Object *body,
                                      ReadViewOptions how) {
    ViewOptions options;
    Reader reader(options, how.one_key_is_key);
    auto read_query = [&]() -> Result<void> {
        for (const auto &[name, value] : query) {
            DIVAN_TRY_VOID(reader.apply({name, nullptr, value}));
        }
        return {};
    };
    if (how.precedence == Precedence::body) {
        DIVAN_TRY_VOID(read_query());
        if (how.one_key_is_key) {
            options.keys.reset();
            options.group.reset();
            options.group_level.reset();
        }
    }
    if (body != nullptr) {
        for (const auto &member : *body) {
            DIVAN_TRY_VOID(reader.apply({member.key, &member.value, {}}));
        }
    }
    if (how.precedence == Precedence::query) {
        DIVAN_TRY_VOID(read_query());
    }
    return options;
}

Result<void> apply_query_limit(const config::Config &config, bool partitioned,
                               std::optional<std::uint64_t> &limit) {
    auto limit_max =
        config.integer("query_server_config", partitioned ? "partition_query_limit" : "query_limit");
    if (limit_max == std::numeric_limits<std::int64_t>::max())
        return {};
    if (limit && *limit > static_cast<std::uint64_t>(limit_max))
        return Error(ErrorCode::query_parse_error,
                     fmt::format("Limit is too large, must not exceed {}", limit_max));
    if (!limit)
        limit = static_cast<std::uint64_t>(limit_max);
    return {};
}

Result<void> check_view_options(const ViewOptions &options, ViewType type) {
    DIVAN_TRY_VOID(check_grouping(options, type));
    if (type == ViewType::reduce && options.include_docs)
        return refused("`include_docs` is invalid for reduce");
    if (type == ViewType::reduce && options.conflicts_given)
        return refused("`conflicts` is invalid for reduce views.");
    return {};
}

} // namespace divan::api
