#include "anomaly/options.h"

#include "config/config.h"

#include <algorithm>
#include <iterator>

namespace divan::anomaly {
namespace {

constexpr std::string_view kActionNames[] = {"lock", "close_sessions", "block_address", "webhook"};
static_assert(std::size(kActionNames) == kActionCount);

// Reads of one section.
struct Section {
    const config::Config &config;

    template <typename Number = std::size_t> [[nodiscard]] Number number(std::string_view key) const {
        return static_cast<Number>(config.integer("anomaly", key));
    }
    [[nodiscard]] std::chrono::seconds seconds(std::string_view key) const {
        return std::chrono::seconds(config.integer("anomaly", key));
    }
    [[nodiscard]] Millis millis(std::string_view key) const { return Millis(config.integer("anomaly", key)); }
};

Actions read_actions(const config::Config &config, std::string_view kind) {
    Actions actions{};
    for (const auto &name : config.list("anomaly", std::string(kind) + "_actions"))
        if (const auto *found = std::find(std::begin(kActionNames), std::end(kActionNames), name);
            found != std::end(kActionNames))
            actions[static_cast<std::size_t>(found - std::begin(kActionNames))] = true;
    return actions;
}

WebhookOptions read_webhook(const config::Config &config) {
    Section section{config};
    WebhookOptions webhook;
    webhook.url = config.secret("anomaly", "webhook_url");
    webhook.secret = config.secret("anomaly", "webhook_secret");
    webhook.ca_file = config.text("anomaly", "webhook_ca_file");
    webhook.timeout = section.millis("webhook_timeout_ms");
    webhook.retries_max = section.number("webhook_retries_max");
    webhook.retry_delay = section.millis("webhook_retry_delay_ms");
    webhook.queue_max = section.number("webhook_queue_max");
    return webhook;
}

} // namespace

std::shared_ptr<const Options> read_options(const config::Config &config) {
    Section section{config};
    auto options = std::make_shared<Options>();
    options->enabled = config.boolean("anomaly", "enable");
    for (const auto &name : config.list("anomaly", "kinds"))
        if (auto kind = parse_kind(name))
            options->kinds[static_cast<std::size_t>(*kind)] = true;
    for (std::size_t kind = 0; kind < kKindCount; ++kind)
        options->actions[kind] = read_actions(config, kind_name(static_cast<Kind>(kind)));
    options->failed_logins = {section.number("failed_logins_threshold"),
                              section.seconds("failed_logins_window_seconds")};
    options->refusals = {section.number("refusals_threshold"), section.seconds("refusals_window_seconds")};
    auto &reads = options->reads;
    reads.factor = section.number<double>("many_reads_factor");
    reads.requests_floor = section.number<std::uint64_t>("many_reads_requests_floor");
    reads.bytes_floor = section.number<std::uint64_t>("many_reads_bytes_floor");
    reads.learning_hours = section.number<std::uint64_t>("many_reads_learning_hours");
    reads.history_hours = section.number<std::uint64_t>("many_reads_history_hours");
    options->new_address = {section.seconds("new_address_window_seconds"),
                            section.number("new_address_known_max")};
    // The list was checked when it was set.
    options->block = {section.seconds("block_seconds"),
                      net::AddressList::parse(config.text("anomaly", "block_exempt")).value(),
                      section.number("blocked_addresses_max")};
    options->webhook = read_webhook(config);
    options->subjects_max = section.number("subjects_max");
    options->queue_max = section.number("queue_max");
    options->learn_records_max = section.number("learn_records_max");
    options->reads_interval = section.millis("reads_interval_ms");
    return options;
}

} // namespace divan::anomaly
