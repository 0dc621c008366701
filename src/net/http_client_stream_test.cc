// Bodies of requests: streams, early answers, "100 Continue".

#include "net/client_fixture_test.h"
#include "net/http_client.h"
#include "net/odd_peer_test.h"

namespace divan::net {
namespace {

using testing::ClientFixture;
using testing::Got;
using testing::OddPeer;
using testing::PeerLine;

constexpr const char *kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Gives its pieces one after the other; counts the calls.
struct Pieces {
    std::vector<std::string> pieces;
    std::optional<Error> error; // instead of the end
    std::size_t calls = 0;

    Task<Result<std::string>> next() {
        if (calls < pieces.size())
            co_return pieces[calls++];
        ++calls;
        if (error)
            co_return *error;
        co_return std::string();
    }
};

class HttpClientStreamTest : public ClientFixture {
  public:
    static OutgoingRequest put(Pieces &pieces, std::optional<std::uint64_t> length = std::nullopt) {
        auto request = get("/doc");
        request.method = "PUT";
        request.stream = [&pieces] { return pieces.next(); };
        request.stream_length = length;
        return request;
    }
};

std::string header_of(const std::string &head, const std::string &name) {
    auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos)
        return "none";
    at += name.size() + 4;
    return head.substr(at, head.find("\r\n", at) - at);
}

TEST_F(HttpClientStreamTest, AStreamWithALengthGoesOutAsItIs) {
    std::string head;
    std::string body;
    OddPeer peer([&](PeerLine &line) {
        for (int i = 0; i < 2; ++i) {
            head = line.read_head();
            body = line.read(6);
            line.write(kOk);
        }
    });
    for (int i = 0; i < 2; ++i) {
        Pieces pieces{.pieces = {"ab", "cde", "f"}};
        auto got = ask(at(peer.port()), put(pieces, 6));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "ok");
        EXPECT_EQ(header_of(head, "Content-Length"), "6");
        EXPECT_EQ(header_of(head, "Transfer-Encoding"), "none");
        EXPECT_EQ(body, "abcdef");
    }
    EXPECT_EQ(peer.connections(), 1);
}

