#pragma once

// What anomalies do to users: the doing of anomaly::Accounts.

#include "access/session_cookie.h"
#include "access/users.h"
#include "anomaly/watch.h"

namespace divan::server {

class AccountActions final : public anomaly::Accounts {
  public:
    // Both outlive it.
    AccountActions(access::Users &users, access::SessionCookies &cookies)
        : users_(users), cookies_(cookies) {}

    // `locked`: true in the document of the user. Admins of [admins] are never locked: they are who opens
    // locks. Blocks on the engine. Errors: forbidden (such an admin), not_found (no document), those of
    // the store.
    Result<void> lock(const std::string &name) override;
    // Errors: none.
    Result<void> end_sessions(const std::string &name) override;

  private:
    access::Users &users_;
    access::SessionCookies &cookies_;
};

} // namespace divan::server
