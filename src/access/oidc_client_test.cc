#include "access/oidc_client.h"

#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "crypto/testing/signer.h"
#include "net/server.h"
#include "net/socket_loop.h"
#include "net/url.h"
#include "telemetry/log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using enum crypto::SignatureAlgorithm;

// A provider on a server of this process, whose one person is always logged in.
class OidcClientTest : public testing::Test {
  public:
    OidcClientTest()
        : log_(clock_, "divan@127.0.0.1", "", telemetry::Level::none), loop_(clock_),
          http_(net::make_http_client(loop_)),
          server_(
              {.drain_timeout = Millis(10)}, [this](net::Exchange &exchange) { return serve(exchange); },
              [](const Error &) { return std::pair<net::ResponseHead, std::string>(); }),
          client_({loop_, *http_, *config_, clock_, random_, log_}) {
        issuer_ = fmt::format("http://127.0.0.1:{}", server_.listen({"127.0.0.1", 0}).value().port());
        set("enable", "true");
        set("issuer", issuer_);
        set("client_id", "divan");
        set("jwks_request_seconds", "0");
    }
    ~OidcClientTest() override {
        client_.stop();
        loop_.stop();
        http_.reset();
        server_.stop();
    }

    void set(const char *key, const std::string &value) {
        ASSERT_TRUE(config_->set("oidc", key, value, false).ok()) << key;
    }

    Task<void> serve(net::Exchange &exchange) {
        auto path = std::string(exchange.head().raw_path());
        auto body = co_await exchange.body().read_all(100'000);
        {
            std::lock_guard lock(mutex_);
            ++requests_[path];
        }
        auto text = answer(path, std::move(body).value_or(""));
        auto sent = co_await exchange.response().send(net::ResponseHead(), std::move(text));
        ignore_error(sent, "a stop may come before");
    }

    std::string answer(const std::string &path, const std::string &body) {
        if (path == "/keys") {
            std::string text = R"({"keys":[{"kid":")" + kid_ + '"';
            for (const auto &[name, value] : signer_.jwk())
                text += fmt::format(R"(,"{}":"{}")", name, value);
            return text + "}]}";
        }
        if (path == "/token") {
            auto form = net::Query::parse(body).value();
            auto challenge = base64_url_encode(crypto::sha256(form.find("code_verifier").value_or("")));
            auto expires = std::chrono::duration_cast<std::chrono::seconds>(clock_.now()).count() + 60;
            auto claims = fmt::format(
                R"({{"iss":"{}","sub":"1","aud":"divan","exp":{},"iat":1,"nonce":"{}","preferred_username":"anna","groups":[]}})",
                issuer_, expires, nonce_);
            auto token = signer_.token(es256, fmt::format(R"({{"alg":"ES256","kid":"{}"}})", kid_), claims);
            return challenge == challenge_ ? fmt::format(R"({{"id_token":"{}"}})", token) : "{}";
        }
        return fmt::format(
            R"({{"issuer":"{0}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token","jwks_uri":"{0}/keys","id_token_signing_alg_values_supported":["ES256"]}})",
            issuer_);
    }

    // Runs it on the home executor and waits for it there.
    template <typename T> T wait(Task<T> task) {
        std::optional<T> value;
        std::promise<void> done;
        home_.post([&] { spawn(keep(std::move(task), value), [&done] { done.set_value(); }); });
        done.get_future().wait();
        return std::move(*value);
    }
    template <typename T> static Task<void> keep(Task<T> task, std::optional<T> &value) {
        value.emplace(co_await std::move(task));
    }

    // Up to where the provider sends the browser back.
    OidcAnswer come_back() {
        auto start = wait(client_.begin("/next", "http://here", home_)).value();
        auto query = net::Query::parse(start.location.substr(start.location.find('?') + 1)).value();
        nonce_ = std::string(query.find("nonce").value_or(""));
        challenge_ = std::string(query.find("code_challenge").value_or(""));
        EXPECT_EQ(query.find("redirect_uri"), "http://here/_session/oidc/callback");
        return {start.state, "code", {}, {}, start.browser};
    }
    int requests(const std::string &path) {
        std::lock_guard lock(mutex_);
        return requests_[path];
    }

    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
    telemetry::Logger log_;
    crypto::Signer signer_{"P-256"};
    std::string issuer_, nonce_, challenge_;
    std::string kid_ = "first";
    std::mutex mutex_;
    std::map<std::string, int> requests_;
    net::SocketLoop loop_;
    std::unique_ptr<net::HttpClient> http_;
    net::Server server_;
    OidcClient client_;
    ThreadPool home_{1};
};

TEST_F(OidcClientTest, MetadataAndKeysAreFetchedOnceForManyLogins) {
    for (int i = 0; i < 5; ++i) {
        auto login = wait(client_.end(come_back(), home_));
        ASSERT_TRUE(login.ok()) << login.error().reason();
        EXPECT_EQ(login->user.name, "anna");
        EXPECT_EQ(login->next, "/next");
    }
    EXPECT_EQ(requests("/.well-known/openid-configuration"), 1);
    EXPECT_EQ(requests("/keys"), 1);
    EXPECT_EQ(requests("/token"), 5);
    kid_ = "second";
    EXPECT_TRUE(wait(client_.end(come_back(), home_)).ok());
    EXPECT_EQ(requests("/keys"), 2);
}

TEST_F(OidcClientTest, ManyAtOnceShareTheFirstReading) {
    constexpr int kCount = 20;
    std::vector<std::promise<bool>> done(kCount);
    std::vector<std::optional<Result<LoginStart>>> starts(kCount);
    for (std::size_t i = 0; i < kCount; ++i)
        home_.post([&, i] {
            spawn(keep(client_.begin("/", "http://here", home_), starts[i]),
                  [&, i] { done[i].set_value(starts[i]->ok()); });
        });
    for (auto &one : done)
        EXPECT_TRUE(one.get_future().get());
    EXPECT_EQ(requests("/.well-known/openid-configuration"), 1);
}

TEST_F(OidcClientTest, AnotherIssuerIsReadAnewAndItsKeysToo) {
    ASSERT_TRUE(wait(client_.end(come_back(), home_)).ok());
    set("issuer", "http://127.0.0.1:1");
    auto start = wait(client_.begin("/", "http://here", home_));
    EXPECT_NE(start.error().reason().find("http://127.0.0.1:1"), std::string::npos);
    // One that cannot be read is not asked again at once.
    EXPECT_EQ(wait(client_.begin("/", "http://here", home_)).error(), start.error());
}

TEST_F(OidcClientTest, AfterAStopNothingIsAsked) {
    client_.stop();
    auto start = wait(client_.begin("/", "http://here", home_));
    EXPECT_EQ(start.error().code(), ErrorCode::service_unavailable);
    EXPECT_EQ(requests("/.well-known/openid-configuration"), 0);
}

} // namespace
} // namespace divan::access
