#include "net/http_client.h"

#include "net/client_fixture_test.h"
#include "net/gzip.h"
#include "net/odd_peer_test.h"
#include "net/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace divan::net {
namespace {

using testing::ClientFixture;
using testing::Got;
using testing::OddPeer;
using testing::PeerLine;

// Answers each request with the same text; keeps the connection while the client does.
OddPeer::Script always(std::string answer) {
    return [answer = std::move(answer)](PeerLine &line) {
        while (!line.read_head().empty())
            line.write(answer);
    };
}

// Answers one request, then closes.
OddPeer::Script once(std::string answer) {
    return [answer = std::move(answer)](PeerLine &line) {
        line.read_head();
        line.write(answer);
    };
}

std::string gzipped(std::string_view text) {
    GzipWriter writer(9);
    auto out = writer.write(text);
    return out + writer.finish();
}

std::string with_length(const std::string &body, const std::string &headers = {}) {
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

class HttpClientTest : public ClientFixture {
  protected:
    // What one request to a peer with this script is answered.
    Result<Got> ask_peer(OddPeer::Script script, OutgoingRequest request = get(),
                         std::size_t step = 64 << 10) {
        OddPeer peer(std::move(script));
        auto got = ask(at(peer.port()), std::move(request), step);
        forget_connections(); // so that the script ends
        return got;
    }

    void expect_failure(const std::string &answer, ErrorCode code, std::string_view part) {
        auto got = ask_peer(once(answer));
        ASSERT_FALSE(got.ok()) << answer.substr(0, 200);
        EXPECT_EQ(got.error().code(), code) << got.error().reason();
        EXPECT_NE(got.error().reason().find(part), std::string::npos) << got.error().reason();
    }
};

// ---- Against the server of this module

Task<void> echo(Exchange &exchange) {
    auto body = co_await exchange.body().read_all(1 << 20);
    const auto &head = exchange.head();
    ResponseHead answer;
    answer.headers.add("X-Host", std::string(head.headers.find("Host").value_or("")));
    auto text = head.method + " " + head.target + " " + (body.ok() ? *body : body.error().reason());
    if (head.target == "/chunks") {
        auto started = co_await exchange.response().start(std::move(answer), std::optional<std::uint64_t>());
        EXPECT_TRUE(started.ok());
        for (int i = 0; i < 5; ++i) {
            auto written = co_await exchange.response().write(text);
            EXPECT_TRUE(written.ok());
        }
        auto finished = co_await exchange.response().finish();
        EXPECT_TRUE(finished.ok());
        co_return;
    }
    if (head.target == "/nothing")
        answer.status = 204;
    auto sent = co_await exchange.response().send(std::move(answer), std::move(text));
    EXPECT_TRUE(sent.ok());
}

class HttpClientServerTest : public ClientFixture {
  public:
    HttpClientServerTest()
        : server_({.drain_timeout = Millis(10)}, echo,
                  [](const Error &) { return std::pair<ResponseHead, std::string>(); }) {
        port_ = server_.listen({"127.0.0.1", 0}).value().port();
    }
    // Waits until the server has so many connections.
    bool comes_to(std::size_t count) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (server_.connection_count() != count && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        return server_.connection_count() == count;
    }

    Server server_;
    std::uint16_t port_ = 0;
};

TEST_F(HttpClientServerTest, OneConnectionServesRequestAfterRequest) {
    for (int i = 0; i < 20; ++i) {
        auto request = get("/x?y=1");
        request.method = "POST";
        request.body = std::string(static_cast<std::size_t>(i) * 5'000, 'b');
        auto body = request.body;
        auto got = ask(at(port_), std::move(request));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "POST /x?y=1 " + body);
        EXPECT_EQ(got->headers.find("x-host"), "127.0.0.1:" + std::to_string(port_));
        got = ask(at(port_), get("/chunks"));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body.size(), 5u * 12);
        EXPECT_EQ(got->length, std::nullopt);
        EXPECT_GT(got->received_bytes, got->body.size());
        EXPECT_EQ(ask(at(port_), get("/nothing"))->status, 204);
        auto head = get("/chunks");
        head.method = "HEAD";
        got = ask(at(port_), std::move(head));
        EXPECT_EQ(got->body, "");
    }
    EXPECT_EQ(server_.connection_count(), 1u);
}

// Asks for the same in `count` coroutines at once.
Task<void> ask_at_once(HttpClientServerTest &test, std::size_t count) {
    Cancellation cancellation;
    std::vector<std::optional<Result<Got>>> got(count);
    TaskGroup group(test.loop_);
    auto destination = ClientFixture::at(test.port_);
    for (auto &one : got) {
        auto request = ClientFixture::get("/chunks");
        group.start(test.fetch(destination, std::move(request), 10, cancellation, one));
    }
    co_await group.join();
    for (auto &one : got) {
        EXPECT_TRUE(one->ok());
        EXPECT_EQ((*one)->body.size(), 60u);
    }
}

TEST_F(HttpClientServerTest, ManyAtOnceShareWhatIsKept) {
    for (int i = 0; i < 5; ++i)
        run(ask_at_once(*this, 20));
    EXPECT_TRUE(comes_to(20));
}

TEST_F(HttpClientServerTest, FewConnectionsAreKept) {
    forget_connections({.idle_connections_max = 2});
    run(ask_at_once(*this, 20));
    EXPECT_TRUE(comes_to(2));
}

TEST_F(HttpClientServerTest, ConnectionsGrowOld) {
    forget_connections({.keep_alive_timeout = Millis(20)});
    for (int i = 0; i < 2; ++i) {
        run(ask_at_once(*this, 5));
        EXPECT_TRUE(comes_to(0));
    }
}

// ---- Against odd servers

TEST_F(HttpClientTest, AConnectionThatTheServerClosedIsReplaced) {
    OddPeer peer(once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    for (int i = 1; i <= 3; ++i) {
        auto got = ask(at(peer.port()), get());
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "ok");
        EXPECT_EQ(peer.connections(), i);
    }
}

TEST_F(HttpClientTest, ARequestThatAKeptConnectionRefusesIsSentAgainOnce) {
    // Reads the second request and closes: only the answer that is missing tells.
    std::atomic<int> heads = 0;
    OddPeer peer([&heads](PeerLine &line) {
        line.read_head();
        if (++heads > 3)
            return;
        line.write(with_length("ok"));
        line.read_head();
        ++heads;
    });
    EXPECT_EQ(ask(at(peer.port()), get())->body, "ok");
    auto request = get();
    request.method = "POST";
    request.body = "once";
    EXPECT_EQ(ask(at(peer.port()), std::move(request))->body, "ok"); // a new connection
    auto got = ask(at(peer.port()), get()); // the kept one refuses, and a new one too
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
    EXPECT_EQ(peer.connections(), 3);
}

TEST_F(HttpClientTest, BodiesComeInEveryFraming) {
    auto chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-Trailer: "
        "1\r\n\r\n";
    for (std::size_t step : {1u, 2u, 100u}) {
        EXPECT_EQ(ask_peer(always(chunks), get(), step)->body, "abcd");
        EXPECT_EQ(ask_peer(always(with_length("abcd")), get(), step)->body, "abcd");
        EXPECT_EQ(ask_peer(once("HTTP/1.1 200 OK\r\n\r\nabcd"), get(), step)->body, "abcd");
        EXPECT_EQ(ask_peer(once("HTTP/1.0 200 OK\r\n\r\nabcd"), get(), step)->body, "abcd");
        EXPECT_EQ(ask_peer(once(with_length("")), get(), step)->body, "");
        EXPECT_EQ(
            ask_peer(once("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"), get(), step)->status,
            304);
    }
    auto head = get();
    head.method = "HEAD";
    auto got = ask_peer(always("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), std::move(head));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->headers.find("content-length"), "1000000");
    EXPECT_EQ(got->length, 0u);
}

TEST_F(HttpClientTest, ByteAfterByteIsAnAnswerToo) {
    std::string answer =
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
    OddPeer peer([&](PeerLine &line) {
        int on = 1;
        setsockopt(line.socket(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        for (int i = 0; i < 2; ++i) {
            line.read_head();
            for (char byte : answer)
                line.write(std::string_view(&byte, 1));
        }
    });
    for (int i = 0; i < 2; ++i) {
        auto got = ask(at(peer.port()), get());
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "hello!");
        EXPECT_EQ(got->headers.find("A"), "1");
    }
    EXPECT_EQ(peer.connections(), 1);
}

TEST_F(HttpClientTest, ManySmallChunks) {
    std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 50'000; ++i)
        answer += "1\r\nx\r\n";
    answer += "0\r\n\r\n";
    EXPECT_TRUE(ask_peer(always(answer))->body == std::string(50'000, 'x'));
}

TEST_F(HttpClientTest, WhatIsNoHttpIsAnError) {
    auto unavailable = ErrorCode::service_unavailable;
    expect_failure("", unavailable, "before its answer");
    expect_failure("HTTP/1.1 200 OK\r\nContent-", unavailable, "end of its answer's head");
    expect_failure("SSH-2.0-OpenSSH\r\n", unavailable, "not valid HTTP");
    expect_failure("HTTP/1.1 twohundred OK\r\n\r\n", unavailable, "not valid HTTP");
    expect_failure("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", unavailable, "not valid HTTP");
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", unavailable, "not valid HTTP");
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", unavailable,
                   "not valid");
    expect_failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nab",
                   unavailable, "not valid HTTP");
    expect_failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nab", unavailable, "transfer encoding");
    expect_failure("HTTP/1.1 101 Switching\r\n\r\n", unavailable, "another protocol");
    expect_failure("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", unavailable, "larger");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 20'000; ++i)
        many += "X: y\r\n";
    expect_failure(many + "\r\n", unavailable, "larger");
    std::string interim;
    for (int i = 0; i < 100; ++i)
        interim += "HTTP/1.1 102 Processing\r\n\r\n";
    expect_failure(interim, unavailable, "interim");
    // The body
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", unavailable,
                   "before the end of its answer");
    auto chunked = std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_failure(chunked + "5\r\nab", unavailable, "before the end of its answer");
    expect_failure(chunked + "2\r\nab\r\n0\r\n", unavailable, "before the end of its answer");
    expect_failure(chunked + "x\r\nab", ErrorCode::bad_request, "malformed");
    expect_failure(chunked + "2\r\nabcdef\r\n0\r\n\r\n", ErrorCode::bad_request, "malformed");
    expect_failure(chunked + "2;" + std::string(1 << 20, 'x'), ErrorCode::bad_request, "malformed");
    expect_failure(chunked + "0\r\n" + std::string(1 << 20, 'x'), ErrorCode::bad_request, "malformed");
}

TEST_F(HttpClientTest, GzipIsInflatedInSteps) {
    std::string text;
    for (int i = 0; i < 30'000; ++i)
        text += std::to_string(i);
    auto gzip = gzipped(text);
    auto headers = std::string("Content-Encoding: gzip\r\n");
    for (std::size_t step : {100u, 70'000u}) {
        auto got = ask_peer(always(with_length(gzip, headers)), get(), step);
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_TRUE(got->body == text);
        EXPECT_EQ(got->length, std::nullopt);
        EXPECT_LT(got->received_bytes, text.size());
    }
    EXPECT_TRUE(ask_peer(always(with_length(gzip + gzip, headers)))->body == text + text);
    EXPECT_TRUE(ask_peer(once("HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\n\r\n" + gzip))->body == text);
    EXPECT_EQ(ask_peer(always(with_length("", headers)))->body, "");
    expect_failure(with_length(gzip.substr(0, gzip.size() - 1), headers), ErrorCode::bad_request, "middle");
    expect_failure(with_length("not gzip", headers), ErrorCode::bad_request, "gzipped");
    expect_failure(with_length(gzip + "more", headers), ErrorCode::bad_request, "gzipped");
}

TEST_F(HttpClientTest, AGzipBombCostsNoMemory) {
    auto bomb = gzipped(std::string(100 << 20, '\0'));
    OddPeer peer(always(with_length(bomb, "Content-Encoding: gzip\r\n")));
    auto read_a_part = [](HttpClientTest &test, std::uint16_t port) -> Task<void> {
        Cancellation cancellation;
        auto destination = at(port);
        auto request = get();
        auto answer = co_await test.client_->send(destination, std::move(request), cancellation);
        EXPECT_TRUE(answer.ok());
        for (int i = 0; i < 100; ++i) {
            auto part = co_await (*answer)->read_some(1 << 30);
            EXPECT_TRUE(part.ok());
            EXPECT_LE(part->size(), 1u << 20);
        }
    };
    run(read_a_part(*this, peer.port()));
}

TEST_F(HttpClientTest, SilenceIsGivenUp) {
    auto silent = [](PeerLine &line) { line.read_all(); };
    auto request = get();
    request.idle_timeout = Millis(30);
    auto got = ask_peer(silent, request);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::request_timeout);
    auto halfway = [](PeerLine &line) {
        line.read_head();
        line.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
        line.read_all();
    };
    got = ask_peer(halfway, request);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::request_timeout);
    // It takes a part and no more: until the client closes, which shows in another thread's promise.
    request.method = "PUT";
    request.body = std::string(64 << 20, 'x');
    std::promise<void> over;
    auto ended = over.get_future().share();
    OddPeer deaf([&](PeerLine &line) {
        line.read_head();
        ended.wait_for(std::chrono::seconds(20));
    });
    got = ask(at(deaf.port()), request);
    over.set_value();
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::request_timeout);
}

TEST_F(HttpClientTest, RequestsThatCannotBeSentAreRefused) {
    auto refused = [&](OutgoingRequest request) {
        auto got = ask(at(1), std::move(request));
        return !got.ok() && got.error().code() == ErrorCode::bad_request;
    };
    EXPECT_TRUE(refused(get("/a b")));
    EXPECT_TRUE(refused(get("/a\r\nX: y")));
    EXPECT_TRUE(refused(get("")));
    auto request = get();
    request.headers.add("X", "a\r\nY: b");
    EXPECT_TRUE(refused(request));
    request = get();
    request.headers.add("X:", "a");
    EXPECT_TRUE(refused(request));
    request = get();
    request.method = "GET /";
    EXPECT_TRUE(refused(request));
}

TEST_F(HttpClientTest, SaysWhereNobodyIs) {
    std::uint16_t port = 0;
    {
        OddPeer peer([](PeerLine &) {});
        port = peer.port();
    }
    auto got = ask(at(port), get());
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
    EXPECT_EQ(got.error().reason().find("Cannot connect to http://127.0.0.1:" + std::to_string(port)), 0u);
    got = ask(at(1, "name.invalid"), get());
    ASSERT_FALSE(got.ok());
    EXPECT_NE(got.error().reason().find("http://name.invalid:1"), std::string::npos) << got.error().reason();
}

TEST_F(HttpClientTest, NamesAndAddressesOfBothKinds) {
    std::string host;
    auto script = [&host](PeerLine &line) {
        host = line.read_head();
        line.write(with_length("ok"));
    };
    {
        OddPeer peer(script);
        EXPECT_EQ(ask(at(peer.port(), "localhost"), get())->body, "ok"); // ::1 may be tried before
        EXPECT_NE(host.find("Host: localhost:"), std::string::npos);
    }
    OddPeer peer(script, true);
    if (peer.port() == 0)
        GTEST_SKIP() << "no IPv6 here";
    auto got = ask(at(peer.port(), "::1"), get());
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_NE(host.find("Host: [::1]:"), std::string::npos);
}

// ---- Cancellation and destruction

TEST_F(HttpClientTest, CancellingEndsEveryWait) {
    for (std::string sent :
         {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}) {
        Cancellation cancellation;
        std::promise<void> closed;
        OddPeer peer([&](PeerLine &line) {
            line.read_head();
            line.write(sent);
            loop_.post([&] { cancellation.cancel(); });
            line.read_all(); // until the client closes
            closed.set_value();
        });
        std::optional<Result<Got>> got;
        run(fetch(at(peer.port()), get(), 100, cancellation, got));
        EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
        ASSERT_TRUE(got && !got->ok());
        EXPECT_EQ(got->error().code(), ErrorCode::cancelled);
    }
    Cancellation cancelled;
    cancelled.cancel();
    std::optional<Result<Got>> got;
    run(fetch(at(1), get(), 100, cancelled, got));
    EXPECT_EQ(got->error().code(), ErrorCode::cancelled);
}

TEST_F(HttpClientTest, AnAnswerThatIsDroppedClosesItsConnection) {
    std::promise<void> closed;
    OddPeer peer([&](PeerLine &line) {
        line.read_head();
        line.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
        line.read_all();
        closed.set_value();
    });
    auto drop = [](HttpClientTest &test, std::uint16_t port) -> Task<void> {
        Cancellation cancellation;
        auto destination = at(port);
        auto request = get();
        auto answer = co_await test.client_->send(destination, std::move(request), cancellation);
        EXPECT_EQ((*answer)->status(), 200);
    };
    run(drop(*this, peer.port()));
    EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(HttpClientTest, TheClientMayGoBeforeItsAnswers) {
    OddPeer peer(once(with_length("abcd")));
    auto outlive = [](HttpClientTest &test, std::uint16_t port) -> Task<void> {
        Cancellation cancellation;
        auto destination = at(port);
        auto request = get();
        auto answer = co_await test.client_->send(destination, std::move(request), cancellation);
        test.client_.reset();
        auto body = co_await (*answer)->read_all(100);
        EXPECT_EQ(*body, "abcd");
        cancellation.cancel(); // nothing is left to close
        auto more = co_await (*answer)->read_some(100);
        EXPECT_EQ(*more, "");
    };
    run(outlive(*this, peer.port()));
}

} // namespace
} // namespace divan::net
