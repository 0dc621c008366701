#include "server/application.h"

#include "access/admins.h"
#include "access/authenticator.h"
#include "access/gate.h"
#include "access/users.h"
#include "access/write_guard.h"
#include "anomaly/watch.h"
#include "api/dispatcher.h"
#include "api/error_response.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "db/store.h"
#include "design/design_documents.h"
#include "design/validation.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "net/server.h"
#include "replication/document_guard.h"
#include "script/pool.h"
#include "selector/limits.h"
#include "server/access_settings.h"
#include "server/account_actions.h"
#include "server/audit_trail.h"
#include "server/connection_log.h"
#include "server/global_changes.h"
#include "server/identity_providers.h"
#include "server/listeners.h"
#include "server/load.h"
#include "server/net_options.h"
#include "server/replications.h"
#include "server/script_options.h"
#include "server/server_databases.h"
#include "server/startup.h"
#include "server/storage_options.h"
#include "server/user_databases.h"
#include "server/view_builder.h"
#include "server/views_options.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "views/views.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::server {
namespace {

Millis milliseconds(const config::Config &config, std::string_view key) {
    return Millis(config.integer("divan", key));
}

} // namespace

class Application::Parts {
  public:
    explicit Parts(const ServeOptions &options) : options_(options) {}
    ~Parts() { stop(); }

    Result<void> start() {
        DIVAN_TRY(node_name_, node_name_of(options_));
        DIVAN_TRY(data_directory_, open_data_directory(options_));
        DIVAN_TRY(config_, load_config(options_, data_directory_, random_));
        auto log_file =
            config_->text("log", "writer") == "file" ? config_->text("log", "file") : std::string();
        log_ = std::make_unique<telemetry::Logger>(clock_, node_name_, log_file,
                                                   telemetry::parse_level(config_->text("log", "level")));
        for (const auto &notice : config_->notices())
            log_->warning(notice);
        listeners_ = std::make_unique<Listeners>(*config_, *log_, metrics_);
        DIVAN_TRY_VOID(listeners_->check());
        pool_ = std::make_unique<ThreadPool>(
            static_cast<std::size_t>(config_->integer("divan", "engine_thread_count")));
        login_pool_ = std::make_unique<ThreadPool>(
            static_cast<std::size_t>(config_->integer("divan", "login_thread_count")));
        identity_providers_.reset(new IdentityProviders({*config_, clock_, random_, *log_}));
        admins_ = std::make_unique<access::Admins>(*config_, random_);
        cookies_ = std::make_unique<access::SessionCookies>(*config_, clock_);
        DIVAN_TRY_VOID(check_access_settings(*config_, *log_));
        DIVAN_TRY_VOID(identity_providers_->check());
        admins_->set_exposed(listeners_->exposed());
        DIVAN_TRY_VOID(admit_admin(*config_, *admins_, options_.admin, *log_));
        DIVAN_TRY_VOID(open_store());
        watch_for_anomalies();
        make_replications();
        identity_providers_->start(*authenticator_);
        DIVAN_TRY_VOID(listen());
        config_->on_change([this] { apply_changes(); });
        replications_->start(listeners_->url());
        schedule_housekeeping();
        return {};
    }

    void stop() {
        if (stopped_.exchange(true))
            return;
        // Logins that wait for a provider are answered now.
        if (identity_providers_)
            identity_providers_->answer_waiting();
        if (server_) {
            end_functions_after_drain();
            server_->stop();
        }
        if (identity_providers_)
            identity_providers_->stop_asking();
        // Its actions need the users and the store.
        if (anomaly_)
            anomaly_->stop();
        if (replications_)
            replications_->stop();
        global_changes_.reset();
        user_databases_.reset();
        // Builds end now and not after the functions that run for them: they go on from their checkpoint.
        // Writes that wait for their validation are answered.
        if (scripts_)
            scripts_->stop();
        view_builder_.reset();
        views_.reset();
        if (view_pool_)
            view_pool_->stop();
        // Logins wait for writes of the store, and work that is queued may refer to it and to the scripts.
        if (login_pool_)
            login_pool_->stop();
        if (identity_providers_)
            identity_providers_->stop_directory();
        if (pool_)
            pool_->stop();
        replications_.reset();
        anomaly_.reset();
        authenticator_.reset();
        users_.reset();
        if (audit_) {
            audit_->note_server("server_stopped");
            audit_->log().stop();
        }
        store_.reset();
        server_.reset();
    }

    // A request that waits for a function that does not end must not hold up the stop.
    void end_functions_after_drain() {
        server_->post_after(milliseconds(*config_, "drain_timeout_ms"),
                            [this] { pool_->post([this] { scripts_->stop(); }); });
    }

    std::string url() const { return listeners_->url(); }
    std::string tls_url() const { return listeners_->tls_url(); }
    void reload_certificate() { listeners_->reload_certificate(true); }
    std::function<void()> restart;

