#include "anomaly/watch.h"

#include "anomaly/responder.h"
#include "anomaly/webhook.h"
#include "audit/testing_log.h"

#include <gtest/gtest.h>
#include <thread>

namespace divan::anomaly {
namespace {

class FakeAccounts final : public Accounts {
  public:
    Result<void> lock(const std::string &name) override {
        done.push_back("lock " + name);
        return name == "admin" ? Result<void>(Error(ErrorCode::forbidden, "Not this one.")) : Result<void>();
    }
    Result<void> end_sessions(const std::string &name) override {
        done.push_back("end_sessions " + name);
        return {};
    }
    std::vector<std::string> done;
};

class WatchTest : public testing::Test {
  protected:
    WatchTest() {
        options.kinds.fill(true);
        options.failed_logins = {3, std::chrono::seconds(60)};
        options.reads.requests_floor = 1;
        log = testing_log.open();
    }
    void open() {
        watch = std::make_unique<Watch>(Watch::Services{testing_log.clock, random, testing_log.logger,
                                                        testing_log.metrics, *log, accounts},
                                        std::make_shared<const Options>(options));
    }
    void set_actions(Kind kind) { options.actions[static_cast<std::size_t>(kind)].fill(true); }
    void log_in(std::string_view action, std::string name, std::string address) {
        audit::Record record;
        record.kind = audit::Kind::authentication;
        record.action = action;
        record.principal = std::move(name);
        record.address = std::move(address);
        watch->observe(record);
    }
    // What is recorded when everything was looked at: "ACTION OUTCOME", of kind anomaly.
    std::vector<std::string> recorded() {
        watch->stop();
        EXPECT_TRUE(log->flush().ok());
        std::vector<std::string> all;
        for (const auto &stored : testing_log.records()) {
            auto record = audit::parse_record(stored.text);
            if (record.ok() && record->find("kind")->string() == "anomaly")
                all.push_back(record->find("action")->string() + " " + record->find("outcome")->string());
        }
        return all;
    }
    [[nodiscard]] std::int64_t value(telemetry::Metric metric) const {
        return testing_log.metrics.value(metric);
    }

