// Ids of replications: as version 4 of CouchDB's, what an id is made of, though not the same bytes.

#include "base/encoding.h"
#include "crypto/digest.h"
#include "replication/replication.h"
#include "selector/selector.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <limits>

namespace divan::replication {
namespace {

json::Value sorted(const json::Value &value) {
    if (value.is_array()) {
        json::Array array;
        for (const auto &element : value.array())
            array.push_back(sorted(element));
        return array;
    }
    if (!value.is_object())
        return value;
    std::vector<const json::Member *> members;
    for (const auto &member : value.object())
        members.push_back(&member);
    std::sort(members.begin(), members.end(), [](const auto *a, const auto *b) { return a->key < b->key; });
    json::Object object;
    for (const auto *member : members)
        object.append(member->key, sorted(member->value));
    return object;
}

// Equal for selectors that were written differently and mean the same: {"a": 1}, {"a": {"$eq": 1}}.
json::Value normal_selector(const std::string &text) {
    auto value = json::parse(text, {.depth_max = json::kAnyDepth}).value();
    // It was within the limits of its day.
    selector::Limits limits;
    limits.conditions_max = limits.path_bytes_max = limits.regex_bytes_max = limits.regex_program_bytes_max =
        std::numeric_limits<std::uint32_t>::max();
    limits.depth_max = 1'000;
    auto compiled = selector::Selector::compile(value, limits);
    return sorted(compiled.ok() ? (*compiled)->to_json(false) : value);
}

json::Value endpoint_json(const Endpoint &endpoint) {
    if (endpoint.local())
        return json::Array{"local", endpoint.database};
    const auto &destination = endpoint.destination;
    bool is_default =
        destination.tls ? destination.port == 443 : destination.port == 80 || destination.port == 5984;
    json::Array headers;
    for (const auto &[name, value] : endpoint.headers)
        if (!net::equal_without_case(name, "authorization"))
            headers.emplace_back(json::Array{name, value});
    auto port = is_default ? json::Value() : json::Value(static_cast<std::int64_t>(destination.port));
    return json::Array{"remote",        endpoint.user, destination.host,
                       std::move(port), endpoint.path, std::move(headers)};
}

void add_filter(json::Array &parts, const Filter &filter, std::string_view filter_source) {
    switch (filter.kind) {
    case Filter::Kind::none:
        return;
    case Filter::Kind::doc_ids:
        parts.emplace_back("doc_ids");
        parts.emplace_back(json::Array(filter.doc_ids.begin(), filter.doc_ids.end()));
        return;
    case Filter::Kind::selector:
        parts.emplace_back("selector");
        parts.emplace_back(normal_selector(filter.selector));
        return;
    case Filter::Kind::function:
    case Filter::Kind::view:
        parts.emplace_back("filter");
        parts.emplace_back(filter.kind == Filter::Kind::view ? std::string_view(filter.name) : filter_source);
        parts.emplace_back(sorted(filter.query_params));
        return;
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kWhite = " \t\r\n";
    auto first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

} // namespace

ReplicationId replication_id(const Replication &replication, std::string_view server_uuid,
                             std::string_view filter_source) {
    json::Array parts = {server_uuid, endpoint_json(replication.source), endpoint_json(replication.target)};
    add_filter(parts, replication.filter, trimmed(filter_source));
    if (replication.winning_revs_only)
        parts.emplace_back("winning_revs_only");
    if (replication.since_seq)
        parts.emplace_back(json::Array{"since_seq", *replication.since_seq});
    ReplicationId id;
    id.base = hex_encode(crypto::md5(json::to_text(json::Value(std::move(parts)))));
    if (replication.continuous)
        id.options += "+continuous";
    if (replication.create_target)
        id.options += "+create_target";
    return id;
}

} // namespace divan::replication
