#include "access/authenticator.h"
#include "anomaly/watch.h"
#include "api/audit_notes.h"
#include "api/router.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::api {
namespace {

Task<Result<void>> get_lockouts(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    json::Array locks;
    for (const auto &locked : call.services().authenticator.lockout().list()) {
        json::Object lock;
        lock.append("name", locked.name.empty() ? json::Value() : json::Value(locked.name));
        lock.append("address", locked.address);
        lock.append("remaining_seconds", std::chrono::ceil<std::chrono::seconds>(locked.remaining).count());
        locks.emplace_back(std::move(lock));
    }
    co_return co_await call.send_json(200, json::Value(std::move(locks)));
}

Task<Result<void>> delete_lockout(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &name = call.path_parameter("name");
    if (call.services().authenticator.lockout().unlock(name) == 0)
        co_return Error(ErrorCode::not_found, fmt::format("Nobody is locked out as `{}`.", name));
    auto record = audit_record(call, audit::Kind::authentication, "lockout_removed");
    record.details.append("name", name);
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

Task<Result<void>> get_blocked_addresses(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    json::Array blocks;
    if (const auto *watch = call.services().anomaly)
        for (const auto &block : watch->blocked_addresses()) {
            auto shown = anomaly::block_details(block);
            shown.append("remaining_seconds",
                         std::chrono::ceil<std::chrono::seconds>(block.remaining).count());
            blocks.emplace_back(std::move(shown));
        }
    co_return co_await call.send_json(200, json::Value(std::move(blocks)));
}

Task<Result<void>> delete_blocked_address(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &address = call.path_parameter("address");
    auto *watch = call.services().anomaly;
    auto block = watch != nullptr ? watch->unblock(address) : std::nullopt;
    if (!block)
        co_return Error(ErrorCode::not_found, fmt::format("The address `{}` is not blocked.", address));
    auto record = audit_record(call, audit::Kind::anomaly, "address_unblocked");
    record.details = anomaly::block_details(*block);
    auto noted = co_await note_change(call, std::move(record));
    if (!noted.ok())
        co_return noted.error();
    co_return co_await call.send_ok(200);
}

} // namespace

std::vector<Route> lockout_routes() {
    constexpr auto kAdmin = access::Permission::server_admin;
    return {
        {"GET", "/_node/{node}/_lockouts", kAdmin, get_lockouts, "Who failed to log in too often."},
        {"DELETE", "/_node/{node}/_lockouts/{name}", kAdmin, delete_lockout, "Lets a name log in again."},
        {"GET", "/_node/{node}/_blocked_addresses", kAdmin, get_blocked_addresses,
         "Addresses that are refused because of an anomaly."},
        {"DELETE", "/_node/{node}/_blocked_addresses/{address}", kAdmin, delete_blocked_address,
         "Admits an address again."},
    };
}

} // namespace divan::api