  private:
    Result<void> open_store() {
        if (options_.memory) {
            engine_ = kv::make_memory_engine();
        } else {
            DIVAN_TRY(engine_, kv::open_rocksdb_engine(rocksdb_options(*config_, data_directory_, clock_)));
        }
        scripts_ = std::make_unique<script::Pool>(script_options(*config_));
        validation_ = std::make_unique<design::Validation>(
            designs_, *scripts_, [this](std::string_view design_id, const script::LogLine &line) {
                log_->info(fmt::format("{} {}: {}", design_id, line.function, line.text));
            });
        view_pool_ = std::make_unique<ThreadPool>(
            static_cast<std::size_t>(config_->integer("divan", "view_query_thread_count")));
        views_ = views::make_views({*scripts_, designs_, *log_, clock_}, views_options(*config_));
        write_guard_ = std::make_unique<access::WriteGuard>(
            *validation_, access::WriteGuard::Services{*config_, clock_, random_, *cookies_});
        guard_ = std::make_unique<replication::DocumentGuard>(*write_guard_, *config_);
        DIVAN_TRY(audit_, AuditTrail::open({*engine_, clock_, *log_, metrics_}, *config_, random_,
                                           data_directory_, node_name_));
        DIVAN_TRY(store_, db::open_store({*engine_, *pool_, clock_, random_, guard_.get(),
                                          audit_ ? &audit_->recorder() : nullptr},
                                         store_options(*config_, data_directory_)));
        DIVAN_TRY_VOID(begin_audit());
        databases_ = std::make_unique<ServerDatabases>(*store_, audit_.get());
        DIVAN_TRY_VOID(make_system_databases(*databases_, *config_, *log_));
        if (!options_.load.empty()) {
            DIVAN_TRY_VOID(load_documents(*store_, *databases_, *config_, options_.load));
        }
        gate_ = std::make_unique<access::Gate>(*store_, *config_);
        users_ = std::make_unique<access::Users>(*config_, *admins_, *store_);
        authenticator_.reset(
            new access::Authenticator({.config = *config_,
                                       .clock = clock_,
                                       .random = random_,
                                       .engine_pool = *pool_,
                                       .login_pool = *login_pool_,
                                       .users = *users_,
                                       .cookies = *cookies_,
                                       .log = *log_,
                                       .directory = &identity_providers_->directory(),
                                       .directory_pool = &identity_providers_->directory_pool(),
                                       .policies = &gate_->policies()}));
        write_guard_->set_policies(gate_->policies());
        gate_->policies().set_users(*users_);
        return {};
    }

    // What commits of the process before have left is chained now.
    Result<void> begin_audit() {
        if (!audit_)
            return {};
        audit_->note_server("server_started");
        DIVAN_TRY(auto shards, store_->shards());
        for (auto shard : shards)
            audit_->log().note_pending(shard);
        return {};
    }

    // It sees what is recorded, so without an audit log there is nothing to see.
    void watch_for_anomalies() {
        if (!audit_)
            return;
        account_actions_ = std::make_unique<AccountActions>(*users_, *cookies_);
        anomaly_ = std::make_unique<anomaly::Watch>(
            anomaly::Watch::Services{clock_, random_, *log_, metrics_, audit_->log(), *account_actions_},
            anomaly::read_options(*config_));
    }

    void make_replications() {
        replications_.reset(new Replications({.config = *config_,
                                              .clock = clock_,
                                              .random = random_,
                                              .log = *log_,
                                              .metrics = metrics_,
                                              .pool = *pool_,
                                              .store = *store_,
                                              .gate = *gate_,
                                              .authenticator = *authenticator_,
                                              .designs = designs_,
                                              .scripts = *scripts_,
                                              .audit = audit_.get()}));
    }

    Result<void> listen() {
        services_.reset(new api::Services{
            .gate = *gate_,
            .authenticator = *authenticator_,
            .admins = *admins_,
            .config = *config_,
            .designs = designs_,
            .metrics = metrics_,
            .log = *log_,
            .engine_pool = *pool_,
            .view_pool = *view_pool_,
            .scripts = *scripts_,
            .views = *views_,
            .replicator = &replications_->replicator(),
            .oidc = &identity_providers_->oidc(),
            .saml = &identity_providers_->saml(),
            .audit = audit_ ? &audit_->log() : nullptr,
            .anomaly = anomaly_.get(),
            .clock = clock_,
            .random = random_,
            .node_name = node_name_,
            .server_uuid = config_->text("couchdb", "uuid"),
            .started_at = clock_.monotonic(),
            .spool_directory = options_.memory ? std::string() : data_directory_,
            .libraries = libraries(),
            .restart =
                [this] {
                    if (restart)
                        restart();
                },
        });
        dispatcher_ = std::make_unique<api::Dispatcher>(*services_, api::all_routes());
        connection_log_ = std::make_unique<ConnectionLog>(clock_, *log_, metrics_);
        server_ = std::make_unique<net::Server>(
            server_options(*config_),
            [this](net::Exchange &exchange) { return dispatcher_->handle(exchange); },
            [](const Error &error) { return api::error_response(error); },
            [this](net::ConnectionEvent event, const std::string &address, std::string_view detail) {
                connection_log_->note(event, address, detail);
            });
        if (config_->boolean("global_changes", "update_db"))
            global_changes_ = std::make_unique<GlobalChanges>(*store_, *pool_, global_changes_timing());
        user_databases_ = std::make_unique<UserDatabases>(*store_, *databases_, *config_, *pool_, *log_);
        user_databases_->look();
        view_builder_ = std::make_unique<ViewBuilder>(*store_, *views_, *pool_, view_builder_timing());
        return listeners_->open(*server_);
    }

