#include "access/gate.h"

#include "config/config.h"

namespace divan::access {

std::string_view permission_name(Permission permission) {
    switch (permission) {
    case Permission::everybody:
        return "everybody";
    case Permission::signed_in:
        return "signed_in";
    case Permission::database_lister:
        return "database_lister";
    case Permission::metrics_reader:
        return "metrics_reader";
    case Permission::server_admin:
        return "server_admin";
    case Permission::database_member:
        return "database_member";
    case Permission::database_admin:
        return "database_admin";
    }
    return "";
}

Result<void> Gate::authorize(const Principal &principal, Permission permission) const {
    if (principal.is_server_admin() || permission == Permission::everybody)
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
    case Permission::server_admin:
        return Error(ErrorCode::unauthorized, "You are not a server admin.");
    case Permission::database_admin:
        if (principal.anonymous())
            return Error(ErrorCode::unauthorized, "You are not authorized to access this db.");
        return Error(ErrorCode::unauthorized, "You are not a db or server admin.");
    case Permission::database_member:
        if (principal.anonymous())
            return Error(ErrorCode::unauthorized, "You are not authorized to access this db.");
        return Error(ErrorCode::forbidden, "You are not allowed to access this db.");
    default:
        if (principal.anonymous())
            return Error(ErrorCode::unauthorized, "You are not an authenticated user");
        return {};
    }
}

Result<std::shared_ptr<db::Database>> Gate::open(const Principal &principal, Permission permission,
                                                 const std::string &database) const {
    DIVAN_TRY(auto opened, store_.open(database));
    DIVAN_TRY_VOID(authorize(principal, permission));
    return opened;
}

Result<std::shared_ptr<db::Database>> Gate::open_cached(const Principal &principal, Permission permission,
                                                        std::string_view database) const {
    auto opened = store_.find_open(database);
    if (!opened)
        return opened;
    DIVAN_TRY_VOID(authorize(principal, permission));
    return opened;
}

Result<db::Store *> Gate::catalog(const Principal &principal, Permission permission) const {
    DIVAN_TRY_VOID(authorize(principal, permission));
    return &store_;
}

} // namespace divan::access
