#include "access/gate.h"

#include "access/public_user_fields.h"
#include "access/security_object.h"
#include "access/users.h"
#include "config/config.h"
#include "doc/document_id.h"

#include <algorithm>
#include <span>

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
    case Permission::database_creator:
        return "database_creator";
    case Permission::database_deleter:
        return "database_deleter";
    case Permission::database_reader:
        return "database_reader";
    case Permission::database_writer:
        return "database_writer";
    case Permission::database_checkpointer:
        return "database_checkpointer";
    case Permission::database_designer:
        return "database_designer";
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
    case Permission::database_creator:
    case Permission::database_deleter:
        return Error(ErrorCode::unauthorized, "You are not a server admin.");
    case Permission::database_reader:
    case Permission::database_writer:
    case Permission::database_checkpointer:
    case Permission::database_designer:
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

namespace {

// The grants of roles that permit it, of which one is enough; none: it is no matter of roles.
std::span<const Grant> grants_of(Permission permission) {
    static constexpr Grant kRead[] = {Grant::read};
    static constexpr Grant kWrite[] = {Grant::write};
    static constexpr Grant kCheckpoint[] = {Grant::replicate, Grant::write};
    static constexpr Grant kDesign[] = {Grant::design};
    static constexpr Grant kCompact[] = {Grant::compact};
    static constexpr Grant kConfigure[] = {Grant::configure};
    static constexpr Grant kCreate[] = {Grant::create_db};
    static constexpr Grant kDelete[] = {Grant::delete_db};
    switch (permission) {
    case Permission::database_reader:
        return kRead;
    case Permission::database_writer:
        return kWrite;
    case Permission::database_checkpointer:
        return kCheckpoint;
    case Permission::database_designer:
        return kDesign;
    case Permission::database_admin:
        return kCompact;
    case Permission::database_owner:
        return kConfigure;
    case Permission::database_creator:
        return kCreate;
    case Permission::database_deleter:
        return kDelete;
    default:
        return {};
    }
}

const RolePolicy *granting_role(const PolicySet &policies, const Principal &principal, Permission permission,
                                std::string_view database) {
    for (auto grant : grants_of(permission))
        if (const auto *role = policies.granting_role(principal, grant, database))
            return role;
    return nullptr;
}

bool is_for_members(Permission permission) {
    return permission == Permission::database_reader || permission == Permission::database_writer ||
           permission == Permission::database_checkpointer || permission == Permission::database_designer;
}

Error no_database() {
    return {ErrorCode::not_found, "Database does not exist."};
}

} // namespace

// As chttpd_auth_request: who is no member is told so first.
Result<Ruling> Gate::rule(const Principal &principal, Permission permission, db::Database &database,
                          const PolicySet &policies) const {
    using By = Ruling::By;
    if (auto enrolled = check_enrolment(principal, permission); !enrolled.ok())
        return Ruling{enrolled.error(), By::enrolment};
    if (principal.is_server_admin())
        return Ruling{{}, By::server_admin};
    if (policies.keeps_out(principal, database.name()))
        return Ruling{no_database(), By::tenant};
    if (!is_for_members(permission) && permission != Permission::database_admin &&
        permission != Permission::database_owner)
        return Ruling{authorize(principal, permission)};
    if (const auto *role = granting_role(policies, principal, permission, database.name()))
        return Ruling{{}, By::role, role};
    DIVAN_TRY(auto text, database.security());
    auto security = parse_security_object(text);
    bool is_member = security.is_member(principal);
    if (!is_member && !policies.allows_any(principal, database.name()))
        return Ruling{authorize(principal, Permission::database_reader)};
    if (is_for_members(permission) && is_member)
        return Ruling{{}, By::security_members};
    if (is_for_members(permission))
        return Ruling{Error(ErrorCode::forbidden, "Your roles do not let you do this in this db.")};
    if (is_member && security.is_admin(principal))
        return Ruling{{}, By::security_admins};
    if (permission == Permission::database_owner && !principal.anonymous())
        return Ruling{Error(ErrorCode::forbidden, "You are not a db or server admin.")};
    return Ruling{Error(ErrorCode::unauthorized, "You are not a server or db admin.")};
}

