#pragma once

// An exchange whose request is another one: what a rewrite makes of it.

#include "net/http.h"

#include <optional>
#include <string>

namespace divan::api {

// The request that a rewrite made.
struct RewrittenRequest {
    net::RequestHead head;
    std::optional<std::string> body; // nothing: the original one, which was not read
};

// `original` outlives it; the answer goes there.
class RewrittenExchange final : public net::Exchange {
  public:
    RewrittenExchange(net::Exchange &original, RewrittenRequest request);

    [[nodiscard]] const net::RequestHead &head() const override { return head_; }
    [[nodiscard]] net::BodyReader &body() override;
    [[nodiscard]] net::Response &response() override { return original_.response(); }
    [[nodiscard]] Executor &executor() override { return original_.executor(); }
    Task<net::Wake> wait(std::shared_ptr<Event> event, Millis timeout) override;

  private:
    class TextBody final : public net::BodyReader {
      public:
        explicit TextBody(std::string text) : text_(std::move(text)) {}
        Task<Result<std::string>> read_some(std::size_t bytes_max) override;
        [[nodiscard]] std::optional<std::uint64_t> length() const override { return text_.size(); }

      private:
        std::string text_;
        std::size_t read_ = 0;
    };

    net::Exchange &original_;
    net::RequestHead head_;
    std::optional<TextBody> body_;
};

} // namespace divan::api
