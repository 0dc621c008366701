#pragma once

// An exchange whose JSON answers go out as gzip (RFC 9110, section 8.4.1.3): for replicators of other nodes,
// over networks where bytes cost more than processor time.

#include "net/gzip.h"
#include "net/http.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::config {
class Config;
}

namespace divan::api {

// The level to answer a request with; nullopt: as it is. By [divan] compressed_responses and [replicator]
// compression_level.
[[nodiscard]] std::optional<int> compression_level(const net::RequestHead &head,
                                                   const config::Config &config);

// `original` outlives it.
class GzipExchange final : public net::Exchange, private net::Response {
  public:
    // Large pieces are compressed on `pool`.
    GzipExchange(net::Exchange &original, Executor &pool, int level)
        : original_(original), pool_(pool), level_(level) {}

    [[nodiscard]] const net::RequestHead &head() const override { return original_.head(); }
    [[nodiscard]] net::BodyReader &body() override { return original_.body(); }
    [[nodiscard]] net::Response &response() override { return *this; }
    [[nodiscard]] Executor &executor() override { return original_.executor(); }
    Task<net::Wake> wait(std::shared_ptr<Event> event, Millis timeout) override;

  private:
    // ---- Response
    Task<Result<void>> send(net::ResponseHead head, std::string body) override;
    Task<Result<void>> start(net::ResponseHead head, std::optional<std::uint64_t> length) override;
    Task<Result<void>> write(std::string bytes) override;
    Task<Result<void>> finish() override;
    void abort() override { original_.response().abort(); }
    [[nodiscard]] bool started() const override { return original_.response().started(); }
    [[nodiscard]] int status() const override { return original_.response().status(); }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return original_.response().bytes_sent(); }

    Task<std::string> compress(std::string bytes, bool end);

    net::Exchange &original_;
    Executor &pool_;
    const int level_;
    std::unique_ptr<net::GzipWriter> gzip_; // of a stream
};

} // namespace divan::api
