#pragma once

// The one door. Every request of every caller passes authorize() before anything is read or
// written; a route cannot be declared without a Permission, and a database handle is had only from here.
//
// It knows server admins, of each database the admins and members that its `_security` names, and of the
// policies what roles permit and where tenants end. Rules per document join in show(): a handle opened here
// shows what its user may see, and nothing else.

#include "access/policies.h"
#include "access/principal.h"
#include "db/store.h"

#include <memory>
#include <string>

namespace divan::config {
class Config;
}

namespace divan::access {

// What a request needs: who may do it in CouchDB 3.5, and which grant of a role permits it to others.
enum class Permission : std::uint8_t {
    everybody,        // `/`, `_up`, `_session`, `_utils`, favicon
    own_account,      // any authenticated user, also one who has yet to set up a second factor
    signed_in,        // any authenticated user
    database_lister,  // everybody if [chttpd] admin_only_all_dbs = false, else server admins
    metrics_reader,   // a server admin or who has the role `_metrics`
    auditor,          // a server admin or who has a role of [audit] roles
    server_admin,     // 401 "You are not a server admin." otherwise
    database_creator, // server_admin; create_db
    database_deleter, // server_admin; delete_db
    // Members, 401 "You are not authorized to access this db." or 403 otherwise;
    database_reader,       // read
    database_writer,       // write
    database_checkpointer, // replicate, or write
    database_designer,     // design; of members write_guard.h judges the document
    database_admin,        // a member, and 401 "You are not a server or db admin." otherwise; compact
    database_owner,        // the same, but 403 "You are not a db or server admin."; configure
};

[[nodiscard]] std::string_view permission_name(Permission permission);

// How a request to a database was decided.
struct Ruling {
    enum class By : std::uint8_t {
        enrolment,        // a second factor is due
        server_admin,     // passes all of it
        tenant,           // keeps the principal out
        role,             // permits it
        security_admins,  // `_security` names the principal
        security_members, // the same
        nobody,           // nothing permits it
    };
    Result<void> outcome;
    By by = By::nobody;
    const RolePolicy *role = nullptr; // of the policies it was decided by
};

class Gate {
  public:
    // Both outlive the gate.
    Gate(db::Store &store, const config::Config &config)
        : store_(store), config_(config), policies_(config, store) {}

    [[nodiscard]] Policies &policies() const { return policies_; }

    // A request that touches no database. Errors: unauthorized, forbidden.
    [[nodiscard]] Result<void> authorize(const Principal &principal, Permission permission) const;

    // A request to a database: the handle. A missing database is not_found for everybody, as in CouchDB; then
    // the permission, by the `_security` of the database. May block on the engine unless the database is
    // open; see open_cached.
    [[nodiscard]] Result<std::shared_ptr<db::Database>>
    open(const Principal &principal, Permission permission, const std::string &database) const;

    // As open() if the database is open already; null = call open().
    [[nodiscard]] Result<std::shared_ptr<db::Database>>
    open_cached(const Principal &principal, Permission permission, std::string_view database) const;

    // The catalog, for those who may change it, or with `database_lister` read it. `database`: with
    // `database_creator` and `database_deleter`. Blocks on the engine for these two. Errors: unauthorized.
    [[nodiscard]] Result<db::Store *> catalog(const Principal &principal,
                                              Permission permission = Permission::server_admin,
                                              std::string_view database = {}) const;
    // How open() decides, of a database that is there. Blocks on the engine.
    [[nodiscard]] Result<Ruling> rule(const Principal &principal, Permission permission,
                                      db::Database &database, const PolicySet &policies) const;
    // Whether a database is named in lists for this principal. Blocks on the engine.
    [[nodiscard]] Result<bool> lists(const Principal &principal, std::string_view database) const;

    // What a route of a system database needs, where that is more than elsewhere: the list of its documents
    // is for server admins, and what is made of documents of users for admins of that database. `pattern` as
    // in the route table, without "/{db}". As chttpd_auth_request.
    [[nodiscard]] Permission in_system_database(Permission permission, std::string_view database,
                                                std::string_view method, std::string_view pattern) const;
    // The handle that a single document is read through, of one that open() gave. A document of the users
    // database is shown to its user and to admins; others see its public fields. Errors: not_found, forbidden
    // for design documents.
    [[nodiscard]] Result<std::shared_ptr<db::Database>> show_document(const Principal &principal,
                                                                      std::shared_ptr<db::Database> database,
                                                                      std::string_view id) const;

  private:
    [[nodiscard]] Result<void> authorize_in(const Principal &principal, Permission permission,
                                            db::Database &database, const PolicySet &policies) const {
        DIVAN_TRY(auto ruling, rule(principal, permission, database, policies));
        return ruling.outcome;
    }

    // The handle with what rules leave of it for the principal.
    [[nodiscard]] Result<std::shared_ptr<db::Database>> show(std::shared_ptr<db::Database> opened,
                                                             std::shared_ptr<const DocumentAccess> documents,
                                                             const Principal &principal) const;

    db::Store &store_;
    const config::Config &config_;
    mutable Policies policies_;
};

} // namespace divan::access