    std::vector<api::Library> libraries() const {
        auto engine = options_.memory ? api::Library{"storage_engine", "memory", "none"}
                                      : api::Library{"storage_engine", "rocksdb", kv::rocksdb_version()};
        return {std::move(engine),
                {"cryptography", "openssl", crypto::openssl_version()},
                {"javascript_engine", "spidermonkey", options_.spidermonkey_version}};
    }

    GlobalChanges::Timing global_changes_timing() {
        return {[this] { return Millis(config_->integer("global_changes", "max_write_delay")); },
                [this](Millis delay, UniqueFunction<void()> work) {
                    server_->post_after(delay, std::move(work));
                }};
    }

    ViewBuilder::Timing view_builder_timing() {
        return {[this] { return milliseconds(*config_, "view_build_delay_ms"); },
                [this](Millis delay, UniqueFunction<void()> work) {
                    server_->post_after(delay, std::move(work));
                }};
    }

    void apply_changes() {
        log_->set_level(telemetry::parse_level(config_->text("log", "level")));
        users_->admins_changed();
        if (auto read = authenticator_->jwt().reload(); !read.ok())
            log_->error(read.error().reason());
        user_databases_->look();
        identity_providers_->apply_changes();
        listeners_->apply_settings();
        if (audit_)
            audit_->apply_settings();
        if (anomaly_)
            anomaly_->set_options(anomaly::read_options(*config_));
        store_->set_options(store_options(*config_, data_directory_));
        scripts_->set_options(script_options(*config_));
        replications_->apply_changes();
        auto origins = config_->list("cors", "origins");
        bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
        if (any && config_->boolean("chttpd", "enable_cors") && config_->boolean("cors", "credentials") &&
            !warned_cors_.exchange(true))
            log_->warning("CORS: every origin may send credentials ([cors] origins = *, credentials = true)");
    }

    void schedule_housekeeping() {
        server_->post_after(milliseconds(*config_, "housekeeping_interval_ms"), [this] {
            pool_->post([this] {
                if (stopped_)
                    return;
                store_->housekeep();
                listeners_->reload_certificate(false);
                schedule_housekeeping();
            });
        });
    }

    const ServeOptions options_;
    SystemClock clock_;
    SystemRandom random_;
    std::string node_name_;
    std::string data_directory_; // empty: in memory
    std::unique_ptr<config::Config> config_;
    std::unique_ptr<telemetry::Logger> log_;
    telemetry::Registry metrics_;
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<ThreadPool> login_pool_;
    std::unique_ptr<IdentityProviders> identity_providers_;
    std::unique_ptr<access::Admins> admins_;
    std::unique_ptr<access::SessionCookies> cookies_;
    design::DesignDocuments designs_{[this] { return selector::stored_limits(*config_); }};
    std::unique_ptr<script::Pool> scripts_;
    std::unique_ptr<design::Validation> validation_;
    std::unique_ptr<access::WriteGuard> write_guard_;
    std::unique_ptr<replication::DocumentGuard> guard_;
    std::unique_ptr<ThreadPool> view_pool_;
    std::unique_ptr<views::Views> views_;
    std::unique_ptr<AuditTrail> audit_;
    std::unique_ptr<db::Store> store_;
    std::unique_ptr<ServerDatabases> databases_;
    std::unique_ptr<GlobalChanges> global_changes_;
    std::unique_ptr<UserDatabases> user_databases_;
    std::unique_ptr<ViewBuilder> view_builder_;
    std::unique_ptr<access::Gate> gate_;
    std::unique_ptr<access::Users> users_;
    std::unique_ptr<access::Authenticator> authenticator_;
    std::unique_ptr<AccountActions> account_actions_;
    std::unique_ptr<anomaly::Watch> anomaly_;
    std::unique_ptr<Replications> replications_;
    std::unique_ptr<api::Services> services_;
    std::unique_ptr<api::Dispatcher> dispatcher_;
    std::unique_ptr<ConnectionLog> connection_log_;
    std::unique_ptr<Listeners> listeners_;
    std::unique_ptr<net::Server> server_;
    std::atomic<bool> stopped_ = false;
    std::atomic<bool> warned_cors_ = false;
};

Application::Application(ServeOptions options)
    : options_(std::move(options)), parts_(std::make_unique<Parts>(options_)) {}

Application::~Application() = default;

Result<void> Application::start() {
    return parts_->start();
}

std::string Application::url() const {
    return parts_->url();
}

std::string Application::tls_url() const {
    return parts_->tls_url();
}

void Application::reload_certificate() {
    parts_->reload_certificate();
}

void Application::on_restart(std::function<void()> restart) {
    parts_->restart = std::move(restart);
}

void Application::stop() {
    parts_->stop();
}

} // namespace divan::server
