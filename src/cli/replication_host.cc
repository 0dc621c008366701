#include "cli/replication_host.h"

#include "cli/replication_failure.h"

namespace divan::cli {
namespace {

// Ids of checkpoints are made with it: they are the same wherever the command runs, so that another machine
// goes on where this one stopped.
constexpr const char *kCommandUuid = "divan command line";

Task<replication::SessionEnd> identify_and_replicate(replication::Context &context,
                                                     const replication::Replication &replication,
                                                     replication::Progress &progress,
                                                     Cancellation &cancellation) {
    auto id = co_await replication::identify(context, replication, cancellation);
    if (!id.ok())
        co_return failure_to_identify(id.error(), replication);
    auto end = co_await replication::replicate(context, replication, *id, progress, cancellation);
    co_return end;
}

} // namespace

net::TlsOptions ConnectionOptions::tls() const {
    net::TlsOptions options;
    options.verify = !insecure;
    options.ca_file = ca_file;
    options.certificate_file = certificate_file;
    options.key_file = key_file;
    return options;
}

Result<std::unique_ptr<ReplicationHost>> ReplicationHost::make(const ConnectionOptions &options) {
    DIVAN_TRY(auto config, config::Config::load({}, ""));
    auto set = [&](const char *key, std::string value) {
        return config->set_override("replicator", key, std::move(value));
    };
    DIVAN_TRY_VOID(set("ssl_trusted_certificates_file", options.ca_file));
    DIVAN_TRY_VOID(set("cert_file", options.certificate_file));
    DIVAN_TRY_VOID(set("key_file", options.key_file));
    DIVAN_TRY_VOID(set("verify_ssl_certificates", options.insecure ? "false" : "true"));
    DIVAN_TRY_VOID(set("kilobytes_per_second_total", std::to_string(options.kilobytes_per_second)));
    return std::unique_ptr<ReplicationHost>(new ReplicationHost(std::move(config)));
}

ReplicationHost::ReplicationHost(std::unique_ptr<config::Config> config)
    : config_(std::move(config)), log_(clock_, "divan", "", telemetry::Level::none), pool_(1), loop_(clock_),
      http_(net::make_http_client(loop_)),
      throttle_(loop_,
                static_cast<std::uint64_t>(config_->integer("replicator", "kilobytes_per_second_total")) *
                    1'000),
      context_{.loop = loop_,
               .pool = pool_,
               .http = *http_,
               .throttle = throttle_,
               .clock = clock_,
               .random = random_,
               .config = *config_,
               .log = log_,
               .metrics = metrics_,
               .server_uuid = kCommandUuid} {}

ReplicationHost::~ReplicationHost() {
    loop_.stop();
}

void ReplicationHost::on_loop(const std::function<void()> &work) {
    std::promise<void> done;
    loop_.post([&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

replication::Progress ReplicationHost::look(const replication::Progress &progress) {
    replication::Progress copy;
    on_loop([&] { copy = progress; });
    return copy;
}

void ReplicationHost::cancel(Cancellation &cancellation) {
    on_loop([&] { cancellation.cancel(); });
}

replication::SessionEnd ReplicationHost::replicate(const replication::Replication &replication,
                                                   replication::Progress &progress,
                                                   Cancellation &cancellation) {
    return run([&] { return identify_and_replicate(context_, replication, progress, cancellation); });
}

} // namespace divan::cli
