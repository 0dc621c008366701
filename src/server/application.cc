#include "server/application.h"

#include "access/admins.h"
#include "access/authenticator.h"
#include "access/gate.h"
#include "access/handlers.h"
#include "access/password_regexp.h"
#include "access/users.h"
#include "access/write_guard.h"
#include "anomaly/watch.h"
#include "anomaly/webhook.h"
#include "api/dispatcher.h"
#include "api/error_response.h"
#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "db/store.h"
#include "design/design_documents.h"
#include "design/validation.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "net/http_client.h"
#include "net/server.h"
#include "net/socket_loop.h"
#include "replication/document_guard.h"
#include "replication/replicator.h"
#include "replication/throttle.h"
#include "script/pool.h"
#include "selector/limits.h"
#include "server/account_actions.h"
#include "server/audit_trail.h"
#include "server/connection_log.h"
#include "server/global_changes.h"
#include "server/identity_providers.h"
#include "server/listeners.h"
#include "server/load.h"
#include "server/script_options.h"
#include "server/user_databases.h"
#include "server/view_builder.h"
#include "server/views_options.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "views/views.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace divan::server {
namespace {

constexpr std::string_view kDefaultNode = "divan@127.0.0.1";

Millis milliseconds(const config::Config &config, std::string_view key) {
    return Millis(config.integer("divan", key));
}

net::ServerOptions server_options(const config::Config &config) {
    auto size = [&](std::string_view key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    net::ServerOptions options;
    options.thread_count = size("io_thread_count");
    options.connections_max = size("connections_max");
    options.header_bytes_max = size("header_bytes_max");
    options.target_bytes_max = size("target_bytes_max");
    options.body_bytes_max = static_cast<std::uint64_t>(config.integer("chttpd", "max_http_request_size"));
    options.handshake_timeout = milliseconds(config, "tls_handshake_timeout_ms");
    options.header_timeout = milliseconds(config, "header_timeout_ms");
    options.body_timeout = milliseconds(config, "body_timeout_ms");
    options.write_timeout = milliseconds(config, "write_timeout_ms");
    options.keep_alive_timeout = milliseconds(config, "keep_alive_timeout_ms");
    options.drain_timeout = milliseconds(config, "drain_timeout_ms");
    return options;
}

db::StoreOptions store_options(const config::Config &config, const std::string &data_directory) {
    auto size = [&](std::string_view key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    db::StoreOptions options;
    options.open_databases_max = static_cast<std::size_t>(config.integer("couchdb", "max_dbs_open"));
    options.partition_bytes_max = static_cast<std::uint64_t>(config.integer("couchdb", "max_partition_size"));
    options.commit_group_edits_max = size("commit_group_edits_max");
    options.commit_queue_edits_max = size("commit_queue_edits_max");
    options.inline_body_bytes_max = size("inline_body_bytes_max");
    options.compaction_replaced_share = static_cast<double>(size("compaction_replaced_share_percent")) / 100;
    options.compaction_replaced_bytes_min = size("compaction_replaced_bytes_min");
    options.compaction_keep_revisions_newest = size("compaction_keep_revisions_newest");
    options.shown_verdicts_bytes_max = size("shown_verdicts_bytes_max");
    options.housekeeping_interval = milliseconds(config, "housekeeping_interval_ms");
    options.data_directory = data_directory;
    if (config.text("couchdb", "default_security") == "everyone")
        options.default_security = "{}";
    if (config.boolean("disk_monitor", "enable"))
        options.disk_used_share_max =
            static_cast<double>(config.integer("disk_monitor", "interactive_database_writes_threshold")) /
            100;
    return options;
}

// The name stands in URLs, log lines and metrics.
Result<void> check_node_name(std::string_view name) {
    constexpr std::size_t kNodeNameBytesMax = 255;
    bool legal = name.size() <= kNodeNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            std::string_view("@._-").find(c) != std::string_view::npos;
                 });
    if (!legal || name.starts_with("_"))
        return Error(ErrorCode::bad_request,
                     "--name and NODENAME take letters, digits and `@._-`, and do not begin with `_`.");
    return {};
}

// --data-dir, or [couchdb] database_dir of the ini files.
Result<std::string> find_data_directory(const ServeOptions &options) {
    if (!options.data_directory.empty())
        return options.data_directory;
    DIVAN_TRY(auto config, config::Config::load(options.config_files, ""));
    auto directory = config->text("couchdb", "database_dir");
    if (directory.empty())
        return Error(ErrorCode::bad_request,
                     "There is no data directory. Give --data-dir DIR, set database_dir in [couchdb] of a "
                     "--config file, or use --memory for a server that keeps nothing.");
    return directory;
}

} // namespace

class Application::Parts {
  public:
    explicit Parts(const ServeOptions &options) : options_(options) {}
    ~Parts() { stop(); }

