#include "net/client.h"

#include "net/odd_peer_test.h"
#include "net/server.h"

#include <gtest/gtest.h>

#include <atomic>

namespace divan::net {
namespace {

TEST(ServerUrl, IsReadAndShownWithoutThePassword) {
    auto url = ServerUrl::parse("http://a%40b:p%3A%2Fw@localhost:5984/couch/");
    ASSERT_TRUE(url.ok()) << url.error().reason();
    EXPECT_FALSE(url->tls);
    EXPECT_EQ(url->user, "a@b");
    EXPECT_EQ(url->password, "p:/w");
    EXPECT_EQ(url->host, "localhost");
    EXPECT_EQ(url->port, 5984);
    EXPECT_EQ(url->path, "/couch");
    EXPECT_EQ(url->shown(), "http://localhost:5984/couch");
    url = ServerUrl::parse("https://[::1]/x");
    ASSERT_TRUE(url.ok());
    EXPECT_TRUE(url->tls);
    EXPECT_EQ(url->shown(), "https://[::1]:443/x");
}

TEST(ServerUrl, WhatIsNoUrlIsRefused) {
    for (const char *text : {"", "h", "http://h:x", "ftp://h", "http://secret:word@"}) {
        auto url = ServerUrl::parse(text);
        ASSERT_FALSE(url.ok()) << text;
        EXPECT_EQ(url.error().reason().find("word@"), std::string::npos);
    }
}

// Answers the method, target, user and body; closes after "/close"; never answers "/never".
class ClientTest : public ::testing::Test {
  protected:
    ClientTest() : server_({.drain_timeout = Millis(10)}, handle, refuse) {
        port_ = server_.listen({"127.0.0.1", 0}).value().port();
    }

    static Task<void> handle(Exchange &exchange) {
        auto body = co_await exchange.body().read_all(1'000'000);
        const auto &head = exchange.head();
        if (head.target == "/never") {
            auto wake = co_await exchange.wait(std::make_shared<Event>(), Millis(60'000));
            EXPECT_EQ(wake, Wake::closed);
            co_return;
        }
        ResponseHead answer;
        answer.status = head.target == "/missing" ? 404 : 200;
        answer.headers.add("X-Connection", head.remote_address);
        if (head.target == "/close")
            answer.headers.add("Connection", "close");
        std::string text(head.headers.find("Authorization").value_or("nobody"));
        text.append(" ").append(head.method).append(" ").append(head.target).append(" ").append(*body);
        auto sent = co_await exchange.response().send(std::move(answer), std::move(text));
        EXPECT_TRUE(sent.ok());
    }

    static std::pair<ResponseHead, std::string> refuse(const Error & /*error*/) { return {}; }

    ServerUrl url() const { return ServerUrl{.host = "127.0.0.1", .port = port_}; }

    Server server_;
    std::uint16_t port_ = 0;
};

TEST_F(ClientTest, SendsAndReceives) {
    auto there = url();
    there.user = "a";
    there.password = "b";
    there.path = "/prefix";
    Client client(there);
    for (int i = 0; i < 3; ++i) {
        auto answer = client.send({.method = "POST", .target = "/x?y=1", .body = "{}"});
        ASSERT_TRUE(answer.ok()) << answer.error().reason();
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->body, "Basic YTpi POST /prefix/x?y=1 {}");
        EXPECT_TRUE(answer->headers.contains("x-connection"));
    }
}

TEST_F(ClientTest, EveryStatusIsAnAnswer) {
    Client client(url());
    EXPECT_EQ(client.send({.target = "/missing"})->status, 404);
    EXPECT_EQ(client.send({.target = "/close"})->status, 200);
    EXPECT_EQ(client.send({.target = "/"})->body, "nobody GET / ");
}

TEST_F(ClientTest, AnAnswerThatDoesNotComeIsGivenUp) {
    Client client(url(), {.answer_timeout = Millis(50)});
    auto answer = client.send({.target = "/never"});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::request_timeout);
    EXPECT_EQ(client.send({.target = "/"})->status, 200);
}

TEST_F(ClientTest, LongAnswersAreRefused) {
    Client client(url(), {.body_bytes_max = 4});
    EXPECT_EQ(client.send({.target = "/"}).error().code(), ErrorCode::too_large);
}

// Whoever sends a second request over a connection reads no answer: the server may have done it, or not.
TEST(Client, OnlyWhatMayBeDoneTwiceIsSentAgain) {
    testing::OddPeer peer([](testing::PeerLine &line) {
        line.read_head();
        line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        line.read_head();
    });
    Client client(ServerUrl{.host = "127.0.0.1", .port = peer.port()});
    EXPECT_TRUE(client.send({.target = "/"}).ok());
    EXPECT_EQ(client.send({.method = "POST", .target = "/"}).error().code(), ErrorCode::service_unavailable);
    EXPECT_EQ(peer.connections(), 1);
    EXPECT_TRUE(client.send({.method = "POST", .target = "/"}).ok());
    EXPECT_TRUE(client.send({.target = "/"}).ok());
    EXPECT_EQ(peer.connections(), 3);
}

TEST(Client, SaysWhereNobodyListens) {
    std::uint16_t port = 0;
    {
        Server server({}, [](Exchange &) -> Task<void> { co_return; }, nullptr);
        port = server.listen({"127.0.0.1", 0}).value().port();
    }
    Client client(ServerUrl{.host = "127.0.0.1", .port = port});
    auto answer = client.send({.target = "/"});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::service_unavailable);
    EXPECT_NE(answer.error().reason().find("http://127.0.0.1:" + std::to_string(port)), std::string::npos);
}

} // namespace
} // namespace divan::net
