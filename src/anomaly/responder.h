#pragma once

// What becomes of an event: a record, a line in the server's log, a count, and the actions of its kind.

#include "anomaly/blocked_addresses.h"
#include "anomaly/watch.h"
#include "anomaly/webhook.h"

namespace divan::anomaly {

// raise() and record_end() on one thread at a time.
class Responder {
  public:
    explicit Responder(const Watch::Services &services) : services_(services), blocks_(services.clock) {}

    // Gives the event its id. Blocks on the audit log and on accounts.
    void raise(Event event, const std::shared_ptr<const Options> &options);
    // `why`: a sentence.
    void record_end(const BlockedAddresses::Block &block, std::string_view why);

    [[nodiscard]] BlockedAddresses &blocks() { return blocks_; }
    // What waits to be sent is recorded as not sent.
    void stop() { webhook_.stop(); }

  private:
    void act(Action action, const Event &event, const std::shared_ptr<const Options> &options);
    void call_webhook(const Event &event, const std::shared_ptr<const Options> &options);
    // Any thread.
    void record_action(std::string_view action, const Event &event, json::Object details,
                       const Result<void> &done);
    void record(audit::Record record);

    const Watch::Services services_;
    BlockedAddresses blocks_;
    Webhook webhook_; // calls record_action()
};

// What a webhook sends.
[[nodiscard]] std::string event_text(const Event &event, std::string_view node);

} // namespace divan::anomaly
