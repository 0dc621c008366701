#pragma once

// Databases that the server makes and deletes without being asked for them by a request: each leaves a record
// in the audit log.

#include "db/store.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::config {
class Config;
}
namespace divan::telemetry {
class Logger;
}

namespace divan::server {

class AuditTrail;

// Thread-safe. Not on a network thread.
class ServerDatabases {
  public:
    // `audit`: null if nothing is recorded. Both outlive it.
    ServerDatabases(db::Store &store, AuditTrail *audit) : store_(store), audit_(audit) {}

    // As those of the store; `why` stands in the record. Errors: besides those of the store storage_failed,
    // if it was done and the record may be missing.
    Result<std::shared_ptr<db::Database>> create(const std::string &name, const db::DatabaseOptions &options,
                                                 std::string_view why);
    Result<void> erase(const std::string &name, std::string_view why);

  private:
    db::Store &store_;
    AuditTrail *const audit_;
};

// Those that are not there, as a CouchDB that was set up as a single node has them.
[[nodiscard]] Result<void> make_system_databases(ServerDatabases &databases, const config::Config &config,
                                                 telemetry::Logger &log);

} // namespace divan::server
