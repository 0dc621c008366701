#include "access/jwk_source.h"

#include "crypto/testing/signer.h"
#include "net/server.h"
#include "net/socket_loop.h"
#include "telemetry/log.h"
#include "json/writer.h"

#include <atomic>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace divan::access {
namespace {

using crypto::KeyFamily;

// The status of a server that does not answer.
constexpr int kNever = 0;

// A set with one key of this id.
std::string set_of(const std::string &kid, const std::string &more = "") {
    static crypto::Signer signer("P-256");
    std::string text = R"({"keys":[{"kid":")" + kid + '"';
    for (const auto &[name, value] : signer.jwk())
        text += fmt::format(R"(,"{}":"{}")", name, value);
    return text + more + "}]}";
}

class JwkSourceTest : public testing::Test {
  public:
    JwkSourceTest()
        : folder_(std::filesystem::temp_directory_path() / fmt::format("divan_jwk_source_{}", ::getpid())),
          log_(clock_, "divan@127.0.0.1", (folder_ / "log").string(), telemetry::Level::info), loop_(clock_),
          client_(net::make_http_client(loop_)),
          server_(
              {.drain_timeout = Millis(10)}, [this](net::Exchange &exchange) { return serve(exchange); },
              [](const Error &) { return std::pair<net::ResponseHead, std::string>(); }),
          source_({loop_, *client_, log_}, [this] {
              std::lock_guard lock(mutex_);
              return options_;
          }) {
        std::filesystem::create_directories(folder_);
        port_ = server_.listen({"127.0.0.1", 0}).value().port();
        options_.request_interval = Millis(0);
        options_.web.timeout = Millis(5'000);
    }
    ~JwkSourceTest() override {
        source_.stop();
        loop_.stop();
        client_.reset();
        server_.stop();
        std::filesystem::remove_all(folder_);
    }

    Task<void> serve(net::Exchange &exchange) {
        net::ResponseHead head;
        std::string body;
        {
            std::lock_guard lock(mutex_);
            ++requests_;
            head.status = status_;
            body = body_;
        }
        if (head.status == kNever) {
            auto event = std::make_shared<Event>();
            auto woken = co_await exchange.wait(event, Millis(60'000));
            EXPECT_EQ(woken, net::Wake::closed);
            co_return;
        }
        auto sent = co_await exchange.response().send(std::move(head), std::move(body));
        ignore_error(sent, "the client's test sees it");
    }

    void answer(int status, std::string body) {
        std::lock_guard lock(mutex_);
        status_ = status;
        body_ = std::move(body);
    }
    template <typename Change> void change_options(Change change) {
        std::lock_guard lock(mutex_);
        change(options_);
    }
    int requests() {
        std::lock_guard lock(mutex_);
        return requests_;
    }
    std::string url() const { return fmt::format("http://127.0.0.1:{}/keys?tenant=1", port_); }
    bool knows(const std::string &kid) const {
        return source_.current()->find(KeyFamily::ec, kid) != nullptr;
    }
    // Waits for it, with a limit.
    template <typename Condition> static bool comes(Condition condition) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        return condition();
    }
    bool becomes_known(const std::string &kid) {
        return comes([&] { return knows(kid); });
    }
    // Waits until a refresh that began after this call has ended.
    void refresh() {
        std::promise<void> done;
        loop_.post([&] { spawn(source_.refresh_if_allowed(), [&done] { done.set_value(); }); });
        done.get_future().wait();
    }
    std::string logged() const {
        std::ifstream file(folder_ / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

    const std::filesystem::path folder_;
    SystemClock clock_;
    std::mutex mutex_;
    int requests_ = 0;
    int status_ = 200;
    std::string body_;
    JwkSourceOptions options_;
    telemetry::Logger log_;
    net::SocketLoop loop_;
    std::unique_ptr<net::HttpClient> client_;
    net::Server server_;
    std::uint16_t port_ = 0;
    JwkSource source_;
};

TEST_F(JwkSourceTest, KeysOfAFileAndOfAUrlAreOneSet) {
    EXPECT_EQ(source_.current()->size(), 0u);
    std::ofstream(folder_ / "keys.json") << set_of("of the file");
    answer(200, set_of("of the url"));
    options_.file = folder_ / "keys.json";
    options_.url = url();
    source_.start();
    EXPECT_TRUE(becomes_known("of the url"));
    EXPECT_TRUE(knows("of the file"));
    EXPECT_EQ(source_.current()->size(), 2u);
}

TEST_F(JwkSourceTest, OfTwoKeysWithOneIdThatOfTheFileCounts) {
    std::ofstream(folder_ / "keys.json") << set_of("same", R"(,"alg":"ES256")");
    answer(200, set_of("same"));
    options_.file = folder_ / "keys.json";
    options_.url = url();
    refresh();
    EXPECT_EQ(requests(), 1);
    ASSERT_TRUE(knows("same"));
    EXPECT_EQ(source_.current()->find(KeyFamily::ec, "same")->only, crypto::SignatureAlgorithm::es256);
}

TEST_F(JwkSourceTest, ARequestedRefreshBringsTheKeyThatTheProviderHasNow) {
    answer(200, set_of("old"));
    options_.url = url();
    source_.start();
    ASSERT_TRUE(becomes_known("old"));
    answer(200, set_of("new"));
    source_.request_refresh();
    EXPECT_TRUE(becomes_known("new"));
    EXPECT_FALSE(knows("old"));
}

TEST_F(JwkSourceTest, KeysAreRefreshedWithoutBeingAsked) {
    answer(200, set_of("old"));
    options_.url = url();
    options_.refresh_interval = Millis(1);
    source_.start();
    ASSERT_TRUE(becomes_known("old"));
    answer(200, set_of("new"));
    EXPECT_TRUE(becomes_known("new"));
}

TEST_F(JwkSourceTest, RequestsDoNotMakeItAskMoreOftenThanTheInterval) {
    answer(200, set_of("old"));
    options_.url = url();
    options_.request_interval = Millis(3'600'000);
    source_.start();
    ASSERT_TRUE(becomes_known("old"));
    for (int i = 0; i < 100; ++i) {
        source_.request_refresh();
        refresh();
    }
    EXPECT_EQ(requests(), 1);
    // A place that is another one is read at once.
    change_options([](JwkSourceOptions &options) { options.url += "2"; });
    answer(200, set_of("new"));
    source_.request_refresh();
    EXPECT_TRUE(becomes_known("new"));
    EXPECT_EQ(requests(), 2);
}

TEST_F(JwkSourceTest, TheLastGoodSetStaysWhenARefreshFails) {
    answer(200, set_of("good"));
    options_.url = url();
    refresh();
    ASSERT_TRUE(knows("good"));
    struct Case {
        int status;
        std::string body, reason;
    };
    for (const auto &[status, body, reason] : std::initializer_list<Case>{
             {500, set_of("bad"), "cannot be read: it answers 500"},
             {302, set_of("bad"), "cannot be read: it answers 302"},
             {200, "<html>", "is no key set: "},
             {200, std::string(300'000, ' '), "cannot be read: its answer has more than 262144 bytes"}}) {
        answer(status, body);
        refresh();
        EXPECT_TRUE(knows("good"));
        EXPECT_FALSE(knows("bad"));
        auto place = fmt::format("http://127.0.0.1:{}/keys ", port_);
        EXPECT_NE(logged().find(place + reason), std::string::npos) << logged();
    }
    EXPECT_EQ(logged().find("tenant"), std::string::npos); // a query may hold secrets
    auto lines = logged();
    refresh();
    EXPECT_EQ(logged(), lines); // once
}

TEST_F(JwkSourceTest, ASetThatCannotBeReadAgainForTooLongIsDropped) {
    answer(200, set_of("good"));
    options_.url = url();
    refresh();
    ASSERT_TRUE(knows("good"));
    answer(500, "");
    change_options([](JwkSourceOptions &options) { options.keep_max = Millis(0); });
    refresh();
    EXPECT_EQ(source_.current()->size(), 0u);
    EXPECT_NE(logged().find("no longer used"), std::string::npos);
}

TEST_F(JwkSourceTest, KeysOfAPlaceThatIsNoLongerSetAreForgotten) {
    std::ofstream(folder_ / "keys.json") << set_of("mine");
    options_.file = folder_ / "keys.json";
    refresh();
    ASSERT_TRUE(knows("mine"));
    change_options([](JwkSourceOptions &options) { options.file.clear(); });
    refresh();
    EXPECT_FALSE(knows("mine"));
}

TEST_F(JwkSourceTest, FilesThatAreNoSetAreLoggedAndNothingMore) {
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0); // reading it would wait for a writer
    std::ofstream(folder_ / "large") << std::string(300'000, ' ');
    for (const auto &[name, reason] :
         {std::pair("missing", "is no file that can be read"),
          std::pair("pipe", "is no file that can be read"), std::pair("large", "The key set is too large")}) {
        change_options([&](JwkSourceOptions &options) { options.file = folder_ / name; });
        refresh();
        EXPECT_NE(logged().find(reason), std::string::npos) << name << logged();
    }
}

TEST_F(JwkSourceTest, AProviderThatDoesNotAnswerIsNotWaitedForForever) {
    answer(kNever, "");
    options_.url = url();
    options_.web.timeout = Millis(50);
    refresh();
    EXPECT_NE(logged().find("cannot be read: no answer within 50 ms"), std::string::npos) << logged();
}

TEST_F(JwkSourceTest, AStopDoesNotWaitForAProvider) {
    answer(kNever, "");
    options_.url = url();
    options_.web.timeout = Millis(60'000);
    source_.start();
    ASSERT_TRUE(comes([&] { return requests() == 1; }));
    source_.stop();
    EXPECT_EQ(logged(), "");
}

TEST(JwksUrl, OnlyEncryptedUnlessItIsThisMachine) {
    for (const char *url :
         {"", "https://id.example.com/keys?x=1", "http://localhost:8080/keys", "http://[::1]/"})
        EXPECT_TRUE(check_jwks_url(url).ok()) << url;
    for (const char *url : {"http://id.example.com/keys", "ftp://localhost/", "keys", "https://a:b@c/",
                            "https://a/#b", "https://a/b c", "https://a/?b\r\nX: 1"})
        EXPECT_EQ(check_jwks_url(url).error().status(), 400) << url;
}

TEST(WebAddress, TheTargetIsWhatWasWritten) {
    EXPECT_EQ(WebAddress::parse("https://a")->target, "/");
    EXPECT_EQ(WebAddress::parse("https://a?x=1")->target, "/?x=1");
    auto address = WebAddress::parse("https://A:444/b/%2f/?x=/1").value();
    EXPECT_EQ(address.target, "/b/%2f/?x=/1");
    EXPECT_EQ(address.shown, "https://A:444/b/%2f/");
    EXPECT_EQ(address.destination.host, "a");
    EXPECT_EQ(address.destination.port, 444);
    EXPECT_TRUE(address.destination.tls);
}

} // namespace
} // namespace divan::access