    Options options;
    audit::TestingLog testing_log;
    std::unique_ptr<audit::Log> log;
    SeededRandom random{1};
    FakeAccounts accounts;
    std::unique_ptr<Watch> watch;
};

TEST_F(WatchTest, ByDefaultOnlyTheEventIsRaised) {
    open();
    for (int i = 0; i < 4; ++i)
        log_in("login_failed", "anna", "192.0.2.1");
    EXPECT_EQ(recorded(), (std::vector<std::string>{"failed_logins granted", "failed_logins granted"}))
        << "of the name and of the address";
    EXPECT_TRUE(accounts.done.empty());
    EXPECT_TRUE(watch->blocked_addresses().empty());
    EXPECT_EQ(value(telemetry::Metric::anomaly_events), 2);
}

TEST_F(WatchTest, ActionsAreDoneInOrderAndRecorded) {
    set_actions(Kind::new_address);
    open();
    log_in("login", "anna", "192.0.2.1");
    log_in("login", "anna", "192.0.2.2");
    EXPECT_EQ(recorded(), (std::vector<std::string>{"new_address granted", "account_locked granted",
                                                    "sessions_closed granted", "address_blocked granted",
                                                    "webhook_called failed", "address_unblocked granted"}))
        << "there is no URL, and a stop ends blocks";
    EXPECT_EQ(accounts.done, (std::vector<std::string>{"lock anna", "end_sessions anna"}));
    EXPECT_EQ(value(telemetry::Metric::anomaly_action_failures), 1);
}

TEST_F(WatchTest, ActionsThatHaveNothingToActOnAreNone) {
    set_actions(Kind::failed_logins);
    options.actions[0][static_cast<std::size_t>(Action::webhook)] = false;
    open();
    for (int i = 0; i < 3; ++i)
        log_in("login_failed", "admin", "192.0.2." + std::to_string(i));
    EXPECT_EQ(recorded(), (std::vector<std::string>{"failed_logins granted", "account_locked failed",
                                                    "sessions_closed granted"}))
        << "an event about a name blocks no address";
}

TEST_F(WatchTest, ReadsAreTalliedByUser) {
    open();
    for (int i = 0; i < 11; ++i)
        watch->count_read("anna", "192.0.2.1", 100);
    watch->count_read("bert", "192.0.2.1", 100);
    watch->count_read("", "192.0.2.1", 100'000'000'000);
    EXPECT_EQ(recorded(), std::vector<std::string>{"many_reads granted"});
}

TEST_F(WatchTest, AFullQueueLosesAndCounts) {
    options.queue_max = 0;
    open();
    log_in("login_failed", "anna", "192.0.2.1");
    watch->count_read("anna", "192.0.2.1", 100);
    EXPECT_EQ(value(telemetry::Metric::anomaly_dropped), 2);
    EXPECT_TRUE(recorded().empty());
}

TEST_F(WatchTest, NothingIsWatchedWhenItIsOff) {
    options.enabled = false;
    open();
    for (int i = 0; i < 20; ++i) {
        log_in("login_failed", "anna", "192.0.2.1");
        watch->count_read("anna", "192.0.2.1", 100);
    }
    EXPECT_TRUE(recorded().empty());
}

TEST_F(WatchTest, LearnsFromTheLog) {
    auto note = [&](std::string action, std::string address) {
        auto record = audit::TestingLog::record(std::move(action));
        record.kind = audit::Kind::authentication;
        record.address = std::move(address);
        log->note(std::move(record));
    };
    note("login", "192.0.2.1");
    for (int i = 0; i < 2'500; ++i)
        note("logout", "");
    note("login", "192.0.2.2");
    note("login_failed", "");
    note("login_failed", "");
    open();
    log_in("login", "anna", "192.0.2.2");
    log_in("login", "anna", "192.0.2.3");
    log_in("login_failed", "anna", "");
    EXPECT_EQ(recorded(), (std::vector<std::string>{"new_address granted", "failed_logins granted"}));
    options.learn_records_max = 3;
    open();
    log_in("login", "anna", "192.0.2.1");
    EXPECT_EQ(recorded().size(), 2U) << "what lies further back is not read: it is the first address";
}

TEST_F(WatchTest, ABlockedAddressIsRefusedUntilSomebodyUnblocksIt) {
    options.actions[static_cast<std::size_t>(Kind::new_address)]
                   [static_cast<std::size_t>(Action::block_address)] = true;
    open();
    log_in("login", "anna", "192.0.2.1");
    log_in("login", "anna", "192.0.2.2");
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (watch->admit("192.0.2.2").ok() && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
    auto admitted = watch->admit("192.0.2.2");
    ASSERT_FALSE(admitted.ok());
    EXPECT_EQ(admitted.error().code(), ErrorCode::forbidden);
    EXPECT_GE(value(telemetry::Metric::anomaly_refused_requests), 1);
    EXPECT_TRUE(watch->admit("192.0.2.1").ok());
    auto block = watch->unblock("192.0.2.2");
    ASSERT_TRUE(block);
    EXPECT_EQ(block_details(*block).find("anomaly")->string(), "new_address");
    EXPECT_TRUE(watch->admit("192.0.2.2").ok());
    EXPECT_FALSE(watch->unblock("192.0.2.2"));
    EXPECT_EQ(recorded(), (std::vector<std::string>{"new_address granted", "address_blocked granted"}))
        << "who unblocks records it";
}

TEST(Webhook, UrlsAreChecked) {
    for (const char *url : {"", "http://127.0.0.1:8080", "https://hooks.example.org/a/b?c=d"})
        EXPECT_TRUE(check_webhook_url(url).ok()) << url;
    for (const char *url : {"nonsense", "ftp://example.org/", "http://anna:hunter2@example.org/",
                            "https://example.org/#x", "https://example.org/a b"}) {
        auto checked = check_webhook_url(url);
        ASSERT_FALSE(checked.ok()) << url;
        EXPECT_EQ(std::string(checked.error().reason()).find("hunter2"), std::string::npos);
    }
}

TEST(Webhook, SignsAsOthersCheckIt) {
    // RFC 4231, test case 2.
    EXPECT_EQ(signature_of(crypto::Secret("Jefe"), "what do ya want for nothing?"),
              "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Webhook, AStopEndsWhatWaits) {
    auto options = std::make_shared<Options>();
    // Nobody listens there.
    options->webhook.url = crypto::share_secret("http://127.0.0.1:1/");
    options->webhook.retry_delay = std::chrono::hours(1);
    options->webhook.queue_max = 1'000;
    Webhook webhook;
    std::atomic<int> failed = 0;
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(webhook.send(options, "{}", [&](const auto &sent) { failed += sent.ok() ? 0 : 1; }).ok());
    webhook.stop();
    EXPECT_EQ(failed, 50);
}

TEST(Webhook, AFullQueueTakesNothing) {
    auto options = std::make_shared<Options>();
    options->webhook.url = crypto::share_secret("http://127.0.0.1:1/");
    options->webhook.queue_max = 0;
    Webhook webhook;
    EXPECT_FALSE(webhook.send(options, "{}", [](const auto &) { FAIL(); }).ok());
}

TEST(EventText, HasWhatARecordHas) {
    Event event{.kind = Kind::new_address,
                .id = "e1",
                .time = std::chrono::microseconds(1'700'000'000'000'000),
                .principal = "anna",
                .address = "192.0.2.2",
                .evidence = {}};
    event.evidence.append("known_count", 1);
    EXPECT_EQ(event_text(event, "node"),
              R"({"event":"e1","time":"2023-11-14T22:13:20.000000Z","node":"node","anomaly":"new_address",)"
              R"("principal":"anna","address":"192.0.2.2","evidence":{"known_count":1}})");
}

} // namespace
} // namespace divan::anomaly
