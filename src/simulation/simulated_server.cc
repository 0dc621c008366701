#include "simulation/simulated_server.h"

#include "access/authenticator.h"
#include "access/gate.h"
#include "api/dispatcher.h"
#include "api/services.h"
#include "config/config.h"
#include "db/store.h"
#include "replication/throttle.h"
#include "simulation/simulated_pool.h"
#include "telemetry/metrics.h"

#include <fmt/format.h>
#include <map>

namespace divan::simulation {
namespace {

// Whoever has not ended by then never will.
constexpr std::chrono::minutes kEndMax{5};
// Small ones, so that all of it happens in a short life with little data.
constexpr std::size_t kAttachmentChunkBytes = 1'024;
constexpr std::uint64_t kCompactionReplacedBytesMin = 4'096;
constexpr Millis kHousekeepingInterval{5'000};

std::unique_ptr<config::Config> make_config() {
    auto config = config::Config::load({}, "").value();
    DIVAN_CHECK(config->set_override("chttpd_auth", "secret", "shared secret").ok());
    DIVAN_CHECK(config->set_override("chttpd_auth", "iterations", "1").ok());
    // The simulated client does not inflate; compression has its tests over sockets.
    DIVAN_CHECK(config->set_override("replicator", "compression_level", "0").ok());
    DIVAN_CHECK(config->set("admins", kUser, kPassword, false).ok());
    return config;
}

} // namespace

access::Principal admin() {
    return {kUser, {"_admin"}, "default"};
}

NoFunctions::NoFunctions()
    : scripts_({.command = {"/bin/false"}}),
      views_(views::make_views({scripts_, designs_, log_, clock_},
                               {.foreground_threads = 1, .background_threads = 1})) {
    scripts_.stop();
}

// Everything that a crash takes.
struct SimulatedServer::Life {
    Life(SimulatedServer &node, kv::Engine &engine)
        : random(node.dice_.number()), pool(node.loop_, node.dice_.fork()),
          log(node.loop_.clock(), node.name_, "", node.options_.log_level), config(make_config()),
          admins(*config, random), cookies(*config, node.loop_.clock()),
          store(db::open_store({engine, pool, node.loop_.clock(), random}, store_options()).value()),
          gate(*store, *config), users(*config, admins, *store), authenticator({.config = *config,
                                                                                .clock = node.loop_.clock(),
                                                                                .random = random,
                                                                                .engine_pool = pool,
                                                                                .login_pool = pool,
                                                                                .users = users,
                                                                                .cookies = cookies,
                                                                                .log = log}),
          http(node.network_.client(node.name_)), throttle(node.loop_, 0),
          services(new api::Services{
              .gate = gate,
              .authenticator = authenticator,
              .admins = admins,
              .config = *config,
              .designs = designs,
              .metrics = metrics,
              .log = log,
              .engine_pool = pool,
              .view_pool = pool,
              .scripts = node.functions_.scripts(),
              .views = node.functions_.views(),
              .clock = node.loop_.clock(),
              .random = random,
              .node_name = node.name_,
              .server_uuid = node.name_,
              .started_at = node.loop_.clock().monotonic(),
          }),
          dispatcher(*services, api::all_routes()), context{.loop = node.loop_,
                                                            .pool = pool,
                                                            .http = *http,
                                                            .throttle = throttle,
                                                            .clock = node.loop_.clock(),
                                                            .random = random,
                                                            .config = *config,
                                                            .log = log,
                                                            .metrics = metrics,
                                                            .gate = &gate,
                                                            .designs = &designs,
                                                            .scripts = &node.functions_.scripts(),
                                                            .server_uuid = node.name_},
          scheduler(context, node.options_.scheduler,
                    [this](const replication::Replication &what, const replication::ReplicationId &id,
                           replication::Progress &progress, Cancellation &cancellation) {
                        return replication::replicate(context, what, id, progress, cancellation);
                    }) {
        DIVAN_CHECK(admins.hash_plain_admins().ok());
        auto made = store->create(kDatabase, {});
        DIVAN_CHECK(made.ok() || made.error().code() == ErrorCode::file_exists);
        database = store->open(kDatabase).value();
    }

    static db::StoreOptions store_options() {
        db::StoreOptions options;
        options.attachment_chunk_bytes = kAttachmentChunkBytes;
        options.compaction_replaced_bytes_min = kCompactionReplacedBytesMin;
        return options;
    }

