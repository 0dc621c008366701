#include "server/server_databases.h"

#include "config/config.h"
#include "server/audit_trail.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::server {

Result<std::shared_ptr<db::Database>>
ServerDatabases::create(const std::string &name, const db::DatabaseOptions &options, std::string_view why) {
    DIVAN_TRY(auto database, store_.create(name, options));
    if (audit_ != nullptr) {
        DIVAN_TRY_VOID(audit_->note_database("created", name, why));
    }
    return database;
}

Result<void> ServerDatabases::erase(const std::string &name, std::string_view why) {
    DIVAN_TRY_VOID(store_.erase(name));
    return audit_ != nullptr ? audit_->note_database("deleted", name, why) : Result<void>();
}

Result<void> make_system_databases(ServerDatabases &databases, const config::Config &config,
                                   telemetry::Logger &log) {
    // As a CouchDB that was set up as a single node.
    std::vector<std::string> system_databases = {config.text("chttpd_auth", "authentication_db"),
                                                 "_replicator"};
    if (config.boolean("global_changes", "update_db"))
        system_databases.emplace_back("_global_changes");
    for (const auto &system : system_databases)
        if (auto made = databases.create(system, {}, "system database");
            !made.ok() && made.error().code() != ErrorCode::file_exists) {
            // Reads go on when the disk is full; the next start makes them.
            if (made.error().code() != ErrorCode::insufficient_storage)
                return made.error();
            log.warning(fmt::format("{} was not made: {}", system, made.error().reason()));
        }
    return {};
}

} // namespace divan::server
