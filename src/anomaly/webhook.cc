#include "anomaly/webhook.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "net/absolute_url.h"
#include "net/client.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::anomaly {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 << 10; // nobody reads them

struct Target {
    net::ServerUrl server; // without a path: that may be a secret
    std::string target;
};

Error bad_url(std::string_view what) {
    return {ErrorCode::bad_request, fmt::format("Events cannot be sent there: {}.", what)};
}

Result<Target> parse_url(std::string_view text) {
    auto query = text.find('?');
    auto before = text.substr(0, query);
    auto url = net::AbsoluteUrl::parse(before);
    if (!url.ok())
        return bad_url(url.error().reason());
    if (url->scheme != "http" && url->scheme != "https")
        return bad_url("it begins with neither http:// nor https://");
    if (!url->user.empty() || !url->password.empty())
        return bad_url("it holds a name or a password");
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; }))
        return bad_url("it has a fragment, or characters that no URL has");
    Target target;
    target.server.tls = url->scheme == "https";
    target.server.host = std::move(url->host);
    target.server.port = url->port;
    auto path = before.find('/', before.find("://") + 3);
    target.target = path == std::string_view::npos ? "/" : std::string(before.substr(path));
    if (query != std::string_view::npos)
        target.target += text.substr(query);
    return target;
}

// Later it may be otherwise; a refusal stays one.
bool is_transient(int status) {
    return status >= 500 || status == 408 || status == 429;
}

} // namespace

std::string signature_of(const crypto::Secret &secret, std::string_view body) {
    return "sha256=" + hex_encode(crypto::hmac_sha256(secret.reveal(), body));
}

Result<void> check_webhook_url(std::string_view url) {
    if (url.empty())
        return {};
    auto target = parse_url(url);
    return target.ok() ? Result<void>() : target.error();
}

Result<void> Webhook::send(std::shared_ptr<const Options> options, std::string body, Done done) {
    if (options->webhook.url == nullptr || options->webhook.url->empty())
        return Error(ErrorCode::service_unavailable, "[anomaly] webhook_url is not set.");
    if (pool_.queue_length() >= options->webhook.queue_max)
        return Error(ErrorCode::service_unavailable, "[anomaly] webhook_queue_max events wait already.");
    pool_.post([this, options = std::move(options), body = std::move(body), done = std::move(done)] {
        done(deliver(options->webhook, body));
    });
    return {};
}

Result<void> Webhook::deliver(const WebhookOptions &options, const std::string &body) {
    DIVAN_TRY(auto target, parse_url(options.url->reveal()));
    net::ClientOptions limits;
    // Both together limit the whole.
    limits.connect_timeout = std::max(options.timeout / 2, Millis(1));
    limits.answer_timeout = options.timeout - options.timeout / 2;
    limits.body_bytes_max = kAnswerBytesMax;
    limits.tls_options.ca_file = options.ca_file;
    net::ClientRequest request;
    request.method = "POST";
    request.target = target.target;
    request.headers.add("Content-Type", "application/json");
    if (options.secret != nullptr && !options.secret->empty())
        request.headers.add(std::string(kSignatureHeader), signature_of(*options.secret, body));
    request.body = body;
    auto shown = target.server.shown();
    net::Client client(std::move(target.server), limits);
    Result<void> last = Error(ErrorCode::service_unavailable, "The server is shutting down.");
    auto delay = Millis(0);
    for (std::size_t attempt = 0; attempt <= options.retries_max; ++attempt) {
        if (!pause(delay))
            return last;
        auto answer = client.send(request);
        if (answer.ok() && answer->status >= 200 && answer->status < 300)
            return {};
        last = Error(ErrorCode::service_unavailable,
                     answer.ok() ? fmt::format("{} answers {}.", shown, answer->status)
                                 : fmt::format("{}: {}", shown, answer.error().reason()));
        if (answer.ok() && !is_transient(answer->status))
            return last;
        delay = attempt == 0 ? options.retry_delay : delay * 2;
    }
    return last;
}

bool Webhook::pause(Millis time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_; });
    return !stopping_;
}

void Webhook::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    pool_.stop();
}

} // namespace divan::anomaly
