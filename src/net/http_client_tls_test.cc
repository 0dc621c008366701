// TLS and proxies.

#include "net/client.h"
#include "net/client_fixture_test.h"
#include "net/http_client.h"
#include "net/odd_peer_test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace divan::net {
namespace {

using testing::CertificateFolder;
using testing::ClientFixture;
using testing::Got;
using testing::OddPeer;
using testing::PeerLine;
using testing::server_context;
using testing::TestCertificate;
using testing::TlsContext;

constexpr const char *kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpClientTlsTest : public ClientFixture {
  public:
    HttpClientTlsTest()
        : ca_(folder_.make("authority", {.authority = true})), good_(folder_.make("good", {.issuer = &ca_})) {
    }

    // Answers "ok" to every request over TLS; notes the names that clients ask for.
    OddPeer::Script serve(TlsContext context) {
        return [this, context = std::move(context)](PeerLine &line) {
            if (!line.start_tls(context))
                return;
            asked_name_ = line.asked_name();
            while (!line.read_head().empty())
                line.write(kOk);
        };
    }

    Destination tls_at(std::uint16_t port, std::string host = "127.0.0.1") {
        auto destination = at(port, std::move(host));
        destination.tls = true;
        destination.tls_options.ca_file = ca_.certificate_file;
        return destination;
    }

    // The error of a request to a server with this certificate.
    std::string failure(const TestCertificate &certificate, std::string host = "127.0.0.1", int depth = 3) {
        OddPeer peer(serve(server_context(certificate)));
        auto destination = tls_at(peer.port(), std::move(host));
        destination.tls_options.chain_depth_max = depth;
        auto got = ask(destination, get());
        if (got.ok())
            return "none";
        EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
        return got.error().reason();
    }

    CertificateFolder folder_;
    TestCertificate ca_;
    TestCertificate good_;
    std::string asked_name_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(HttpClientTlsTest, ATrustedServerIsAsked) {
    OddPeer peer(serve(server_context(good_)));
    for (int i = 0; i < 3; ++i) {
        auto got = ask(tls_at(peer.port()), get());
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "ok");
        EXPECT_EQ(asked_name_, "none"); // an address
    }
    EXPECT_EQ(peer.connections(), 1);
    auto got = ask(tls_at(peer.port(), "localhost"), get());
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(asked_name_, "localhost");
    EXPECT_EQ(peer.connections(), 2); // another destination
    forget_connections();
}

TEST_F(HttpClientTlsTest, LargeBodiesGoBothWays) {
    auto context = server_context(good_);
    OddPeer peer([&](PeerLine &line) {
        if (!line.start_tls(context))
            return;
        line.read_head();
        auto body = line.read(8 << 20);
        line.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
        line.write(body);
    });
    auto request = get();
    request.method = "PUT";
    for (int i = 0; i < (1 << 20); ++i)
        request.body.append(std::to_string(10'000'000 + i));
    auto body = request.body;
    auto got = ask(tls_at(peer.port()), std::move(request));
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_TRUE(got->body == body);
}

TEST_F(HttpClientTlsTest, WhatIsNotTrustedIsRefused) {
    auto other = folder_.make("other", {.authority = true});
    auto foreign = folder_.make("foreign", {.issuer = &other});
    auto alone = folder_.make("alone", {});
    auto expired = folder_.make("expired", {.days_from = -3, .days_to = -1, .issuer = &ca_});
    auto early = folder_.make("early", {.days_from = 1, .days_to = 3, .issuer = &ca_});
    auto named = folder_.make("named", {.names = "DNS:example.org", .issuer = &ca_});
    // The common name is no name of a host (RFC 9525).
    auto common = folder_.make("localhost", {.names = "DNS:example.org", .issuer = &ca_});
    EXPECT_HAS(failure(foreign), "authority that is not among");
    EXPECT_HAS(failure(alone), "signed by itself");
    EXPECT_HAS(failure(expired), "expired");
    EXPECT_HAS(failure(early), "not valid yet");
    EXPECT_HAS(failure(named), "another name");
    EXPECT_HAS(failure(named, "localhost"), "another name");
    EXPECT_HAS(failure(common, "localhost"), "another name");
    EXPECT_HAS(failure(alone), "https://127.0.0.1:");
}

TEST_F(HttpClientTlsTest, NothingIsAskedOfWhomIsNotVerified) {
    auto alone = folder_.make("alone", {.names = "DNS:example.org", .days_from = -3, .days_to = -1});
    OddPeer peer(serve(server_context(alone)));
    auto destination = tls_at(peer.port());
    destination.tls_options = TlsOptions();
    auto got = ask(destination, get()); // the system's authorities
    EXPECT_FALSE(got.ok());
    destination.tls_options.verify = false;
    got = ask(destination, get());
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(got->body, "ok");
    forget_connections();
}

TEST_F(HttpClientTlsTest, ClientsHaveCertificatesToo) {
    auto mine = folder_.make("mine", {.key_password = "secret", .issuer = &ca_});
    auto other = folder_.make("other", {});
    OddPeer peer(serve(server_context(good_, ca_.certificate_file)));
    auto destination = tls_at(peer.port());
    auto got = ask(destination, get());
    ASSERT_FALSE(got.ok());
    EXPECT_HAS(got.error().reason(), "certificate required");
    destination.tls_options.certificate_file = mine.certificate_file;
    destination.tls_options.key_file = mine.key_file;
    destination.tls_options.key_password = crypto::share_secret("secret");
    got = ask(destination, get());
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(got->body, "ok");
    forget_connections();

    for (const auto *password : {"", "wrong"}) {
        destination.tls_options.key_password = crypto::share_secret(password);
        got = ask(destination, get());
        ASSERT_FALSE(got.ok());
        EXPECT_HAS(got.error().reason(), mine.key_file);
        EXPECT_EQ(got.error().reason().find("wrong"), std::string::npos);
    }
    destination.tls_options.key_file = other.key_file;
    got = ask(destination, get());
    ASSERT_FALSE(got.ok());
    EXPECT_HAS(got.error().reason(), other.key_file);
}

TEST_F(HttpClientTlsTest, BadFilesAreNamed) {
    auto garbage = folder_.file("garbage.pem", "no certificate");
    auto destination = tls_at(1);
    for (const auto &file : {garbage, std::string("/nowhere/ca.pem")}) {
        destination.tls_options.ca_file = file;
        auto got = ask(destination, get());
        ASSERT_FALSE(got.ok());
        EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
        EXPECT_HAS(got.error().reason(), file);
        destination.tls_options.ca_file = ca_.certificate_file;
        destination.tls_options.certificate_file = file;
        got = ask(destination, get());
        ASSERT_FALSE(got.ok());
        EXPECT_HAS(got.error().reason(), file);
        destination.tls_options.certificate_file.clear();
    }
}

TEST_F(HttpClientTlsTest, AFileThatHasChangedIsReadAgain) {
    auto other = folder_.make("other", {.authority = true});
    auto foreign = folder_.make("foreign", {.issuer = &other});
    OddPeer peer(serve(server_context(foreign)));
    auto destination = tls_at(peer.port());
    EXPECT_FALSE(ask(destination, get()).ok());
    std::filesystem::copy_file(other.certificate_file, ca_.certificate_file,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::last_write_time(ca_.certificate_file,
                                     std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
    auto got = ask(destination, get());
    EXPECT_TRUE(got.ok()) << got.error().reason();
    forget_connections();
}

TEST_F(HttpClientTlsTest, AServerWithoutTlsIsSaidToBe) {
    OddPeer peer([](PeerLine &line) {
        line.read(1);
        line.write("HTTP/1.1 400 Bad Request\r\n\r\n");
        line.read_all();
    });
    auto got = ask(tls_at(peer.port()), get());
    ASSERT_FALSE(got.ok());
    EXPECT_HAS(got.error().reason(), "does not speak TLS");
}

TEST_F(HttpClientTlsTest, AHandshakeThatDoesNotEndIsGivenUp) {
    OddPeer peer([](PeerLine &line) { line.read_all(); });
    auto request = get();
    request.connect_timeout = Millis(40);
    auto got = ask(tls_at(peer.port()), std::move(request));
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::request_timeout);
}

TEST_F(HttpClientTlsTest, AnEarlyAnswerEndsTheStream) {
    auto context = server_context(good_);
    OddPeer peer([&](PeerLine &line) {
        if (!line.start_tls(context))
            return;
        line.read_head();
        line.read(100'000);
        line.write("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
        std::string sink;
        while (!(sink = line.read(1 << 20)).empty()) // until the client closes
            ;
    });
    auto request = get();
    request.method = "PUT";
    request.stream = []() -> Task<Result<std::string>> { co_return std::string(100'000, 'x'); };
    auto got = ask(tls_at(peer.port()), std::move(request));
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(got->status, 413);
    EXPECT_EQ(got->body, "large");
}

// An end without close_notify may be an attacker's.
TEST_F(HttpClientTlsTest, ACutIsNoEnd) {
    auto context = server_context(good_);
    OddPeer peer([&](PeerLine &line) {
        if (!line.start_tls(context))
            return;
        line.read_head();
        line.write("HTTP/1.1 200 OK\r\n\r\nhalf");
    });
    auto got = ask(tls_at(peer.port()), get());
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
}

TEST_F(HttpClientTlsTest, TheBlockingClientSpeaksTls) {
    OddPeer peer(serve(server_context(good_)));
    ServerUrl url{.tls = true, .host = "localhost", .port = peer.port()};
    {
        Client client(url);
        EXPECT_FALSE(client.send({.target = "/"}).ok()); // not known to the system
    }
    Client client(url, {.tls_options = {.ca_file = ca_.certificate_file}});
    auto answer = client.send({.target = "/"});
    ASSERT_TRUE(answer.ok()) << answer.error().reason();
    EXPECT_EQ(answer->body, "ok");
}

// ---- Proxies

TEST_F(HttpClientTlsTest, AProxyGetsAbsoluteTargets) {
    std::string head;
    OddPeer proxy([&](PeerLine &line) {
        head = line.read_head();
        line.write(kOk);
    });
    auto destination = at(5984, "couch.example");
    destination.proxy = Proxy{"127.0.0.1", proxy.port(), "me", "secret"};
    auto got = ask(destination, get("/db?x=1"));
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_EQ(head.find("GET http://couch.example:5984/db?x=1 HTTP/1.1\r\nHost: couch.example:5984\r\n"), 0u)
        << head;
    EXPECT_HAS(head, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n");
}

// A proxy that relays between two sockets until both have ended.
void relay(int a, int b) {
    auto copy = [](int from, int to) {
        char bytes[4'096];
        for (;;) {
            auto got = recv(from, bytes, sizeof bytes, 0);
            if (got <= 0 || send(to, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
                break;
        }
        shutdown(to, SHUT_WR);
    };
    std::thread back([&] { copy(b, a); });
    copy(a, b);
    back.join();
}

TEST_F(HttpClientTlsTest, AProxyConnectsToTheServer) {
    OddPeer server(serve(server_context(good_)));
    std::string head;
    OddPeer proxy([&](PeerLine &line) {
        head = line.read_head();
        line.write("HTTP/1.1 200 Connected\r\nVia: x\r\n\r\n");
        int onward = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(server.port());
        ASSERT_EQ(connect(onward, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        relay(line.socket(), onward);
        close(onward);
    });
    auto destination = tls_at(server.port(), "localhost");
    destination.proxy = Proxy{"127.0.0.1", proxy.port(), "me", "secret"};
    for (int i = 0; i < 2; ++i) {
        auto got = ask(destination, get());
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "ok");
    }
    EXPECT_EQ(proxy.connections(), 1);
    EXPECT_EQ(head.find("CONNECT localhost:" + std::to_string(server.port()) + " HTTP/1.1\r\n"), 0u) << head;
    EXPECT_HAS(head, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n");
    EXPECT_EQ(asked_name_, "localhost");
    forget_connections();
}

TEST_F(HttpClientTlsTest, AProxyThatRefusesIsNamed) {
    for (const auto *answer : {"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", "SSH-2.0\r\n", "",
                               "HTTP/1.1 200 OK\r\n\r\ntoo much"}) {
        OddPeer proxy([&](PeerLine &line) {
            line.read_head();
            line.write(answer);
        });
        auto destination = tls_at(1, "localhost");
        destination.proxy = Proxy{"127.0.0.1", proxy.port(), "me", "secret"};
        auto got = ask(destination, get());
        ASSERT_FALSE(got.ok());
        EXPECT_EQ(got.error().code(), ErrorCode::service_unavailable);
        EXPECT_HAS(got.error().reason(), "roxy");
        EXPECT_EQ(got.error().reason().find("secret"), std::string::npos);
    }
}

} // namespace
} // namespace divan::net
