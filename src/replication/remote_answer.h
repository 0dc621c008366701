#pragma once

// What a remote database answers, and what that means when it is a failure.
//
// Used on the replication loop only, but for code_of_status().

#include "base/task.h"
#include "net/http_client.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::replication {

class RemoteDatabase;

// The code of a failure that a server tells by its status, 400 or more. 408, 429 and 5xx are what may pass
// (request_timeout, service_unavailable), but for 501 and 507. Pure.
[[nodiscard]] ErrorCode code_of_status(int status);

// What came back, with its body still to be read.
class RemoteAnswer final : public net::BodyReader {
  public:
    // `permit`: it holds one of the connections of its database.
    RemoteAnswer(RemoteDatabase &database, std::unique_ptr<net::IncomingResponse> response, bool permit)
        : database_(database), response_(std::move(response)), permit_(permit) {}
    ~RemoteAnswer() override;

    [[nodiscard]] int status() const { return response_->status(); }
    [[nodiscard]] const net::Headers &headers() const { return response_->headers(); }
    // "application/json" of "application/json; charset=utf-8"; lower case.
    [[nodiscard]] std::string media_type() const;
    Task<Result<std::string>> read_some(std::size_t bytes_max) override;
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }

    // The body of an answer that is small, as JSON; anything else is null.
    Task<Result<json::Value>> json();
    // The failure that the answer tells: the status as a code, `error` and `reason` of the body.
    Task<Error> error();

  private:
    RemoteDatabase &database_;
    std::unique_ptr<net::IncomingResponse> response_;
    const bool permit_;
    std::uint64_t counted_bytes_ = 0;
};

} // namespace divan::replication
