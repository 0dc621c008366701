#pragma once

// The whole server without sockets: every request goes through the real dispatcher, gate and store to an
// engine that the test chose, say one that counts or fails.

#include "access/authenticator.h"
#include "access/gate.h"
#include "access/write_guard.h"
#include "api/dispatcher.h"
#include "api/testing/in_process_exchange.h"
#include "config/config.h"
#include "db/store.h"
#include "design/design_documents.h"
#include "design/validation.h"
#include "replication/document_guard.h"
#include "script/pool.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "views/views.h"

namespace divan::api {

// Time stands still and randomness is seeded: the same requests write the same bytes.
class InProcessServer {
  public:
    // Borrows the engine, which may hold databases already.
    explicit InProcessServer(kv::Engine &engine, const db::StoreOptions &options = {},
                             std::vector<Route> routes = all_routes());
    ~InProcessServer();
    InProcessServer(const InProcessServer &) = delete;
    InProcessServer &operator=(const InProcessServer &) = delete;

    // Sends a request as the admin, or with the credentials of its headers (an empty Authorization: as
    // nobody), and waits for the whole answer. `target` is encoded already. A body is JSON unless a header
    // says otherwise. May be called from any thread.
    Answer ask(std::string method, std::string target, std::string body = {}, net::Headers headers = {});

    // "AuthSession=..." of a user, made now.
    [[nodiscard]] std::string cookie_of(const std::string &name);
    [[nodiscard]] db::Store &store() { return *store_; }
    [[nodiscard]] config::Config &config() { return *config_; }
    [[nodiscard]] ManualClock &clock() { return clock_; }

  private:
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<config::Config> config_;
    telemetry::Logger log_{clock_, "test@127.0.0.1", "", telemetry::Level::none};
    telemetry::Registry metrics_;
    ThreadPool pool_{4};
    access::Admins admins_{*config_, random_};
    access::SessionCookies cookies_{*config_, clock_};
    std::string cookie_;
    design::DesignDocuments designs_;
    script::Pool scripts_;
    design::Validation validation_{designs_, scripts_, [](std::string_view, const script::LogLine &) {}};
    access::WriteGuard write_guard_{validation_, {*config_, clock_, random_, cookies_}};
    replication::DocumentGuard guard_{write_guard_, *config_};
    ThreadPool view_pool_{2};
    std::unique_ptr<views::Views> views_;
    std::unique_ptr<db::Store> store_;
    std::unique_ptr<access::Gate> gate_;
    std::unique_ptr<access::Users> users_;
    std::unique_ptr<access::Authenticator> authenticator_;
    std::unique_ptr<Services> services_;
    std::unique_ptr<Dispatcher> dispatcher_;
};

} // namespace divan::api
