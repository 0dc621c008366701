// The TLS listener, with this module's client and with a client that does odd things.

#include "net/client_fixture_test.h"
#include "net/odd_peer_test.h"
#include "net/server.h"
#include "net/server_tls.h"

#include <condition_variable>
#include <cstdlib>
#include <gmock/gmock.h>
#include <mutex>

namespace divan::net {
namespace {

using ::testing::AllOf;
using testing::CertificateFolder;
using testing::client_context;
using testing::ClientFixture;
using testing::connect_to;
using ::testing::HasSubstr;
using testing::PeerLine;
using testing::TestCertificate;

std::string joined(const std::vector<std::string> &parts) {
    std::string text;
    for (const auto &part : parts)
        text.append(part).append(";");
    return text;
}

// What it knows of the client, then the body; below /chunks in pieces.
Task<void> tell(Exchange &exchange) {
    const auto &head = exchange.head();
    std::string text = head.tls ? "tls " : "plain ";
    if (const auto &shown = head.client_certificate)
        text += shown->subject + "|" + shown->common_name + "|" + joined(shown->emails) + "|" +
                joined(shown->dns_names) + " ";
    auto body = co_await exchange.body().read_all(64 << 20);
    text += body.ok() ? *body : body.error().reason();
    ResponseHead answer;
    if (head.target != "/chunks") {
        auto sent = co_await exchange.response().send(std::move(answer), std::move(text));
        EXPECT_TRUE(sent.ok());
        co_return;
    }
    auto started = co_await exchange.response().start(std::move(answer), std::optional<std::uint64_t>());
    EXPECT_TRUE(started.ok());
    for (int i = 0; i < 5; ++i) {
        auto written = co_await exchange.response().write(text);
        EXPECT_TRUE(written.ok());
    }
    auto finished = co_await exchange.response().finish();
    EXPECT_TRUE(finished.ok());
}

class ServerTlsTest : public ClientFixture {
  public:
    ServerTlsTest()
        : ca_(folder_.make("authority", {.authority = true})), good_(folder_.make("good", {.issuer = &ca_})) {
    }

    ServerTlsOptions with(const TestCertificate &certificate) {
        ServerTlsOptions options;
        options.certificate_file = certificate.certificate_file;
        options.key_file = certificate.key_file;
        return options;
    }

    static ListenerOptions listener(const ServerTlsOptions &options) {
        ListenerOptions made;
        made.tls = load_server_tls(options).value();
        return made;
    }

    void serve(const ServerTlsOptions &options, ServerOptions limits = {}, Server::Handler handler = tell) {
        limits.drain_timeout = Millis(10);
        server_.emplace(
            limits, std::move(handler),
            [](const Error &error) { return std::pair<ResponseHead, std::string>({400}, error.reason()); },
            [this](ConnectionEvent event, const std::string &address, std::string_view detail) {
                std::lock_guard lock(mutex_);
                events_.emplace_back(event, address + " " + std::string(detail));
                changed_.notify_all();
            });
        listener_.emplace(server_->listen({"127.0.0.1", 0}, listener(options)).value());
    }

    // The text of the first event of that kind; "none" if it does not come.
    std::string event(ConnectionEvent kind) {
        std::unique_lock lock(mutex_);
        auto found = events_.end();
        changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            found = std::find_if(events_.begin(), events_.end(),
                                 [&](const auto &event) { return event.first == kind; });
            return found != events_.end();
        });
        return found == events_.end() ? "none" : found->second;
    }

    // Waits until the server has so many connections.
    bool comes_to(std::size_t count) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (server_->connection_count() != count && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        return server_->connection_count() == count;
    }

    Destination here() {
        auto destination = at(listener_->port());
        destination.tls = true;
        destination.tls_options.ca_file = ca_.certificate_file;
        return destination;
    }

    // The body of an answer, or the reason of the failure.
    std::string answer(const Destination &destination) {
        auto got = ask(destination, get());
        return got.ok() ? got->body : got.error().reason();
    }

    std::string answer_with(const TestCertificate &mine) {
        auto destination = here();
        destination.tls_options.certificate_file = mine.certificate_file;
        destination.tls_options.key_file = mine.key_file;
        return answer(destination);
    }

    static std::string refusal(const ServerTlsOptions &options) {
        auto loaded = load_server_tls(options);
        return loaded.ok() ? "none" : loaded.error().reason();
    }

    CertificateFolder folder_;
    TestCertificate ca_;
    TestCertificate good_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<ConnectionEvent, std::string>> events_;
    std::optional<Server> server_;
    std::optional<Listener> listener_;
};

