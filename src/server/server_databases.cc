#include "server/server_databases.h"

#include "server/audit_trail.h"

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

} // namespace divan::server
