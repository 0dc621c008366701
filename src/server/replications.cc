#include "server/replications.h"

#include "config/config.h"
#include "net/http_client.h"
#include "net/socket_loop.h"
#include "replication/replicator.h"
#include "replication/throttle.h"
#include "server/audit_trail.h"
#include "server/net_options.h"

namespace divan::server {

Replications::Replications(const Services &services)
    : config_(services.config), loop_(std::make_unique<net::SocketLoop>(services.clock)),
      http_(net::make_http_client(*loop_, http_client_options(config_))),
      throttle_(std::make_unique<replication::Throttle>(*loop_, replication_bytes_per_second(config_))) {
    context_.reset(new replication::Context{
        .loop = *loop_,
        .pool = services.pool,
        .http = *http_,
        .throttle = *throttle_,
        .clock = services.clock,
        .random = services.random,
        .config = config_,
        .log = services.log,
        .metrics = services.metrics,
        .gate = &services.gate,
        .authenticator = &services.authenticator,
        .designs = &services.designs,
        .scripts = &services.scripts,
        .server_uuid = config_.text("couchdb", "uuid"),
    });
    if (auto *audit = services.audit; audit != nullptr) {
        context_->on_job_event = [audit](const replication::Replication &replication, std::string_view id,
                                         std::string_view event, std::string_view reason) {
            audit->note_job(replication, id, event, reason);
        };
        context_->on_target_created = [audit](const replication::Replication &replication) {
            return audit->note_target(replication);
        };
    }
    replicator_ = std::make_unique<replication::Replicator>(*context_, services.store,
                                                            replication::scheduler_options(config_));
}

Replications::~Replications() = default;

void Replications::start(std::string server_url) {
    loop_->post([this, url = std::move(server_url)] { context_->server_url = url; });
    replicator_->start();
}

void Replications::apply_changes() {
    replicator_->set_options(replication::scheduler_options(config_));
    loop_->post([this, rate = replication_bytes_per_second(config_)] { throttle_->budget().set_rate(rate); });
}

void Replications::stop() {
    replicator_->stop();
    loop_->stop();
}

} // namespace divan::server