TEST_F(ServerTlsTest, OneConnectionServesRequestAfterRequest) {
    serve(with(good_));
    for (int i = 0; i < 20; ++i) {
        auto request = get();
        request.method = "POST";
        request.body = std::string(static_cast<std::size_t>(i) * 5'000, 'b');
        auto body = request.body;
        auto got = ask(here(), std::move(request));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "tls " + body);
        got = ask(here(), get("/chunks"));
        ASSERT_TRUE(got.ok()) << got.error().reason();
        EXPECT_EQ(got->body, "tls tls tls tls tls ");
    }
    EXPECT_EQ(server_->connection_count(), 1U);
    EXPECT_EQ(events_.size(), 1U);
    EXPECT_EQ(event(ConnectionEvent::tls_established), "127.0.0.1 ");
}

TEST_F(ServerTlsTest, LargeBodiesGoBothWays) {
    serve(with(good_));
    auto request = get();
    request.method = "PUT";
    for (int i = 0; i < (1 << 20); ++i)
        request.body.append(std::to_string(10'000'000 + i));
    auto body = request.body;
    auto got = ask(here(), std::move(request));
    ASSERT_TRUE(got.ok()) << got.error().reason();
    EXPECT_TRUE(got->body == "tls " + body);
}

TEST_F(ServerTlsTest, PlainAndTlsShareOneServer) {
    serve(with(good_));
    auto plain = server_->listen({"127.0.0.1", 0}).value();
    EXPECT_EQ(answer(at(plain.port())), "plain ");
    EXPECT_EQ(answer(here()), "tls ");
    EXPECT_EQ(server_->connection_count(), 2U);
    // Each speaks only its own.
    auto wrong = here();
    wrong.port = plain.port();
    EXPECT_THAT(answer(wrong), HasSubstr("does not speak TLS"));
    EXPECT_FALSE(ask(at(listener_->port()), get()).ok());
    EXPECT_THAT(event(ConnectionEvent::tls_failed), HasSubstr("does not speak TLS"));
}

TEST_F(ServerTlsTest, VerifiedCertificatesReachTheRequest) {
    auto options = with(good_);
    options.ca_file = ca_.certificate_file;
    options.verify_client = true;
    serve(options);
    auto joe = folder_.make(
        "joe", {.names = "email:joe@example.org,DNS:pad.example,IP:10.0.0.1,DNS:b.example", .issuer = &ca_});
    EXPECT_EQ(answer_with(joe), "tls CN=joe|joe|joe@example.org;|pad.example;b.example; ");
    EXPECT_THAT(answer(here()), HasSubstr("certificate required"));
    EXPECT_THAT(event(ConnectionEvent::tls_failed), HasSubstr("did not return a certificate"));

    auto other = folder_.make("other", {.authority = true});
    auto foreign = folder_.make("foreign", {.issuer = &other});
    auto expired = folder_.make("expired", {.days_from = -3, .days_to = -1, .issuer = &ca_});
    EXPECT_THAT(answer_with(foreign), HasSubstr("unknown ca"));
    EXPECT_THAT(answer_with(expired), HasSubstr("certificate expired"));
    forget_connections();
}

TEST_F(ServerTlsTest, CertificatesMayBeOptional) {
    auto options = with(good_);
    options.ca_file = ca_.certificate_file;
    options.verify_client = true;
    options.client_certificate_required = false;
    serve(options);
    EXPECT_EQ(answer(here()), "tls ");
    EXPECT_THAT(answer_with(folder_.make("joe", {.issuer = &ca_})), HasSubstr("CN=joe|joe||localhost;"));
    // One that is shown must be good.
    EXPECT_THAT(answer_with(folder_.make("alone", {})), HasSubstr("unknown ca"));
    forget_connections();
}

TEST_F(ServerTlsTest, CertificatesThatNobodyAskedForAreNoneAtAll) {
    auto options = with(good_);
    options.ca_file = ca_.certificate_file;
    serve(options);
    EXPECT_EQ(answer_with(folder_.make("joe", {.issuer = &ca_})), "tls ");
    forget_connections();
}

