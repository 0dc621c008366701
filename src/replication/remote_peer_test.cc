#include "replication/remote_peer.h"

#include "kv/memory/memory_engine.h"
#include "replication/testing_store.h"
#include "replication/throttle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::replication {
namespace {

// The context of a store, with another client.
Context with_client(TestingStore &testing, net::HttpClient &http) {
    return {.loop = testing.loop,
            .pool = testing.loop,
            .http = http,
            .throttle = testing.context.throttle,
            .clock = testing.loop.clock(),
            .random = testing.context.random,
            .config = testing.context.config,
            .log = testing.context.log,
            .metrics = testing.context.metrics};
}

// Keeps the target of each request and reaches nobody.
class RecordingHttpClient final : public net::HttpClient {
  public:
    Task<Result<std::unique_ptr<net::IncomingResponse>>>
    send(const net::Destination &, net::OutgoingRequest request, Cancellation &) override {
        targets.push_back(request.target);
        co_return Error(ErrorCode::service_unavailable, "Nobody is reached here.");
    }
    std::vector<std::string> targets;
};

Task<void> wait_for_changes(Peer &peer) {
    ChangesQuery query;
    query.since = "0";
    query.wait = true;
    auto page = co_await peer.changes(std::move(query));
    EXPECT_FALSE(page.ok());
}

// A feed that says nothing for longer than the connection may be silent would end each time, as a failure.
TEST(RemotePeer, HeartbeatsAreAskedForMoreOftenThanAConnectionTimesOut) {
    TestingStore testing{kv::make_memory_engine()};
    RecordingHttpClient http;
    auto context = with_client(testing, http);
    for (auto [timeout_ms, heartbeat_ms] : {std::pair{3'000, 1'000}, std::pair{300'000, 10'000}}) {
        auto replication = TestingStore::between("", "");
        replication.source.destination.host = "other";
        replication.source.path = "/db";
        replication.tuning.connection_timeout = Millis(timeout_ms);
        replication.tuning.retries_per_request = 0;
        Progress progress;
        Cancellation cancellation;
        auto peer = make_remote_peer({context, replication, progress, cancellation}, replication.source);
        spawn(wait_for_changes(*peer), [] {});
        testing.loop.run_until_idle();
        auto expected = fmt::format("&heartbeat={}", heartbeat_ms);
        EXPECT_NE(http.targets.back().find(expected), std::string::npos) << http.targets.back();
    }
}

TEST(RemotePeer, BothEndsOfAJobShareItsLimitOfBytes) {
    TestingStore testing{kv::make_memory_engine()};
    auto replication = TestingStore::between("", "");
    replication.tuning.kilobytes_per_second_max = 1;
    Progress progress;
    Cancellation cancellation;
    PeerContext source(testing.context, replication, progress, cancellation);
    EXPECT_EQ(source.budget->book(1'000), Millis(0));
    EXPECT_EQ(PeerContext(source).budget->book(1'000), Millis(1'000));
}

// An answer that is there at once.
class ReadyResponse final : public net::IncomingResponse {
  public:
    ReadyResponse(int status, std::string body, net::Headers headers)
        : status_(status), body_(std::move(body)), headers_(std::move(headers)) {}
    int status() const override { return status_; }
    const net::Headers &headers() const override { return headers_; }
    std::uint64_t received_bytes() const override { return 0; }
    std::optional<std::uint64_t> length() const override { return body_.size(); }
    Task<Result<std::string>> read_some(std::size_t /*bytes_max*/) override {
        co_return std::exchange(body_, std::string());
    }

  private:
    int status_;
    std::string body_;
    net::Headers headers_;
};

// Knows one session at a time, and answers everything else with 401; each answer takes a moment.
class SessionHttpClient final : public net::HttpClient {
  public:
    explicit SessionHttpClient(EventLoop &loop) : loop_(loop) {}

    Task<Result<std::unique_ptr<net::IncomingResponse>>>
    send(const net::Destination &, net::OutgoingRequest request, Cancellation &cancellation) override {
        auto paused = co_await pause_for(loop_, Millis(5), cancellation);
        if (!paused.ok())
            co_return paused.error();
        net::Headers headers;
        std::string body = R"({"_id":"d","_rev":"1-a"})";
        int status = 200;
        if (request.target == "/_session") {
            headers.add("Set-Cookie", "AuthSession=" + std::to_string(session) + "; Path=/");
        } else if (request.headers.find("Cookie").value_or("") != "AuthSession=" + std::to_string(session)) {
            status = 401;
            body = R"({"error":"unauthorized","reason":"no"})";
        }
        co_return std::make_unique<ReadyResponse>(status, std::move(body), std::move(headers));
    }

    int session = 0;

  private:
    EventLoop &loop_;
};

Task<void> read_into(Peer &peer, int &found) {
    auto document = co_await peer.read_document("d");
    if (document.ok() && *document)
        ++found;
}

// Two answers of 401 at once: the second one came when the first had signed in again, and was taken for what
// the other side says of the document. A document that is written so would have been counted as refused.
TEST(RemotePeer, ASessionThatEndsUnderSeveralRequestsIsRenewedForAllOfThem) {
    TestingStore testing{kv::make_memory_engine()};
    SessionHttpClient http(testing.loop);
    auto context = with_client(testing, http);
    auto replication = TestingStore::between("", "");
    replication.source.destination.host = "other";
    replication.source.path = "/db";
    replication.source.user = "anna";
    replication.source.password = "tulip";
    replication.source.use_session = true;
    Progress progress;
    Cancellation cancellation;
    auto peer = make_remote_peer({context, replication, progress, cancellation}, replication.source);
    int found = 0;
    spawn(read_into(*peer, found), [] {});
    testing.loop.advance(Millis(100));
    EXPECT_EQ(found, 1);
    for (int round = 0; round < 3; ++round) {
        ++http.session; // it was restarted, say
        found = 0;
        for (int i = 0; i < 4; ++i)
            spawn(read_into(*peer, found), [] {});
        testing.loop.advance(Millis(100));
        EXPECT_EQ(found, 4);
    }
}

} // namespace
} // namespace divan::replication