TEST_F(HttpClientStreamTest, AStreamWithoutALengthGoesOutInChunks) {
    std::string head;
    std::string body;
    std::string large(100'000, 'x');
    auto expected = "2\r\nab\r\n186a0\r\n" + large + "\r\n0\r\n\r\n";
    OddPeer peer([&](PeerLine &line) {
        head = line.read_head();
        body = line.read(expected.size());
        line.write(kOk);
    });
    Pieces pieces{.pieces = {"ab", large}};
    EXPECT_EQ(ask(at(peer.port()), put(pieces))->body, "ok");
    EXPECT_EQ(header_of(head, "Content-Length"), "none");
    EXPECT_EQ(header_of(head, "Transfer-Encoding"), "chunked");
    EXPECT_TRUE(body == expected);
}

TEST_F(HttpClientStreamTest, AnEmptyStreamIsABody) {
    std::vector<std::string> heads;
    OddPeer peer([&](PeerLine &line) {
        heads.push_back(line.read_head());
        line.write(kOk);
        heads.push_back(line.read_head());
        line.read(5);
        line.write(kOk);
    });
    Pieces none;
    EXPECT_EQ(ask(at(peer.port()), put(none, 0))->body, "ok");
    EXPECT_EQ(ask(at(peer.port()), put(none))->body, "ok");
    EXPECT_EQ(header_of(heads[0], "Content-Length"), "0");
}

TEST_F(HttpClientStreamTest, AStreamThatBreaksItsWordIsAnError) {
    auto failure = [&](Pieces pieces, std::optional<std::uint64_t> length) {
        OddPeer peer([](PeerLine &line) { line.read_all(); });
        auto got = ask(at(peer.port()), put(pieces, length));
        return got.ok() ? Error(ErrorCode::internal_server_error) : got.error();
    };
    auto more = failure({.pieces = {"ab", "cd"}}, 3);
    EXPECT_EQ(more.code(), ErrorCode::bad_request);
    EXPECT_NE(more.reason().find("3 bytes"), std::string::npos);
    EXPECT_EQ(failure({.pieces = {"ab"}}, 3).code(), ErrorCode::bad_request);
    EXPECT_EQ(failure({.pieces = {"abc", "d"}}, 3).code(), ErrorCode::bad_request);
    EXPECT_EQ(failure({.pieces = {"ab"}, .error = Error(ErrorCode::conflict)}, std::nullopt).code(),
              ErrorCode::conflict);
    EXPECT_EQ(failure({.pieces = {}, .error = Error(ErrorCode::gone)}, 7).code(), ErrorCode::gone);
}

// A stream without end, until the test's time is over.
struct Endless {
    std::atomic<std::uint64_t> bytes = 0;
    Task<Result<std::string>> next() {
        bytes += 64 << 10;
        if (bytes > (std::uint64_t(1) << 32))
            co_return ErrorCode::internal_server_error;
        co_return std::string(64 << 10, 'x');
    }
};

TEST_F(HttpClientStreamTest, AnEarlyAnswerEndsTheStream) {
    OddPeer peer([](PeerLine &line) {
        line.read_head();
        line.read(100'000);
        line.write("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
        line.read_all(); // lingers until the client closes
    });
    for (int i = 1; i <= 2; ++i) {
        Endless endless;
        auto request = get();
        request.method = "POST";
        request.stream = [&endless] { return endless.next(); };
        auto got = ask(at(peer.port()), std::move(request));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->status, 413);
        EXPECT_EQ(got->body, "large");
        EXPECT_EQ(peer.connections(), i); // not kept
    }
    auto request = get();
    request.method = "POST";
    request.body = std::string(32 << 20, 'x');
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->status, 413);
}

TEST_F(HttpClientStreamTest, AnAnswerBeforeAResetIsRead) {
    OddPeer peer([](PeerLine &line) {
        line.read_head();
        line.read(100'000);
        line.write("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
        // Closed with bytes that were not read: a reset.
    });
    int answered = 0;
    for (int i = 0; i < 20; ++i) {
        Endless endless;
        auto request = get();
        request.method = "POST";
        request.stream = [&endless] { return endless.next(); };
        auto got = ask(at(peer.port()), std::move(request));
        answered += got.ok() && got->status == 401 ? 1 : 0;
        if (!got.ok())
            EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
    }
    EXPECT_GT(answered, 0);
}

TEST_F(HttpClientStreamTest, TheServerHoldsBackTheStream) {
    std::promise<void> read_on;
    auto may_read = read_on.get_future().share();
    OddPeer peer([&](PeerLine &line) {
        line.read_head();
        may_read.wait_for(std::chrono::seconds(20));
        line.read(std::size_t(200) << 20);
        line.write(kOk);
    });
    struct Counted {
        std::promise<void> &read_on;
        std::uint64_t given = 0;
        Task<Result<std::string>> next() {
            if (given == (std::uint64_t(200) << 20))
                co_return std::string();
            given += 1 << 20;
            co_return std::string(1 << 20, 'x');
        }
    } counted{.read_on = read_on};
    std::uint64_t given_early = 0;
    auto request = get();
    request.method = "PUT";
    request.stream = [&] { return counted.next(); };
    request.stream_length = std::uint64_t(200) << 20;
    std::unique_ptr<EventLoop::Timer> timer;
    loop_.post([&] {
        timer = loop_.after(Millis(50), [&] {
            given_early = counted.given;
            read_on.set_value();
        });
    });
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->body, "ok");
    EXPECT_LT(given_early, std::uint64_t(50) << 20);
}

TEST_F(HttpClientStreamTest, AStreamMayWaitForTheServersWord) {
    std::string head;
    OddPeer peer([&](PeerLine &line) {
        head = line.read_head();
        line.write("HTTP/1.1 100 Continue\r\n\r\n");
        line.read(4);
        line.write(kOk);
        line.read_head();
        line.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
        line.read_all();
    });
    Pieces pieces{.pieces = {"abcd"}};
    auto request = put(pieces, 4);
    request.expects_continue = true;
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->body, "ok");
    EXPECT_EQ(header_of(head, "Expect"), "100-continue");
    Pieces refused{.pieces = {"abcd"}};
    request = put(refused, 4);
    request.expects_continue = true;
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->status, 417);
    EXPECT_EQ(refused.calls, 0u);
    EXPECT_EQ(peer.connections(), 1);
}

TEST_F(HttpClientStreamTest, AServerThatDoesNotKnowExpectGetsTheStream) {
    OddPeer peer([&](PeerLine &line) {
        line.read_head();
        line.read(4);
        line.write(kOk);
    });
    Pieces pieces{.pieces = {"abcd"}};
    auto request = put(pieces, 4);
    request.expects_continue = true;
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->body, "ok");
}

// A stream that waits for a word of the test, longer than the idle time.
TEST_F(HttpClientStreamTest, ASlowStreamIsNoSilenceOfTheServer) {
    OddPeer peer([&](PeerLine &line) {
        line.read_head();
        line.read(2);
        line.write(kOk);
    });
    struct Slow {
        EventLoop &loop;
        int calls = 0;
        Task<Result<std::string>> next() {
            Cancellation never;
            auto end = co_await wait_for(loop, std::shared_ptr<Event>(), Millis(60), never);
            EXPECT_EQ(end, WaitEnd::timeout);
            co_return std::string(calls++ < 2 ? "x" : "");
        }
    } slow{.loop = loop_};
    auto request = get();
    request.method = "PUT";
    request.stream = [&slow] { return slow.next(); };
    request.stream_length = 2;
    request.idle_timeout = Millis(30);
    auto got = ask(at(peer.port()), std::move(request));
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(got->body, "ok");
}

} // namespace
} // namespace divan::net