TEST_F(ServerTlsTest, BadFilesAreNamed) {
    auto garbage = folder_.file("garbage.pem", "no certificate");
    auto locked = folder_.make("locked", {.key_password = "secret"});
    auto other = folder_.make("other", {});
    ServerTlsOptions options;
    EXPECT_THAT(refusal(options), HasSubstr("[ssl] cert_file is missing"));
    for (const auto &file : {garbage, std::string("/nowhere/at-all.pem")}) {
        options = with(good_);
        options.certificate_file = file;
        EXPECT_THAT(refusal(options), AllOf(HasSubstr("[ssl] cert_file: "), HasSubstr(file)));
        options = with(good_);
        options.key_file = file;
        EXPECT_THAT(refusal(options), AllOf(HasSubstr("[ssl] key_file: "), HasSubstr(file)));
        options = with(good_);
        options.ca_file = file;
        EXPECT_THAT(refusal(options), AllOf(HasSubstr("[ssl] cacert_file: "), HasSubstr(file)));
    }
    options = with(good_);
    options.key_file = "";
    EXPECT_THAT(refusal(options), HasSubstr("[ssl] key_file is missing"));
    options.key_file = other.key_file;
    EXPECT_THAT(refusal(options), AllOf(HasSubstr("does not belong"), HasSubstr(other.key_file),
                                        HasSubstr(good_.certificate_file)));
    options = with(good_);
    options.verify_client = true;
    EXPECT_THAT(refusal(options), HasSubstr("[ssl] cacert_file is missing"));
    options = with(locked);
    for (const auto *password : {"", "wrong"}) {
        options.key_password = crypto::share_secret(password);
        EXPECT_THAT(refusal(options), AllOf(HasSubstr("[ssl] key_file: "), HasSubstr("[ssl] password"),
                                            ::testing::Not(HasSubstr("wrong"))));
    }
    options.key_password = crypto::share_secret("secret");
    EXPECT_EQ(refusal(options), "none");
}

TEST_F(ServerTlsTest, NewCertificatesAreForNewConnections) {
    serve(with(good_));
    PeerLine old(connect_to(listener_->port()));
    ASSERT_TRUE(old.connect_tls(client_context()));
    auto named = folder_.make("named", {.names = "DNS:example.org,IP:127.0.0.1", .issuer = &ca_});
    EXPECT_EQ(answer(here()), "tls ");
    forget_connections();
    auto other_ca = folder_.make("other", {.authority = true});
    listener_->set_options(listener(with(folder_.make("new", {.issuer = &other_ca}))));
    EXPECT_THAT(answer(here()), HasSubstr("authority that is not among"));
    auto destination = here();
    destination.tls_options.ca_file = other_ca.certificate_file;
    EXPECT_EQ(answer(destination), "tls ");
    old.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(old.read_head(), HasSubstr("200 OK"));
    forget_connections();
}

TEST_F(ServerTlsTest, SlowHandshakesAreCutOffAndCount) {
    ServerOptions limits;
    limits.handshake_timeout = Millis(100);
    limits.connections_max = 1;
    serve(with(good_), limits);
    PeerLine slow(connect_to(listener_->port()));
    slow.write("\x16\x03\x01"); // the beginning of a record
    EXPECT_TRUE(comes_to(1));
    PeerLine second(connect_to(listener_->port()));
    EXPECT_FALSE(second.connect_tls(client_context()));
    EXPECT_EQ(slow.read_all(), "");
    EXPECT_THAT(event(ConnectionEvent::tls_failed), HasSubstr("too long"));
    ASSERT_TRUE(comes_to(0));
    EXPECT_EQ(answer(here()), "tls ");
    forget_connections();
}

TEST_F(ServerTlsTest, EndsAreSaid) {
    serve(with(good_));
    PeerLine line(connect_to(listener_->port()));
    ASSERT_TRUE(line.connect_tls(client_context()));
    line.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(line.read_all(), HasSubstr("tls "));
    EXPECT_TRUE(line.told_end());
    PeerLine bad(connect_to(listener_->port()));
    ASSERT_TRUE(bad.connect_tls(client_context()));
    bad.write("nonsense\r\n\r\n");
    EXPECT_THAT(bad.read_all(), HasSubstr("not valid HTTP"));
    EXPECT_TRUE(bad.told_end());
    // An idle connection at the stop of the server.
    PeerLine idle(connect_to(listener_->port()));
    ASSERT_TRUE(idle.connect_tls(client_context()));
    idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.read_head();
    idle.read(4);
    server_->stop();
    EXPECT_EQ(idle.read_all(), "");
    EXPECT_TRUE(idle.told_end());
}

TEST_F(ServerTlsTest, LimitsOfRequestsHold) {
    ServerOptions limits;
    limits.header_timeout = Millis(100);
    limits.body_bytes_max = 100'000;
    serve(with(good_), limits);
    PeerLine slow(connect_to(listener_->port()));
    ASSERT_TRUE(slow.connect_tls(client_context()));
    slow.write("GET / HTTP");
    EXPECT_THAT(slow.read_all(), HasSubstr("HTTP/1.1 400"));
    // An early answer arrives, although the client still sends.
    PeerLine large(connect_to(listener_->port()));
    ASSERT_TRUE(large.connect_tls(client_context()));
    large.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" +
                std::string(1'000'000, 'x'));
    EXPECT_THAT(large.read_all(), HasSubstr("HTTP/1.1 "));
}

