#include "server/account_actions.h"

namespace divan::server {
namespace {

constexpr int kAttemptsMax = 3; // somebody else may write the document at the same time

} // namespace

Result<void> AccountActions::lock(const std::string &name) {
    Result<void> locked;
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        DIVAN_TRY(auto user, users_.find(name));
        if (user == nullptr || (user->rev.empty() && !user->is_admin))
            return Error(ErrorCode::not_found, "The user has no document that could be locked.");
        if (user->is_admin)
            return Error(ErrorCode::forbidden, "A server admin of [admins] is not locked.");
        if (user->locked)
            return {};
        auto document = user->document;
        document.set("locked", true);
        locked = users_.update(*user, std::move(document));
        if (locked.ok() || locked.error().code() != ErrorCode::conflict)
            break;
    }
    return locked;
}

Result<void> AccountActions::end_sessions(const std::string &name) {
    cookies_.end_sessions(name);
    return {};
}

} // namespace divan::server