    Result<void> start() {
        node_name_ = options_.node_name.empty() ? std::string(kDefaultNode) : options_.node_name;
        DIVAN_TRY_VOID(check_node_name(node_name_));
        DIVAN_TRY_VOID(load_config());
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
        DIVAN_TRY_VOID(check_access_settings());
        DIVAN_TRY_VOID(admit_admin());
        DIVAN_TRY_VOID(open_store());
        watch_for_anomalies();
        make_replicator();
        identity_providers_->start(*authenticator_);
        DIVAN_TRY_VOID(listen());
        config_->on_change([this] { apply_changes(); });
        replication_loop_->post([this] { replication_->server_url = listeners_->url(); });
        replicator_->start();
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
        // Its last checkpoints and notes need the pool and the store.
        if (replicator_)
            replicator_->stop();
        if (replication_loop_)
            replication_loop_->stop();
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
        replicator_.reset();
        http_client_.reset();
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
    Result<void> load_config() {
        std::string local;
        if (!options_.memory) {
            DIVAN_TRY(data_directory_, find_data_directory(options_));
            std::error_code error;
            std::filesystem::create_directories(data_directory_, error);
            if (!std::filesystem::is_directory(data_directory_))
                return Error(ErrorCode::bad_request, fmt::format("The data directory {} cannot be made: {}.",
                                                                 data_directory_, error.message()));
            if (::access(data_directory_.c_str(), R_OK | W_OK | X_OK) != 0)
                return Error(ErrorCode::bad_request, fmt::format("The data directory {} cannot be used: {}.",
                                                                 data_directory_, std::strerror(errno)));
            local = data_directory_ + "/local.ini";
        }
        DIVAN_TRY(config_, config::Config::load(options_.config_files, local));
        // The command line wins over every file, and _config shows what is in force.
        if (options_.bind) {
            DIVAN_TRY_VOID(config_->set_override("chttpd", "bind_address", *options_.bind));
        }
        if (options_.port) {
            DIVAN_TRY_VOID(config_->set_override("chttpd", "port", std::to_string(*options_.port)));
        }
        if (options_.log_level) {
            DIVAN_TRY_VOID(config_->set_override("log", "level", *options_.log_level));
        }
        if (options_.secret) {
            DIVAN_TRY_VOID(config_->set_override("chttpd_auth", "secret", *options_.secret));
        }
        for (auto [section, key] : {std::pair{"couchdb", "uuid"}, std::pair{"chttpd_auth", "secret"}})
            if (config_->text(section, key).empty()) {
                auto made = hex_encode(random_.bytes(16));
                if (options_.memory) {
                    DIVAN_TRY_VOID(config_->set_override(section, key, std::move(made)));
                } else {
                    DIVAN_TRY(auto old, config_->set(section, key, std::move(made), true));
                }
            }
        return {};
    }

    // What is wrong here would open a door, or close all of them.
    Result<void> check_access_settings() {
        DIVAN_TRY_VOID(config_->add_check("chttpd", "authentication_handlers", [](std::string_view text) {
            auto handlers = access::parse_handlers(text);
            return handlers.ok() ? Result<void>() : handlers.error();
        }));
        DIVAN_TRY_VOID(config_->add_check("chttpd_auth", "password_regexp", access::check_password_regexps));
        DIVAN_TRY_VOID(config_->add_check("jwt_auth", "required_claims", [](std::string_view text) {
            auto claims = access::parse_required_claims(text);
            return claims.ok() ? Result<void>() : claims.error();
        }));
        DIVAN_TRY_VOID(
            config_->add_section_check("jwt_keys", [](std::string_view name, std::string_view value) {
                return access::KeySet().add_configured(name, value);
            }));
        DIVAN_TRY_VOID(config_->add_check("anomaly", "block_exempt", [](std::string_view text) {
            auto list = net::AddressList::parse(text);
            return list.ok() ? Result<void>() : list.error();
        }));
        DIVAN_TRY_VOID(config_->add_check("anomaly", "webhook_url", anomaly::check_webhook_url));
        DIVAN_TRY_VOID(identity_providers_->check());
        DIVAN_TRY(auto handlers, access::parse_handlers(config_->text("chttpd", "authentication_handlers")));
        bool by_proxy = std::find(handlers.begin(), handlers.end(), access::Handler::proxy) != handlers.end();
        if (by_proxy && !config_->boolean("chttpd_auth", "proxy_use_secret"))
            log_->warning("authentication by proxy without a secret: whoever reaches the server is believed "
                          "([chttpd_auth] proxy_use_secret = true asks for a token)");
        return {};
    }

    Result<void> admit_admin() {
        admins_->set_exposed(listeners_->exposed());
        if (options_.admin) {
            auto colon = options_.admin->find(':');
            if (colon == std::string::npos || colon == 0 || colon + 1 == options_.admin->size())
                return Error(ErrorCode::bad_request, "--admin needs the form NAME:PASSWORD.");
            auto name = options_.admin->substr(0, colon);
            auto password = options_.admin->substr(colon + 1);
            DIVAN_TRY(auto text, admins_->admin_text(name, password));
            if (access::is_known_default_password(name, password))
                warn_of_password(name);
            DIVAN_TRY_VOID(config_->set_override("admins", name, std::move(text)));
        }
        DIVAN_TRY(auto weak, admins_->hash_plain_admins());
        for (const auto &name : weak)
            warn_of_password(name);
        if (!admins_->any())
            return Error(
                ErrorCode::bad_request,
                "There is no server admin, and without one nobody could get in. Give one: `--admin "
                "NAME:PASSWORD`, "
                "the environment variables COUCHDB_USER and COUCHDB_PASSWORD, or a section [admins] with "
                "`name = password` in an ini file.");
        return {};
    }

    void warn_of_password(const std::string &name) {
        log_->warning(fmt::format("the password of admin `{}` is one that everybody tries first", name));
    }

    Result<void> open_store() {
        if (options_.memory) {
            engine_ = kv::make_memory_engine();
        } else {
            kv::RocksdbOptions rocksdb;
            rocksdb.directory = data_directory_ + "/engine";
            rocksdb.memory_bytes_max =
                static_cast<std::size_t>(config_->integer("divan", "memory_bytes_max"));
            rocksdb.clock = &clock_;
            std::error_code ignored;
            std::filesystem::create_directories(rocksdb.directory, ignored);
            DIVAN_TRY(engine_, kv::open_rocksdb_engine(rocksdb));
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
        // As a CouchDB that was set up as a single node.
        std::vector<std::string> system_databases = {config_->text("chttpd_auth", "authentication_db"),
                                                     "_replicator"};
        if (config_->boolean("global_changes", "update_db"))
            system_databases.emplace_back("_global_changes");
        for (const auto &system : system_databases)
            if (auto made = store_->create(system, {});
                !made.ok() && made.error().code() != ErrorCode::file_exists) {
                // Reads go on when the disk is full; the next start makes them.
                if (made.error().code() != ErrorCode::insufficient_storage)
                    return made.error();
                log_->warning(fmt::format("{} was not made: {}", system, made.error().reason()));
            }
        if (!options_.load.empty()) {
            DIVAN_TRY_VOID(load_documents(*store_, *config_, options_.load));
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

    // Of all replications together; 0 = no limit.
    std::uint64_t node_bytes_per_second() const {
        return static_cast<std::uint64_t>(config_->integer("replicator", "kilobytes_per_second_total")) *
               1'000;
    }

    void make_replicator() {
        replication_loop_ = std::make_unique<net::SocketLoop>(clock_);
        net::HttpClientOptions options;
        options.keep_alive_timeout = Millis(config_->integer("replicator", "keep_alive_timeout") * 1'000);
        options.idle_connections_max = 0;
        if (config_->boolean("replicator", "connection_pooling"))
            options.idle_connections_max =
                static_cast<std::size_t>(config_->integer("replicator", "idle_connections_max"));
        http_client_ = net::make_http_client(*replication_loop_, options);
        throttle_ = std::make_unique<replication::Throttle>(*replication_loop_, node_bytes_per_second());
        replication_.reset(new replication::Context{
            .loop = *replication_loop_,
            .pool = *pool_,
            .http = *http_client_,
            .throttle = *throttle_,
            .clock = clock_,
            .random = random_,
            .config = *config_,
            .log = *log_,
            .metrics = metrics_,
            .gate = gate_.get(),
            .authenticator = authenticator_.get(),
            .designs = &designs_,
            .scripts = scripts_.get(),
            .server_uuid = config_->text("couchdb", "uuid"),
        });
        if (audit_)
            replication_->on_job_event = [this](const replication::Replication &replication,
                                                std::string_view id, std::string_view event,
                                                std::string_view reason) {
                audit_->note_job(replication, id, event, reason);
            };
        replicator_ = std::make_unique<replication::Replicator>(*replication_, *store_,
                                                                replication::scheduler_options(*config_));
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
            .replicator = replicator_.get(),
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
        user_databases_ = std::make_unique<UserDatabases>(*store_, *config_, *pool_, *log_);
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
        replicator_->set_options(replication::scheduler_options(*config_));
        replication_loop_->post(
            [this, rate = node_bytes_per_second()] { throttle_->budget().set_rate(rate); });
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
    std::unique_ptr<GlobalChanges> global_changes_;
    std::unique_ptr<UserDatabases> user_databases_;
    std::unique_ptr<ViewBuilder> view_builder_;
    std::unique_ptr<access::Gate> gate_;
    std::unique_ptr<access::Users> users_;
    std::unique_ptr<access::Authenticator> authenticator_;
    std::unique_ptr<AccountActions> account_actions_;
    std::unique_ptr<anomaly::Watch> anomaly_;
    std::unique_ptr<net::SocketLoop> replication_loop_;
    std::unique_ptr<net::HttpClient> http_client_;
    std::unique_ptr<replication::Throttle> throttle_;
    std::unique_ptr<replication::Context> replication_;
    std::unique_ptr<replication::Replicator> replicator_;
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