// ---- Handlers that wait

class ServerTlsWaitTest : public ServerTlsTest {
  public:
    void serve_waiting() {
        serve(with(good_), {}, [this](Exchange &exchange) { return wait(exchange); });
    }

    Task<void> wait(Exchange &exchange) {
        {
            std::lock_guard lock(mutex_);
            ++waiting_;
            changed_.notify_all();
        }
        auto wake = co_await exchange.wait(event_, Millis(60'000));
        {
            std::lock_guard lock(mutex_);
            wakes_.push_back(wake);
            changed_.notify_all();
        }
        if (wake == Wake::closed)
            co_return;
        ResponseHead answer;
        auto sent = co_await exchange.response().send(std::move(answer), exchange.head().target);
        EXPECT_TRUE(sent.ok());
    }

    void await_waiting(int count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ == count; }));
    }
    Wake await_wake(std::size_t number) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(
            changed_.wait_for(lock, std::chrono::seconds(20), [&] { return wakes_.size() > number; }));
        return wakes_.at(number);
    }

    std::shared_ptr<Event> event_ = std::make_shared<Event>();
    int waiting_ = 0;
    std::vector<Wake> wakes_;
};

TEST_F(ServerTlsWaitTest, ClientsThatLeaveAreNoticed) {
    serve_waiting();
    for (int i = 0; i < 2; ++i) {
        auto line = std::make_unique<PeerLine>(connect_to(listener_->port()));
        ASSERT_TRUE(line->connect_tls(client_context()));
        line->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await_waiting(i + 1);
        if (i == 0)
            line->end_tls(); // and the socket stays open
        else
            line.reset();
        EXPECT_EQ(await_wake(static_cast<std::size_t>(i)), Wake::closed);
    }
}

