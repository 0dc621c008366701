#pragma once

// The one door. Every request of every caller passes authorize() before anything is read or
// written; a route cannot be declared without a Permission, and a database handle is had only from here.
//
// Now it knows server admins and nobody. Rules per database, role and field join here and nowhere else.

#include "access/principal.h"
#include "db/store.h"

#include <memory>
#include <string>

namespace divan::config {
class Config;
}

namespace divan::access {

// What a request needs. Named after who may do it in CouchDB 3.5.
enum class Permission : std::uint8_t {
    everybody,       // `/`, `_up`, `_session`, `_utils`, favicon
    signed_in,       // any authenticated user
    database_lister, // everybody if [chttpd] admin_only_all_dbs = false, else server admins
    metrics_reader,  // a server admin or who has the role `_metrics`
    server_admin,    // 401 "You are not a server admin." otherwise
    database_member, // 401 "You are not authorized to access this db." / 403 otherwise
    database_admin,  // 401 "You are not a db or server admin." otherwise
};

[[nodiscard]] std::string_view permission_name(Permission permission);

class Gate {
  public:
    // Both outlive the gate.
    Gate(db::Store &store, const config::Config &config) : store_(store), config_(config) {}

    // A request that touches no database. Errors: unauthorized, forbidden.
    [[nodiscard]] Result<void> authorize(const Principal &principal, Permission permission) const;

    // A request to a database: the handle. A missing database is not_found for everybody, as in CouchDB; then
    // the permission. May block on the engine unless the database is open; see open_cached.
    [[nodiscard]] Result<std::shared_ptr<db::Database>>
    open(const Principal &principal, Permission permission, const std::string &database) const;

    // As open() if the database is open already and its rules are in memory; null = call open().
    [[nodiscard]] Result<std::shared_ptr<db::Database>>
    open_cached(const Principal &principal, Permission permission, std::string_view database) const;

    // The catalog, for those who may change it, or with `database_lister` read it. Errors: unauthorized.
    [[nodiscard]] Result<db::Store *> catalog(const Principal &principal,
                                              Permission permission = Permission::server_admin) const;

  private:
    db::Store &store_;
    const config::Config &config_;
};

} // namespace divan::access
