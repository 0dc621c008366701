// What CouchDB answers about its cluster, for a cluster of one node where nothing is moved: the whole of a
// database lies here, and no shard is ever split.

#include "api/audit_notes.h"
#include "api/router.h"
#include "db/partition.h"
#include "db/store.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

using access::Permission;

Task<Result<void>> get_membership(Call &call) {
    std::string name;
    json::write_string(name, call.services().node_name);
    co_return co_await call.send_json(
        200, fmt::format(R"({{"all_nodes":[{}],"cluster_nodes":[{}]}})", name, name));
}

Task<Result<void>> get_cluster_setup(Call &call) {
    co_return co_await call.send_json(200, std::string(R"({"state":"single_node_enabled"})"));
}

Task<Result<void>> post_cluster_setup(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    const auto *action = body->is_object() ? body->object().find("action") : nullptr;
    auto name = action != nullptr && action->is_string() ? action->string() : std::string();
    if (name == "enable_single_node" || name == "finish_cluster") {
        auto catalog = call.services().gate.catalog(call.principal);
        if (!catalog.ok())
            co_return catalog.error();
        for (const char *system : {"_users", "_replicator"}) {
            auto created = co_await call.on_engine([&] { return (*catalog)->create(system, {}); });
            if (!created.ok() && created.error().code() != ErrorCode::file_exists)
                co_return created.error();
            if (!created.ok())
                continue;
            auto record = audit_record(call, audit::Kind::database, "created");
            record.database = system;
            auto noted = co_await note_change(call, std::move(record));
            if (!noted.ok())
                co_return noted.error();
        }
        co_return co_await call.send_ok(201);
    }
    if (name == "enable_cluster" || name == "add_node" || name == "remove_node")
        co_return Error(ErrorCode::not_implemented,
                        "The embedded engine is a single node: clusters are not set up here.");
    co_return Error(ErrorCode::bad_request, "Invalid Action'");
}

// ---- shards

// The range of a shard as CouchDB writes it: "80000000-ffffffff".
std::string range_text(std::uint64_t shard, std::uint64_t shard_count) {
    std::uint64_t size = 0x100000000ull / shard_count;
    auto last = shard + 1 == shard_count ? 0xffffffffull : (shard + 1) * size - 1;
    return fmt::format("{:08x}-{:08x}", shard * size, last);
}

Task<Result<void>> get_shards(Call &call) {
    auto info = co_await call.on_engine([&] { return call.database->info(); });
    if (!info.ok())
        co_return info.error();
    std::string text = "{\"shards\":{";
    for (std::uint64_t shard = 0; shard < info->q; ++shard)
        text.append(fmt::format("{}\"{}\":[\"{}\"]", shard > 0 ? "," : "", range_text(shard, info->q),
                                call.services().node_name));
    text.append("}}");
    co_return co_await call.send_json(200, std::move(text));
}

// CRC-32, as mem3 places documents.
std::uint32_t crc32(std::string_view text) {
    std::uint32_t crc = 0xffffffffu;
    for (char c : text) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

Task<Result<void>> get_shard_of(Call &call) {
    auto info = co_await call.on_engine([&] { return call.database->info(); });
    if (!info.ok())
        co_return info.error();
    const auto &id = call.path_parameter("docid");
    auto known = call.database->check_known_id(id);
    if (!known.ok())
        co_return known.error();
    // A partition lies in one shard as a whole.
    auto placed_by = info->partitioned ? db::partition_of(id).value_or(id) : std::string_view(id);
    std::uint64_t size = 0x100000000ull / info->q;
    auto shard = std::min<std::uint64_t>(crc32(placed_by) / size, info->q - 1);
    co_return co_await call.send_json(200,
                                      fmt::format(R"({{"range":"{}","nodes":["{}"]}})",
                                                  range_text(shard, info->q), call.services().node_name));
}

Task<Result<void>> post_sync_shards(Call &call) {
    co_return co_await call.send_ok(202);
}

// ---- resharding

Task<Result<void>> get_reshard(Call &call) {
    co_return co_await call.send_json(
        200, std::string(R"({"state":"running","state_reason":null,"completed":0,"failed":0,"running":0,)"
                         R"("stopped":0,"total":0})"));
}

Task<Result<void>> get_reshard_state(Call &call) {
    co_return co_await call.send_json(200, std::string(R"({"state":"running","reason":null})"));
}

Task<Result<void>> get_reshard_jobs(Call &call) {
    co_return co_await call.send_json(200, std::string(R"({"total_rows":0,"offset":0,"jobs":[]})"));
}

Task<Result<void>> refuse_resharding(Call & /*call*/) {
    co_return Error(ErrorCode::not_implemented, "A database is one shard here: there is nothing to split.");
}

Task<Result<void>> no_reshard_job(Call & /*call*/) {
    co_return ErrorCode::not_found;
}

} // namespace

std::vector<Route> cluster_routes() {
    constexpr auto kAdmin = Permission::server_admin;
    constexpr auto kReader = Permission::database_reader;
    return {
        {"GET", "/_membership", kAdmin, get_membership, "The nodes: this one."},
        {"GET", "/_cluster_setup", kAdmin, get_cluster_setup, "State of the set-up."},
        {"POST", "/_cluster_setup", kAdmin, post_cluster_setup, "Makes the system databases."},
        {"GET", "/{db}/_shards", kReader, get_shards, "Where the shards lie: on this node."},
        {"GET", "/{db}/_shards/{docid}", kReader, get_shard_of, "Where a document lies: on this node."},
        {"POST", "/{db}/_sync_shards", kAdmin, post_sync_shards, "Nothing to do on one node."},
        {"GET", "/_reshard", kAdmin, get_reshard, "State and counters: no shard is ever split."},
        {"GET", "/_reshard/state", kAdmin, get_reshard_state, "State of resharding."},
        {"PUT", "/_reshard/state", kAdmin, refuse_resharding, "Refused: nothing to split."},
        {"GET", "/_reshard/jobs", kAdmin, get_reshard_jobs, "No jobs."},
        {"POST", "/_reshard/jobs", kAdmin, refuse_resharding, "Refused: nothing to split."},
        {"GET", "/_reshard/jobs/{job}", kAdmin, no_reshard_job, "Refused: there is none."},
        {"DELETE", "/_reshard/jobs/{job}", kAdmin, no_reshard_job, "Refused: there is none."},
        {"GET", "/_reshard/jobs/{job}/state", kAdmin, no_reshard_job, "Refused: there is none."},
        {"PUT", "/_reshard/jobs/{job}/state", kAdmin, no_reshard_job, "Refused: there is none."},
    };
}

} // namespace divan::api
