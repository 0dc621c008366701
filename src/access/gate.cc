#include "access/gate.h"

#include "access/security_object.h"
#include "access/users.h"
#include "config/config.h"

#include <algorithm>

namespace divan::access {

std::string_view permission_name(Permission permission) {
    switch (permission) {
    case Permission::everybody:
        return "everybody";
    case Permission::own_account:
        return "own_account";
    case Permission::signed_in:
        return "signed_in";
    case Permission::database_lister:
        return "database_lister";
    case Permission::metrics_reader:
        return "metrics_reader";
    case Permission::auditor:
        return "auditor";
    case Permission::server_admin:
        return "server_admin";
    case Permission::database_member:
        return "database_member";
    case Permission::database_admin:
        return "database_admin";
    case Permission::database_owner:
        return "database_owner";
    }
    return "";
}

namespace {

Result<void> check_enrolment(const Principal &principal, Permission permission) {
    if (!principal.enrolment_due || permission == Permission::own_account)
        return {};
    return Error(ErrorCode::forbidden,
                 "Your roles ask for a second factor: set one up with POST /_session/_totp, then log in with "
                 "its code.");
}

} // namespace

Result<void> Gate::authorize(const Principal &principal, Permission permission) const {
    if (permission == Permission::everybody)
        return {};
    DIVAN_TRY_VOID(check_enrolment(principal, permission));
    if (principal.is_server_admin())
        return {};
    switch (permission) {
    case Permission::database_lister:
        if (!config_.boolean("chttpd", "admin_only_all_dbs"))
            return {};
        return authorize(principal, Permission::server_admin);
    case Permission::metrics_reader:
        if (principal.has_role("_metrics"))
            return {};
        return Error(ErrorCode::unauthorized, "You are not a server admin or read-only metrics user");
    case Permission::auditor:
        for (const auto &role : config_.list("audit", "roles"))
            if (principal.has_role(role))
                return {};
        return Error(principal.anonymous() ? ErrorCode::unauthorized : ErrorCode::forbidden,
                     "You are not an auditor.");
    case Permission::server_admin:
        return Error(ErrorCode::unauthorized, "You are not a server admin.");
    case Permission::database_member:
    case Permission::database_admin:
    case Permission::database_owner:
        if (principal.anonymous())
            return Error(ErrorCode::unauthorized, "You are not authorized to access this db.");
        return Error(ErrorCode::forbidden, "You are not allowed to access this db.");
    default:
        if (principal.anonymous())
            return Error(ErrorCode::unauthorized, "You are not an authenticated user");
        return {};
    }
}

// As chttpd_auth_request: who is no member is told so first.
Result<void> Gate::authorize_in(const Principal &principal, Permission permission,
                                db::Database &database) const {
    DIVAN_TRY_VOID(check_enrolment(principal, permission));
    if (principal.is_server_admin())
        return {};
    if (permission != Permission::database_member && permission != Permission::database_admin &&
        permission != Permission::database_owner)
        return authorize(principal, permission);
    DIVAN_TRY(auto text, database.security());
    auto security = parse_security_object(text);
    if (!security.is_member(principal))
        return authorize(principal, Permission::database_member);
    if (permission == Permission::database_member || security.is_admin(principal))
        return {};
    if (permission == Permission::database_owner && !principal.anonymous())
        return Error(ErrorCode::forbidden, "You are not a db or server admin.");
    return Error(ErrorCode::unauthorized, "You are not a server or db admin.");
}

namespace {

bool is_system_name(std::string_view database, std::string_view name) {
    return database == name || (database.size() > name.size() && database.ends_with(name) &&
                                database[database.size() - name.size() - 1] == '/');
}

// What of the users database is open to those whom its `_security` lets in: its facts, and single documents,
// each of which check_document() looks at. What they write is judged by write_guard.h.
bool is_open_users_route(std::string_view method, std::string_view pattern) {
    constexpr std::string_view kSingle[] = {"/{docid}", "/{docid}/{attname...}", "/_design/{ddoc}",
                                            "/_security"};
    return pattern.empty() || (method == "POST" && pattern == "/_bulk_docs") ||
           std::find(std::begin(kSingle), std::end(kSingle), pattern) != std::end(kSingle);
}

} // namespace

Permission Gate::in_system_database(Permission permission, std::string_view database, std::string_view method,
                                    std::string_view pattern) const {
    bool users = database == config_.text("chttpd_auth", "authentication_db");
    bool others = is_system_name(database, "_replicator") || is_system_name(database, "_users");
    if (!users && !others)
        return database.starts_with("_") ? Permission::server_admin : permission;
    if (pattern.starts_with("/_all_docs") || pattern.starts_with("/_changes"))
        return Permission::server_admin;
    bool restricted =
        users && permission == Permission::database_member && !is_open_users_route(method, pattern);
    return restricted ? Permission::database_admin : permission;
}

Result<void> Gate::check_document(const Principal &principal, db::Database &database,
                                  std::string_view id) const {
    if (principal.is_server_admin() || database.name() != config_.text("chttpd_auth", "authentication_db"))
        return {};
    DIVAN_TRY(auto text, database.security());
    if (parse_security_object(text).is_admin(principal))
        return {};
    if (id.starts_with("_design/"))
        return Error(ErrorCode::forbidden, "Only administrators can view design docs in the users database.");
    if (principal.anonymous() || user_name_of_id(id) != std::optional<std::string_view>(principal.name))
        return Error(ErrorCode::not_found, "missing");
    return {};
}

Result<std::shared_ptr<db::Database>> Gate::open(const Principal &principal, Permission permission,
                                                 const std::string &database) const {
    if (permission == Permission::server_admin) {
        // Nothing is told of what is there.
        DIVAN_TRY_VOID(authorize(principal, permission));
    }
    DIVAN_TRY(auto opened, store_.open(database));
    DIVAN_TRY_VOID(authorize_in(principal, permission, *opened));
    return opened;
}

Result<std::shared_ptr<db::Database>> Gate::open_cached(const Principal &principal, Permission permission,
                                                        std::string_view database) const {
    auto opened = store_.find_open(database);
    if (!opened)
        return opened;
    DIVAN_TRY_VOID(authorize_in(principal, permission, *opened));
    return opened;
}

Result<db::Store *> Gate::catalog(const Principal &principal, Permission permission) const {
    DIVAN_TRY_VOID(authorize(principal, permission));
    return &store_;
}

} // namespace divan::access
