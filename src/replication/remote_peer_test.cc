#include "replication/remote_peer.h"

#include "kv/memory/memory_engine.h"
#include "replication/testing_store.h"
#include "replication/throttle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::replication {
namespace {

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
    Context context{.loop = testing.loop,
                    .pool = testing.loop,
                    .http = http,
                    .throttle = testing.context.throttle,
                    .clock = testing.loop.clock(),
                    .random = testing.context.random,
                    .config = testing.context.config,
                    .log = testing.context.log,
                    .metrics = testing.context.metrics};
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

} // namespace
} // namespace divan::replication