    SeededRandom random;
    SimulatedPool pool;
    telemetry::Logger log;
    telemetry::Registry metrics;
    std::unique_ptr<config::Config> config;
    access::Admins admins;
    access::SessionCookies cookies;
    design::DesignDocuments designs;
    std::unique_ptr<db::Store> store;
    access::Gate gate;
    access::Users users;
    access::Authenticator authenticator;
    std::shared_ptr<db::Database> database;
    std::unique_ptr<net::HttpClient> http;
    replication::Throttle throttle;
    std::unique_ptr<api::Services> services;
    api::Dispatcher dispatcher;
    replication::Context context;
    replication::Scheduler scheduler;
    std::map<std::string, std::unique_ptr<EventLoop::Timer>> pauses; // of jobs, by id
    std::unique_ptr<EventLoop::Timer> housekeeping;
    bool ending = false;
};

SimulatedServer::SimulatedServer(EventLoop &loop, SimulatedNetwork &network, NoFunctions &functions,
                                 std::string name, Dice dice, DiskBugs bugs, ServerOptions options)
    : loop_(loop), network_(network), functions_(functions), name_(std::move(name)), dice_(std::move(dice)),
      options_(std::move(options)), disk_(dice_.fork(), bugs) {}

SimulatedServer::~SimulatedServer() {
    DIVAN_CHECK(!life_);
}

void SimulatedServer::start() {
    DIVAN_CHECK(!life_);
    life_ = std::make_unique<Life>(*this, disk_.open());
    network_.attach(
        name_, [life = life_.get()](net::Exchange &exchange) { return life->dispatcher.handle(exchange); });
    for (const auto &job : jobs_)
        begin(job);
    keep_house();
}

// Compaction and sweeping, as the timer of a server does them.
void SimulatedServer::keep_house() {
    auto &life = *life_;
    life.housekeeping = loop_.after(kHousekeepingInterval, [this, &life] {
        life.pool.post([&life] { life.store->housekeep(); });
        keep_house();
    });
}

bool SimulatedServer::running() const {
    return life_ && !life_->ending;
}

db::Database &SimulatedServer::database() {
    DIVAN_CHECK(running());
    return *life_->database;
}

// ---- jobs

replication::ReplicationId SimulatedServer::id_of(const Job &job) const {
    return replication::replication_id(job.replication, name_, std::string_view());
}

void SimulatedServer::begin(const Job &job) {
    auto ended = [this, life = life_.get(), &job](const replication::JobEnd &, const replication::JobView &) {
        if (life == life_.get() && running())
            begin_again(job);
    };
    DIVAN_CHECK(life_->scheduler.add(id_of(job), job.replication, ended).ok());
}

void SimulatedServer::begin_again(const Job &job) {
    life_->pauses[id_of(job).text()] = loop_.after(job.pause, [this, &job] {
        if (running())
            begin(job);
    });
}

std::string SimulatedServer::jobs_text() const {
    std::string text;
    for (const auto &job : life_->scheduler.jobs()) {
        text.append(fmt::format("\n    {} runs {} to {}{}: {}", name_, job.replication.source.shown(),
                                job.replication.target.shown(),
                                job.replication.continuous ? ", continuous" : "",
                                replication::job_state_name(job.state)));
        text.append(fmt::format(", through {} of {}", job.progress.through_seq, job.progress.source_seq));
        for (const auto &event : job.history)
            if (event.type == replication::JobEvent::Type::crashed)
                text.append("; ").append(event.reason);
    }
    return text;
}

// ---- ends

Task<void> SimulatedServer::stop() {
    return end(false);
}

Task<void> SimulatedServer::crash() {
    return end(true);
}

Task<void> SimulatedServer::end(bool cut_power) {
    DIVAN_CHECK(running());
    life_->ending = true;
    life_->pauses.clear();
    life_->housekeeping.reset();
    if (cut_power) {
        disk_.cut_power();
        network_.detach(name_);
    }
    co_await life_->scheduler.stop();
    network_.detach(name_);
    // What ran on this node goes on until it has noticed.
    Cancellation never;
    auto late = loop_.clock().now() + kEndMax;
    do {
        ignore_error(co_await pause_for(loop_, Millis(1), never), "it is never cancelled");
        DIVAN_CHECK(loop_.clock().now() < late);
    } while (network_.running(name_) > 0 || life_->pool.pending() > 0);
    life_.reset();
}

} // namespace divan::simulation
