#pragma once

// Runs an HttpClient on a loop and waits for it: for tests.

#include "net/http_client.h"
#include "net/socket_loop.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::net::testing {

// A whole answer.
struct Got {
    int status = 0;
    Headers headers;
    std::string body;
    std::uint64_t received_bytes = 0;
    std::optional<std::uint64_t> length;
};

class ClientFixture : public ::testing::Test {
  public:
    ClientFixture() : loop_(clock_), client_(make_http_client(loop_)) {}
    ~ClientFixture() override {
        loop_.stop();
        client_.reset();
    }

    // Closes the kept connections.
    void forget_connections(HttpClientOptions options = {}) {
        std::promise<void> done;
        loop_.post([&] {
            client_ = make_http_client(loop_, options);
            done.set_value();
        });
        EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    }

    // Runs a task on the loop and waits for its end.
    void run(Task<void> task) {
        std::promise<void> done;
        auto ended = done.get_future();
        loop_.post([&] { spawn(std::move(task), [&done] { done.set_value(); }); });
        ASSERT_EQ(ended.wait_for(std::chrono::seconds(60)), std::future_status::ready);
    }

    Result<Got> ask(const Destination &destination, OutgoingRequest request, std::size_t step = 64 << 10) {
        Cancellation cancellation;
        std::optional<Result<Got>> got;
        run(fetch(destination, std::move(request), step, cancellation, got));
        return got ? std::move(*got) : Result<Got>(ErrorCode::internal_server_error);
    }

    Task<void> fetch(const Destination &destination, OutgoingRequest request, std::size_t step,
                     Cancellation &cancellation, std::optional<Result<Got>> &out) {
        auto answer = co_await client_->send(destination, std::move(request), cancellation);
        if (!answer.ok()) {
            out.emplace(answer.error());
            co_return;
        }
        Got got;
        got.status = (*answer)->status();
        got.headers = (*answer)->headers();
        got.length = (*answer)->length();
        for (;;) {
            auto part = co_await (*answer)->read_some(step);
            if (!part.ok()) {
                out.emplace(part.error());
                co_return;
            }
            EXPECT_LE(part->size(), step);
            if (part->empty())
                break;
            got.body += *part;
        }
        got.received_bytes = (*answer)->received_bytes();
        out.emplace(std::move(got));
    }

    static Destination at(std::uint16_t port, std::string host = "127.0.0.1") {
        Destination destination;
        destination.host = std::move(host);
        destination.port = port;
        return destination;
    }

    static OutgoingRequest get(std::string target = "/") {
        OutgoingRequest request;
        request.target = std::move(target);
        request.connect_timeout = Millis(20'000);
        request.idle_timeout = Millis(20'000);
        return request;
    }

    SystemClock clock_;
    SocketLoop loop_;
    std::unique_ptr<HttpClient> client_;
};

} // namespace divan::net::testing
