#include "replication/replication.h"

#include "base/encoding.h"
#include "config/config.h"
#include "replication/endpoint.h"
#include "selector/selector.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::replication {
namespace {

Error bad(std::string reason) {
    return Error(ErrorCode::bad_request, std::move(reason));
}

const json::Value *find(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

// As CouchDB checks it: null is no boolean either.
Result<bool> read_boolean(const json::Object &object, std::string_view name, bool otherwise) {
    const auto *value = object.find(name);
    if (value != nullptr && !value->is_boolean())
        return bad(fmt::format("parameter `{}` must be a boolean", name));
    return value == nullptr ? otherwise : value->boolean();
}

// A number, or one in a string, within the bounds of the setting of this name; else the setting.
Result<std::int64_t> read_number(const json::Object &object, std::string_view name,
                                 const config::Config &config, std::string_view setting_name) {
    const auto *value = find(object, name);
    if (value == nullptr)
        return config.integer("replicator", setting_name);
    const auto &setting = *config::find_setting("replicator", setting_name);
    auto number = value->as_int64();
    if (value->is_string()) {
        const auto &text = value->string();
        std::int64_t parsed = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc() && end == text.data() + text.size())
            number = parsed;
    }
    // CouchDB takes a document with no workers, and nothing comes of it: here one works.
    if (name == "worker_processes" && number == 0)
        number = 1;
    if (!number || *number < setting.min || *number > setting.max)
        return bad(fmt::format("parameter `{}` must be a whole number from {} to {}", name, setting.min,
                               setting.max));
    return *number;
}

Result<Tuning> read_tuning(const json::Object &object, const config::Config &config) {
    Tuning tuning;
    auto number = [&](std::string_view name, std::string_view setting) {
        return read_number(object, name, config, setting);
    };
    DIVAN_TRY(auto processes, number("worker_processes", "worker_processes"));
    DIVAN_TRY(auto batch, number("worker_batch_size", "worker_batch_size"));
    DIVAN_TRY(auto connections, number("http_connections", "http_connections"));
    DIVAN_TRY(auto timeout, number("connection_timeout", "connection_timeout"));
    DIVAN_TRY(auto retries, number("retries_per_request", "retries_per_request"));
    DIVAN_TRY(auto interval, number("checkpoint_interval", "checkpoint_interval"));
    DIVAN_TRY(auto documents, number("checkpoint_documents", "checkpoint_documents"));
    DIVAN_TRY(auto kilobytes, number("kilobytes_per_second", "kilobytes_per_second"));
    tuning.worker_processes = static_cast<std::size_t>(processes);
    tuning.worker_batch_size = static_cast<std::size_t>(batch);
    tuning.http_connections = static_cast<std::size_t>(connections);
    tuning.connection_timeout = Millis(timeout);
    tuning.retries_per_request = static_cast<std::uint64_t>(retries);
    tuning.checkpoint_interval = Millis(interval);
    tuning.checkpoint_documents = static_cast<std::uint64_t>(documents);
    tuning.kilobytes_per_second_max = static_cast<std::uint64_t>(kilobytes);
    DIVAN_TRY(tuning.use_checkpoints,
              read_boolean(object, "use_checkpoints", config.boolean("replicator", "use_checkpoints")));
    DIVAN_TRY(tuning.use_bulk_get,
              read_boolean(object, "use_bulk_get", config.boolean("replicator", "use_bulk_get")));
    return tuning;
}

// Ids were percent-encoded once, and still may be. Unlike in CouchDB a '+' is a '+'.
Result<std::vector<std::string>> read_doc_ids(const json::Value &value) {
    if (!value.is_array())
        return bad("parameter `doc_ids` must be an array");
    std::vector<std::string> ids;
    for (const auto &id : value.array()) {
        if (!id.is_string())
            return bad("parameter `doc_ids` must be an array of strings");
        ids.push_back(percent_decode(id.string(), false).value_or(id.string()));
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

Result<void> read_function(const json::Object &object, const json::Value &value, Filter &filter) {
    if (!value.is_string())
        return bad("parameter `filter` must be a string");
    if (const auto *params = object.find("query_params")) {
        if (!params->is_object())
            return bad("parameter `query_params` must be an object");
        filter.query_params = params->object();
    }
    filter.name = value.string();
    if (filter.name == "_view") {
        filter.kind = Filter::Kind::view;
        const auto *view = filter.query_params.find("view");
        if (view == nullptr || !view->is_string() ||
            std::count(view->string().begin(), view->string().end(), '/') != 1)
            return bad("Invalid `view` parameter.");
        return {};
    }
    filter.kind = Filter::Kind::function;
    if (filter.name.starts_with('_') || filter.name.find('/') == std::string::npos)
        return bad("Invalid filter. Must match `ddocname/filtername`.");
    return {};
}

Result<Filter> read_filter(const json::Object &object, const config::Config &config) {
    Filter filter;
    const auto *doc_ids = find(object, "doc_ids");
    const auto *selector = object.find("selector");
    const auto *function = find(object, "filter");
    if (doc_ids != nullptr) {
        filter.kind = Filter::Kind::doc_ids;
        DIVAN_TRY(filter.doc_ids, read_doc_ids(*doc_ids));
    }
    if (selector != nullptr && !selector->is_object())
        return bad("parameter `selector` must be a JSON object");
    if ((doc_ids != nullptr) + (selector != nullptr) + (function != nullptr) > 1)
        return bad("`doc_ids`,`filter`,`selector` are mutually exclusive");
    if (selector != nullptr) {
        filter.kind = Filter::Kind::selector;
        filter.selector = json::to_text(*selector);
        DIVAN_TRY(auto compiled, selector::Selector::compile(*selector, selector::limits(config)));
    }
    if (function != nullptr) {
        DIVAN_TRY_VOID(read_function(object, *function, filter));
    } else if (const auto *params = object.find("query_params"); params != nullptr && !params->is_object()) {
        return bad("parameter `query_params` must be an object");
    }
    return filter;
}

Result<void> read_target_params(const json::Object &object, Replication &replication) {
    const auto *params = object.find("create_target_params");
    if (params == nullptr)
        return {};
    if (!params->is_object())
        return bad("parameter `create_target_params` must be a JSON object");
    constexpr std::int64_t kMax = 1'024;
    for (auto [name, place] :
         {std::pair{"q", &replication.create_q}, std::pair{"n", &replication.create_n}}) {
        const auto *value = find(params->object(), name);
        if (value == nullptr)
            continue;
        auto number = value->as_int64();
        if (!number || *number < 1 || *number > kMax)
            return bad(fmt::format("`{}` of `create_target_params` must be a whole number from 1 to {}", name,
                                   kMax));
        *place = static_cast<std::uint64_t>(*number);
    }
    if (const auto *partitioned = find(params->object(), "partitioned")) {
        if (!partitioned->is_boolean())
            return bad("`partitioned` of `create_target_params` must be a boolean");
        replication.create_partitioned = partitioned->boolean();
    }
    return {};
}

struct Proxies {
    std::optional<net::Proxy> source;
    std::optional<net::Proxy> target;
};

Result<Proxies> read_proxies(const json::Object &object, const config::Config &config) {
    auto is_set = [](const json::Value *value) {
        return value != nullptr && !(value->is_string() && value->string().empty());
    };
    const auto *both = find(object, "proxy");
    const auto *source = find(object, "source_proxy");
    const auto *target = find(object, "target_proxy");
    if (is_set(both) && is_set(source))
        return bad("`proxy` is mutually exclusive with `source_proxy`");
    if (is_set(both) && is_set(target))
        return bad("`proxy` is mutually exclusive with `target_proxy`");
    Proxies proxies;
    DIVAN_TRY(proxies.source, read_proxy(is_set(both) ? both : source, config));
    DIVAN_TRY(proxies.target, read_proxy(is_set(both) ? both : target, config));
    return proxies;
}

} // namespace

Result<Replication> read_replication(const json::Object &object, const config::Config &config,
                                     const access::Principal &principal) {
    Replication replication;
    replication.principal = principal;
    DIVAN_TRY(auto proxies, read_proxies(object, config));
    DIVAN_TRY(auto cancelled, read_boolean(object, "cancel", false));
    static_cast<void>(cancelled);
    DIVAN_TRY(replication.continuous, read_boolean(object, "continuous", false));
    DIVAN_TRY(replication.create_target, read_boolean(object, "create_target", false));
    DIVAN_TRY(replication.winning_revs_only, read_boolean(object, "winning_revs_only", false));
    DIVAN_TRY_VOID(read_target_params(object, replication));
    DIVAN_TRY(replication.filter, read_filter(object, config));
    DIVAN_TRY(replication.tuning, read_tuning(object, config));
    if (const auto *since = find(object, "since_seq"))
        replication.since_seq = *since;
    DIVAN_TRY(replication.source, read_endpoint(object.find("source"), proxies.source, config));
    DIVAN_TRY(replication.target, read_endpoint(object.find("target"), proxies.target, config));
    return replication;
}

Result<std::optional<Cancel>> read_cancel(const json::Object &object) {
    DIVAN_TRY(auto cancels, read_boolean(object, "cancel", false));
    if (!cancels)
        return std::optional<Cancel>();
    Cancel cancel;
    for (const char *name : {"replication_id", "_local_id", "id"}) {
        const auto *id = find(object, name);
        if (id == nullptr)
            continue;
        if (!id->is_string())
            return bad(fmt::format("parameter `{}` must be a string", name));
        cancel.replication_id = id->string();
        // What was a '+' in a URL.
        std::replace(cancel.replication_id->begin(), cancel.replication_id->end(), ' ', '+');
        break;
    }
    return std::optional(std::move(cancel));
}

std::vector<std::string> warnings(const Replication &replication) {
    std::vector<std::string> warnings;
    for (const auto *end : {&replication.source, &replication.target}) {
        if (end->clear_text())
            warnings.push_back(fmt::format(
                "{} is not encrypted: passwords and documents can be read on the way", end->shown()));
        if (end->destination.tls && !end->destination.tls_options.verify)
            warnings.push_back(fmt::format(
                "the certificate of {} is not verified: anybody may pretend to be it", end->shown()));
    }
    return warnings;
}

} // namespace divan::replication
