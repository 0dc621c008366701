#pragma once

// A private database for each user ([couch_peruser]): made when the user's document appears, with the user as
// its admin and member; when the document goes, deleted or closed to the user. As CouchDB's couch_peruser.

#include "base/executor.h"
#include "db/store.h"
#include "server/server_databases.h"

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

// "userdb-" and the bytes of the name in hex.
[[nodiscard]] std::string user_database_name(std::string_view prefix, std::string_view user);

// Thread-safe. All outlive it.
class UserDatabases {
  public:
    UserDatabases(db::Store &store, ServerDatabases &databases, const config::Config &config, Executor &pool,
                  telemetry::Logger &log);
    // Waits for what is under way.
    ~UserDatabases();

    // Looks for what has changed, if it is enabled: after the start and after changes of settings.
    void look();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace divan::server