TEST_F(ServerTlsWaitTest, RequestsThatComeMeanwhileAreKept) {
    serve_waiting();
    PeerLine line(connect_to(listener_->port()));
    ASSERT_TRUE(line.connect_tls(client_context()));
    // One in the same bytes, one while the handler waits, and nothing for the third wait.
    line.write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    await_waiting(1);
    line.write("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 1; i <= 3; ++i) {
        await_waiting(i);
        event_->notify();
        EXPECT_EQ(await_wake(static_cast<std::size_t>(i) - 1), Wake::event);
        EXPECT_THAT(line.read_head(), HasSubstr("200 OK"));
        EXPECT_EQ(line.read(2), "/" + std::to_string(i));
    }
    line.write("GET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
    await_waiting(4);
    server_->stop();
    EXPECT_EQ(await_wake(3), Wake::closed);
}

// Waits that follow one another at once: the read of each has ended before the next begins.
Task<void> wait_often(Exchange &exchange) {
    auto event = std::make_shared<Event>();
    for (int i = 0; i < 500; ++i) {
        auto wake = co_await exchange.wait(event, Millis(0));
        EXPECT_EQ(wake, Wake::timeout);
    }
    ResponseHead answer;
    auto sent = co_await exchange.response().send(std::move(answer), exchange.head().target);
    EXPECT_TRUE(sent.ok());
}

TEST_F(ServerTlsTest, ManyWaitsLoseNoRequest) {
    serve(with(good_), {}, wait_often);
    PeerLine line(connect_to(listener_->port()));
    ASSERT_TRUE(line.connect_tls(client_context()));
    constexpr int kRequests = 60;
    for (int i = 100; i < 100 + kRequests; ++i)
        for (std::string_view part : {"GET /", "", " HTTP/1.1\r\n", "Host: x\r\n\r\n"})
            line.write(part.empty() ? std::to_string(i) : std::string(part));
    for (int i = 100; i < 100 + kRequests; ++i) {
        ASSERT_THAT(line.read_head(), HasSubstr("200 OK")) << i;
        EXPECT_EQ(line.read(4), "/" + std::to_string(i));
    }
}

// ---- Whom a listener admits

TEST_F(ServerTlsTest, ListsAreOfTheirListener) {
    serve(with(good_));
    auto plain = server_->listen({"127.0.0.1", 0}).value();
    auto options = listener(with(good_));
    options.deny = AddressList::parse("127.0.0.0/8").value();
    options.allow = AddressList::parse("127.0.0.1").value();
    listener_->set_options(options);
    EXPECT_FALSE(ask(here(), get()).ok());
    EXPECT_EQ(event(ConnectionEvent::address_refused), "127.0.0.1 ");
    EXPECT_EQ(answer(at(plain.port())), "plain ");
    options.deny = {};
    listener_->set_options(options);
    EXPECT_EQ(answer(here()), "tls ");
    forget_connections();
    options.allow = AddressList::parse("10.0.0.0/8, ::1").value();
    listener_->set_options(options);
    EXPECT_FALSE(ask(here(), get()).ok());
}

TEST_F(ServerTlsTest, MappedAddressesAreAdmittedAsIpv4) {
    serve(with(good_));
    ListenerOptions options;
    options.allow = AddressList::parse("127.0.0.1").value();
    auto both = server_->listen({"::", 0}, options);
    if (!both.ok())
        GTEST_SKIP() << both.error().reason();
    EXPECT_EQ(answer(at(both->port())), "plain ");
    options.allow = AddressList::parse("::/0").value();
    forget_connections();
    both->set_options(options);
    EXPECT_FALSE(ask(at(both->port()), get()).ok());
}

TEST_F(ServerTlsTest, ConnectionsOfOneAddressAreBounded) {
    serve(with(good_));
    server_->set_connections_per_address_max(2);
    auto first = std::make_unique<PeerLine>(connect_to(listener_->port()));
    ASSERT_TRUE(first->connect_tls(client_context()));
    PeerLine second(connect_to(listener_->port()));
    ASSERT_TRUE(second.connect_tls(client_context()));
    EXPECT_FALSE(ask(here(), get()).ok());
    EXPECT_EQ(event(ConnectionEvent::too_many_of_address), "127.0.0.1 ");
    first.reset();
    ASSERT_TRUE(comes_to(1));
    EXPECT_EQ(answer(here()), "tls ");
    server_->set_connections_per_address_max(0);
    PeerLine third(connect_to(listener_->port()));
    EXPECT_TRUE(third.connect_tls(client_context()));
    forget_connections();
}

// ---- Settings

TEST(TlsVersions, AreReadAsCouchDbWritesThem) {
    auto versions = [](std::string_view text) {
        auto parsed = parse_tls_versions(text);
        return parsed.ok() ? std::string(parsed->v1_2 ? "2" : "") + (parsed->v1_3 ? "3" : "")
                           : parsed.error().reason();
    };
    EXPECT_EQ(versions("tlsv1.2, tlsv1.3"), "23");
    EXPECT_EQ(versions("['tlsv1.2', 'tlsv1.3']"), "23");
    EXPECT_EQ(versions("['tlsv1.3']"), "3");
    EXPECT_EQ(versions("tlsv1.2"), "2");
    for (const char *old : {"[tlsv1, 'tlsv1.1', 'tlsv1.2']", "tlsv1.1", "sslv3"})
        EXPECT_THAT(versions(old), AllOf(HasSubstr("protects nothing"), HasSubstr("`tlsv1.2, tlsv1.3`")))
            << old;
    for (const char *wrong : {"tlsv1.4", "1.3", "TLS 1.3", "[tlsv1.2 tlsv1.9]"})
        EXPECT_THAT(versions(wrong), HasSubstr("is no version of TLS")) << wrong;
    EXPECT_THAT(versions("[]"), HasSubstr("no version of TLS"));
}

TEST(TlsCiphers, AreOpensslsNames) {
    auto names = parse_ciphers("ECDHE-RSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256:ECDHE+AESGCM");
    ASSERT_FALSE(names.ok()); // what combines names hides unknown ones
    names = parse_ciphers(R"(["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256","AES256-GCM-SHA384"])");
    ASSERT_TRUE(names.ok()) << names.error().reason();
    EXPECT_EQ(names->v1_2, "ECDHE-RSA-AES128-GCM-SHA256:AES256-GCM-SHA384");
    EXPECT_EQ(names->v1_3, "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(parse_ciphers("")->v1_2, "");
    for (const char *wrong : {"NO-SUCH-CIPHER", "TLS_NO_SUCH", "ECDHE-RSA-AES128-GCM-SHA256,NO-SUCH",
                              "!aNULL", "DEFAULT@SECLEVEL=0", "-ALL"})
        EXPECT_THAT(parse_ciphers(wrong).error().reason(), HasSubstr("no cipher that OpenSSL knows"))
            << wrong;
    for (const char *open : {"NULL-SHA256", "eNULL", "aNULL", "ADH-AES128-SHA256"})
        EXPECT_FALSE(parse_ciphers(open).ok()) << open;
}

} // namespace
} // namespace divan::net