namespace {

bool is_system_name(std::string_view database, std::string_view name) {
    return database == name || (database.size() > name.size() && database.ends_with(name) &&
                                database[database.size() - name.size() - 1] == '/');
}

// What of the users database is open to those whom its `_security` lets in: its facts, and single documents,
// each of which show_document() looks at. What they write is judged by write_guard.h.
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
    bool restricted = users && is_for_members(permission) && !is_open_users_route(method, pattern);
    return restricted ? Permission::database_admin : permission;
}

Result<std::shared_ptr<db::Database>> Gate::show_document(const Principal &principal,
                                                          std::shared_ptr<db::Database> database,
                                                          std::string_view id) const {
    if (principal.is_server_admin() || database->name() != config_.text("chttpd_auth", "authentication_db"))
        return database;
    DIVAN_TRY(auto text, database->security());
    if (parse_security_object(text).is_admin(principal))
        return database;
    if (doc::is_design_id(id))
        return Error(ErrorCode::forbidden, "Only administrators can view design docs in the users database.");
    if (!principal.anonymous() && user_name_of_id(id) == std::optional<std::string_view>(principal.name))
        return database;
    auto fields = config_.list("chttpd_auth", "public_fields");
    if (fields.empty())
        return Error(ErrorCode::not_found, "missing");
    return db::Database::shown_by(database, std::make_shared<const PublicUserFields>(std::move(fields)));
}

Result<std::shared_ptr<db::Database>> Gate::show(std::shared_ptr<db::Database> opened,
                                                 std::shared_ptr<const DocumentAccess> documents,
                                                 const Principal &principal) const {
    // Documents of replications hold credentials of their owners. CouchDB shows them to others without these.
    if (is_system_name(opened->name(), "_replicator") && !principal.is_server_admin()) {
        DIVAN_TRY(auto text, opened->security());
        if (!parse_security_object(text).is_admin(principal))
            documents = policies_.own_replications(principal);
    }
    // Fields that are only not to be changed are shown like any.
    bool hides = documents && (documents->hides_documents() || documents->hides_fields());
    return hides ? db::Database::shown_by(opened, std::move(documents)) : opened;
}

Result<std::shared_ptr<db::Database>> Gate::open(const Principal &principal, Permission permission,
                                                 const std::string &database) const {
    if (permission == Permission::server_admin) {
        // Nothing is told of what is there.
        DIVAN_TRY_VOID(authorize(principal, permission));
    }
    DIVAN_TRY(auto policies, policies_.current());
    DIVAN_TRY(auto opened, store_.open(database));
    DIVAN_TRY_VOID(authorize_in(principal, permission, *opened, *policies));
    DIVAN_TRY(auto documents, policies_.document_access(*policies, principal, database));
    return show(std::move(opened), std::move(documents), principal);
}

Result<std::shared_ptr<db::Database>> Gate::open_cached(const Principal &principal, Permission permission,
                                                        std::string_view database) const {
    auto policies = policies_.current_cached();
    auto opened = policies ? store_.find_open(database) : nullptr;
    if (!opened)
        return opened;
    DIVAN_TRY_VOID(authorize_in(principal, permission, *opened, *policies));
    auto documents = policies_.document_access_cached(*policies, principal, database);
    if (!documents)
        return std::shared_ptr<db::Database>();
    DIVAN_TRY_VOID(documents->ok() ? Result<void>() : Result<void>(documents->error()));
    return show(std::move(opened), std::move(**documents), principal);
}

Result<db::Store *> Gate::catalog(const Principal &principal, Permission permission,
                                  std::string_view database) const {
    if (!principal.is_server_admin() && !grants_of(permission).empty()) {
        DIVAN_TRY_VOID(check_enrolment(principal, permission));
        DIVAN_TRY(auto policies, policies_.current());
        if (granting_role(*policies, principal, permission, database) != nullptr &&
            !policies->keeps_out(principal, database))
            return &store_;
    }
    DIVAN_TRY_VOID(authorize(principal, permission));
    return &store_;
}

Result<bool> Gate::lists(const Principal &principal, std::string_view database) const {
    DIVAN_TRY(auto policies, policies_.current());
    return !policies->keeps_out(principal, database);
}

} // namespace divan::access
