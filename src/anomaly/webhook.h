#pragma once

// Sends events to another server, by POST as JSON, on a thread of its own: a server that hangs holds nothing
// up. What fails is tried again; a queue that is full takes nothing.

#include "anomaly/options.h"
#include "base/executor.h"
#include "base/result.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace divan::anomaly {

inline constexpr std::string_view kSignatureHeader = "X-Divan-Signature";

// "sha256=" and the HMAC-SHA-256 of a body in hexadecimal digits.
[[nodiscard]] std::string signature_of(const crypto::Secret &secret, std::string_view body);
// Whether webhook_url can be used. Errors: bad_request with what is wrong; never shows the text, which may be
// a secret itself.
[[nodiscard]] Result<void> check_webhook_url(std::string_view url);

class Webhook {
  public:
    Webhook() : pool_(1) {}
    ~Webhook() { stop(); }

    using Done = std::function<void(const Result<void> &sent)>;
    // Never blocks. `done` is told on the thread of the webhook whether the server has answered 2xx in the
    // end, or why it has not: without path and query of the URL. Errors: service_unavailable (no URL, or the
    // queue is full); then `done` is not called.
    [[nodiscard]] Result<void> send(std::shared_ptr<const Options> options, std::string body, Done done);
    // The attempt that is under way ends, what waits fails. Idempotent.
    void stop();

  private:
    Result<void> deliver(const WebhookOptions &options, const std::string &body);
    // False: it is being stopped.
    bool pause(Millis time);

    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    ThreadPool pool_;
};

} // namespace divan::anomaly
