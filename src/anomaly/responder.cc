#include "anomaly/responder.h"

#include "audit/log.h"
#include "base/encoding.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::anomaly {
namespace {

using telemetry::Metric;

constexpr std::size_t kIdBytes = 8;

audit::Record server_record(std::string_view action) {
    audit::Record record;
    record.kind = audit::Kind::anomaly;
    record.action = action;
    record.authenticated = "server";
    return record;
}

std::string about(const Event &event) {
    if (event.principal.empty())
        return "from " + event.address;
    if (event.address.empty())
        return "of " + event.principal;
    return fmt::format("of {} from {}", event.principal, event.address);
}

} // namespace

json::Object block_details(const BlockedAddresses::Block &block) {
    json::Object details;
    details.append("address", block.address);
    details.append("anomaly", kind_name(block.kind));
    details.append("event", block.event);
    return details;
}

std::string event_text(const Event &event, std::string_view node) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("event", std::string_view(event.id))
        .member("time", std::string_view(audit::time_text(event.time)))
        .member("node", node)
        .member("anomaly", kind_name(event.kind));
    if (!event.principal.empty())
        writer.member("principal", std::string_view(event.principal));
    if (!event.address.empty())
        writer.member("address", std::string_view(event.address));
    writer.value("evidence", json::Value(event.evidence));
    writer.close();
    return text;
}

void Responder::raise(Event event, const std::shared_ptr<const Options> &options) {
    event.id = hex_encode(services_.random.bytes(kIdBytes));
    services_.metrics.count(Metric::anomaly_events);
    services_.log.warning(fmt::format("anomaly: {} {} {}", kind_name(event.kind), about(event),
                                      json::to_text(json::Value(event.evidence))));
    audit::Record record;
    record.time = event.time;
    record.kind = audit::Kind::anomaly;
    record.action = kind_name(event.kind);
    record.principal = event.principal;
    record.address = event.address;
    record.details.append("event", event.id);
    for (const auto &member : event.evidence)
        record.details.append(member.key, member.value);
    services_.audit.note(std::move(record));
    for (std::size_t action = 0; action < kActionCount; ++action)
        if (options->does(event.kind, static_cast<Action>(action)))
            act(static_cast<Action>(action), event, options);
}

void Responder::act(Action action, const Event &event, const std::shared_ptr<const Options> &options) {
    json::Object details;
    switch (action) {
    case Action::lock:
        if (event.principal.empty())
            return;
        details.append("name", event.principal);
        return record_action("account_locked", event, std::move(details),
                             services_.accounts.lock(event.principal));
    case Action::close_sessions:
        if (event.principal.empty())
            return;
        details.append("name", event.principal);
        return record_action("sessions_closed", event, std::move(details),
                             services_.accounts.end_sessions(event.principal));
    case Action::block_address:
        if (event.address.empty())
            return;
        details.append("address", event.address);
        details.append("seconds", static_cast<std::int64_t>(options->block.time.count()));
        return record_action("address_blocked", event, std::move(details),
                             blocks_.block(event.address, event.kind, event.id, options->block));
    case Action::webhook:
        return call_webhook(event, options);
    case Action::kCount:
        break;
    }
}

void Responder::call_webhook(const Event &event, const std::shared_ptr<const Options> &options) {
    auto done = [this, event](const Result<void> &sent) { record_action("webhook_called", event, {}, sent); };
    auto queued = webhook_.send(options, event_text(event, services_.audit.node()), done);
    if (!queued.ok())
        done(queued);
}

void Responder::record_action(std::string_view action, const Event &event, json::Object details,
                              const Result<void> &done) {
    auto record = server_record(action);
    record.details = std::move(details);
    record.details.append("anomaly", kind_name(event.kind));
    record.details.append("event", event.id);
    if (!done.ok()) {
        services_.metrics.count(Metric::anomaly_action_failures);
        services_.log.warning(fmt::format("anomaly: {} {}: {} was not done: {}", kind_name(event.kind),
                                          about(event), action, done.error().reason()));
        record.outcome = audit::Outcome::failed;
        record.reason = done.error().reason();
    }
    this->record(std::move(record));
}

void Responder::record_end(const BlockedAddresses::Block &block, std::string_view why) {
    auto record = server_record("address_unblocked");
    record.reason = why;
    record.details = block_details(block);
    this->record(std::move(record));
}

void Responder::record(audit::Record record) {
    ignore_error(services_.audit.note_durable(std::move(record)),
                 "the log has written it to the server's log");
}

} // namespace divan::anomaly
