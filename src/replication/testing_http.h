#pragma once

// A client for tests that need none.

#include "net/http_client.h"

namespace divan::replication {

// Nobody is reached.
class NoHttpClient final : public net::HttpClient {
  public:
    Task<Result<std::unique_ptr<net::IncomingResponse>>> send(const net::Destination & /*destination*/,
                                                              net::OutgoingRequest /*request*/,
                                                              Cancellation & /*cancellation*/) override {
        co_return Error(ErrorCode::service_unavailable, "Nobody is reached here.");
    }
};

} // namespace divan::replication
