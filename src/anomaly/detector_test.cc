#include "anomaly/detector.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace divan::anomaly {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using What = Observation::What;

constexpr std::chrono::microseconds kStart = hours(1'000'000 / 2);

std::uint64_t number(const Event &event, std::string_view name) {
    const auto *value = event.evidence.find(name);
    return value != nullptr ? static_cast<std::uint64_t>(value->as_int64().value_or(-1)) : 999'999;
}

std::vector<std::string> texts(const Event &event, std::string_view name) {
    std::vector<std::string> all;
    if (const auto *value = event.evidence.find(name))
        for (const auto &text : value->array())
            all.push_back(text.string());
    return all;
}

class DetectorTest : public testing::Test {
  protected:
    DetectorTest() {
        options.kinds.fill(true);
        options.failed_logins = {3, seconds(60)};
        options.refusals = {5, seconds(60)};
        options.reads = {.factor = 10,
                         .requests_floor = 100,
                         .bytes_floor = 1'000,
                         .learning_hours = 2,
                         .history_hours = 4};
        options.new_address = {seconds(60), 3};
    }

    std::vector<Event> at(std::chrono::microseconds time, What what, std::string principal,
                          std::string address, std::string path = "/db") {
        return detector.observe({.what = what,
                                 .time = kStart + time,
                                 .principal = std::move(principal),
                                 .address = std::move(address),
                                 .path = std::move(path)},
                                options);
    }
    std::vector<Event> fail(std::chrono::microseconds time, std::string name, std::string address) {
        return at(time, What::failed_login, std::move(name), std::move(address));
    }
    std::vector<Event> read(std::chrono::microseconds time, std::uint64_t requests, std::uint64_t bytes = 0,
                            std::string name = "anna") {
        return detector.observe({.what = What::reads,
                                 .time = kStart + time,
                                 .principal = std::move(name),
                                 .address = "192.0.2.1",
                                 .path = {},
                                 .requests = requests,
                                 .bytes = bytes},
                                options);
    }

    Options options;
    Detector detector;
};

TEST_F(DetectorTest, FailuresOfANameFromManyAddresses) {
    EXPECT_TRUE(fail(seconds(0), "anna", "192.0.2.1").empty());
    EXPECT_TRUE(fail(seconds(1), "anna", "192.0.2.2").empty());
    auto events = fail(seconds(2), "anna", "192.0.2.3");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, Kind::failed_logins);
    EXPECT_EQ(events[0].principal, "anna");
    EXPECT_EQ(events[0].address, "");
    EXPECT_EQ(events[0].time, kStart + seconds(2));
    EXPECT_EQ(number(events[0], "count"), 3U);
    EXPECT_EQ(number(events[0], "window_seconds"), 60U);
    EXPECT_EQ(number(events[0], "suppressed"), 0U);
    EXPECT_EQ(events[0].evidence.find("first")->string(), audit::time_text(kStart));
    EXPECT_EQ(events[0].evidence.find("last")->string(), audit::time_text(kStart + seconds(2)));
    EXPECT_EQ(texts(events[0], "addresses"),
              (std::vector<std::string>{"192.0.2.3", "192.0.2.2", "192.0.2.1"}));
}

TEST_F(DetectorTest, FailuresFromAnAddressOfManyNames) {
    EXPECT_TRUE(fail(seconds(0), "anna", "192.0.2.1").empty());
    EXPECT_TRUE(fail(seconds(1), "bert", "192.0.2.1").empty());
    auto events = fail(seconds(2), "", "192.0.2.1");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].principal, "");
    EXPECT_EQ(events[0].address, "192.0.2.1");
    EXPECT_EQ(texts(events[0], "names"), (std::vector<std::string>{"bert", "anna"}));
}

TEST_F(DetectorTest, ANameIsNotTakenForAnAddress) {
    fail(seconds(0), "192.0.2.1", "192.0.2.9");
    fail(seconds(0), "192.0.2.1", "192.0.2.8");
    EXPECT_TRUE(fail(seconds(0), "x", "192.0.2.1").empty());
}

TEST_F(DetectorTest, TheWindowSlides) {
    auto nearly = seconds(60) - std::chrono::microseconds(1);
    fail(seconds(0), "anna", "");
    fail(seconds(30), "anna", "");
    EXPECT_TRUE(fail(seconds(60), "anna", "").empty()) << "the first one is as old as the window";
    EXPECT_EQ(fail(nearly + seconds(30), "anna", "").size(), 1U) << "30, 60 and just before 90";
}

TEST_F(DetectorTest, OneEventInAWindowAndTheNextOneTellsHowManyWereHeldBack) {
    std::size_t events = 0;
    for (int second = 0; second < 62; ++second)
        events += fail(seconds(second), "anna", "").size();
    EXPECT_EQ(events, 1U) << "raised at 2, again from 62 on";
    auto next = fail(seconds(62), "anna", "");
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(number(next[0], "suppressed"), 59U);
    EXPECT_TRUE(fail(seconds(63), "anna", "").empty());
    fail(seconds(1'000), "anna", "");
    fail(seconds(1'000), "anna", "");
    auto later = fail(seconds(1'000), "anna", "");
    ASSERT_EQ(later.size(), 1U);
    EXPECT_EQ(number(later[0], "suppressed"), 1U);
}

TEST_F(DetectorTest, AClockThatIsPutBackBeginsAnew) {
    fail(seconds(1'000), "anna", "");
    fail(seconds(1'000), "anna", "");
    EXPECT_TRUE(fail(seconds(0), "anna", "").empty());
    fail(seconds(1), "anna", "");
    EXPECT_EQ(fail(seconds(2), "anna", "").size(), 1U);
    // A little out of order is no other clock.
    fail(seconds(201), "bert", "");
    fail(seconds(200), "bert", "");
    EXPECT_EQ(fail(seconds(199), "bert", "").size(), 1U);
}

TEST_F(DetectorTest, RefusalsHaveTheirOwnThresholdAndTheirPaths) {
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(at(seconds(i), What::refusal, "anna", "192.0.2.1", "/db" + std::to_string(i)).empty());
    auto events = at(seconds(5), What::refusal, "anna", "192.0.2.1", "/db3");
    ASSERT_EQ(events.size(), 2U) << "of the name, and from the address";
    EXPECT_EQ(events[0].kind, Kind::refusals);
    EXPECT_EQ(events[0].principal, "anna");
    EXPECT_EQ(events[1].address, "192.0.2.1");
    EXPECT_EQ(texts(events[0], "paths"), (std::vector<std::string>{"/db3", "/db2", "/db1", "/db0"}));
    EXPECT_TRUE(fail(seconds(5), "anna", "192.0.2.1").empty()) << "kinds are counted apart";
}

TEST_F(DetectorTest, KindsThatAreOffAreNotLookedAt) {
    options.kinds.fill(false);
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(fail(seconds(i), "anna", "192.0.2.1").empty());
        EXPECT_TRUE(at(seconds(i), What::refusal, "anna", "192.0.2.1").empty());
        EXPECT_TRUE(at(seconds(i), What::login, "anna", std::to_string(i)).empty());
        EXPECT_TRUE(read(seconds(i), 1'000'000).empty());
    }
    EXPECT_EQ(detector.window_count() + detector.user_count(), 0U);
}

TEST_F(DetectorTest, AnotherThresholdCountsAtOnce) {
    fail(seconds(0), "anna", "");
    options.failed_logins.threshold = 2;
    EXPECT_EQ(fail(seconds(1), "anna", "").size(), 1U);
}

// ---- reads

TEST_F(DetectorTest, WithoutAHistoryTheFloorTimesTheFactorCounts) {
    EXPECT_TRUE(read(seconds(0), 1'000).empty());
    auto events = read(seconds(1), 1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, Kind::many_reads);
    EXPECT_EQ(events[0].principal, "anna");
    EXPECT_EQ(events[0].address, "192.0.2.1");
    EXPECT_EQ(number(events[0], "requests"), 1'001U);
    EXPECT_EQ(number(events[0], "requests_bound"), 1'000U);
    EXPECT_EQ(number(events[0], "hours_known"), 0U);
    EXPECT_TRUE(read(seconds(0), 1'000, 0, "bert").empty()) << "everybody is held against the own history";
}

TEST_F(DetectorTest, ReadsAreHeldAgainstTheOwnAverage) {
    for (int hour = 0; hour < 3; ++hour)
        EXPECT_TRUE(read(hours(hour), 30).empty());
    EXPECT_TRUE(read(hours(3), 300).empty()) << "ten times the average";
    auto events = read(hours(3), 1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(number(events[0], "requests"), 301U);
    EXPECT_EQ(number(events[0], "requests_bound"), 300U);
    EXPECT_EQ(number(events[0], "requests_average"), 30U);
    EXPECT_EQ(number(events[0], "hours_known"), 3U);
    EXPECT_EQ(events[0].evidence.find("hour")->string(), rfc3339(kStart + hours(3)));
}

TEST_F(DetectorTest, BelowTheFloorNothingIsMany) {
    for (int hour = 0; hour < 3; ++hour)
        read(hours(hour), 1);
    EXPECT_TRUE(read(hours(3), 100).empty());
    EXPECT_EQ(read(hours(3), 1).size(), 1U);
}

TEST_F(DetectorTest, BytesAreHeldAgainstTheirOwnAverage) {
    for (int hour = 0; hour < 3; ++hour)
        read(hours(hour), 1, 200);
    EXPECT_TRUE(read(hours(3), 1, 2'000).empty());
    auto events = read(hours(3), 1, 1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(number(events[0], "bytes"), 2'001U);
    EXPECT_EQ(number(events[0], "bytes_bound"), 2'000U);
    EXPECT_EQ(number(events[0], "requests"), 2U);
}

TEST_F(DetectorTest, HoursWithoutReadsDoNotLowerTheAverage) {
    for (int hour = 0; hour < 3; ++hour)
        read(hours(hour), 50);
    EXPECT_TRUE(read(hours(100), 500).empty());
}

TEST_F(DetectorTest, OneEventInAnHourAndTheHourDoesNotTeachMuch) {
    for (int hour = 0; hour < 3; ++hour)
        read(hours(hour), 50);
    EXPECT_EQ(read(hours(3), 100'000).size(), 1U);
    EXPECT_TRUE(read(hours(3), 70).empty());
    // (50 * 3 + 500) / 4: it counted as its bound.
    auto events = read(hours(4), 1'626);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(number(events[0], "requests_average"), 163U);
    EXPECT_EQ(number(events[0], "suppressed"), 70U);
    // Later hours move the average by a quarter each: history_hours is 4.
    for (int hour = 5; hour < 40; ++hour)
        read(hours(hour), 50);
    EXPECT_EQ(read(hours(40), 502).size(), 1U);
}

TEST_F(DetectorTest, ReadsThatComeLateCountInTheHourThatHasBegun) {
    read(hours(1), 600);
    EXPECT_TRUE(read(hours(1) - seconds(1), 400).empty());
    EXPECT_EQ(read(hours(1), 1).size(), 1U);
}

TEST_F(DetectorTest, NobodysReadsAreNotCounted) {
    EXPECT_TRUE(read(hours(0), 1'000'000, 1'000'000'000, "").empty());
    EXPECT_EQ(detector.user_count(), 0U);
}

// ---- addresses

TEST_F(DetectorTest, ANewAddressIsRaisedOnce) {
    EXPECT_TRUE(at(seconds(0), What::login, "anna", "192.0.2.1").empty()) << "the first one is no news";
    EXPECT_TRUE(at(seconds(1), What::login, "anna", "192.0.2.1").empty());
    auto events = at(seconds(2), What::login, "anna", "192.0.2.2");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, Kind::new_address);
    EXPECT_EQ(events[0].principal, "anna");
    EXPECT_EQ(events[0].address, "192.0.2.2");
    EXPECT_EQ(number(events[0], "known_count"), 1U);
    EXPECT_EQ(texts(events[0], "known"), std::vector<std::string>{"192.0.2.1"});
    EXPECT_TRUE(at(seconds(100), What::login, "anna", "192.0.2.2").empty());
    EXPECT_TRUE(at(seconds(100), What::login, "bert", "192.0.2.2").empty());
}

TEST_F(DetectorTest, NewAddressesThatWereHeldBackStayNew) {
    at(seconds(0), What::login, "anna", "192.0.2.1");
    EXPECT_EQ(at(seconds(1), What::login, "anna", "192.0.2.2").size(), 1U);
    EXPECT_TRUE(at(seconds(2), What::login, "anna", "192.0.2.3").empty());
    EXPECT_TRUE(at(seconds(60), What::login, "anna", "192.0.2.4").empty());
    auto events = at(seconds(61), What::login, "anna", "192.0.2.3");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(number(events[0], "suppressed"), 2U);
    EXPECT_EQ(number(events[0], "known_count"), 2U);
}

TEST_F(DetectorTest, KnownAddressesAreBoundedAndTheLeastUsedGo) {
    at(seconds(0), What::login, "anna", "192.0.2.1");
    for (int i = 2; i <= 3; ++i)
        at(seconds(i * 100), What::login, "anna", "192.0.2." + std::to_string(i));
    at(seconds(390), What::login, "anna", "192.0.2.1");
    EXPECT_EQ(at(seconds(400), What::login, "anna", "192.0.2.4").size(), 1U);
    EXPECT_TRUE(at(seconds(500), What::login, "anna", "192.0.2.1").empty());
    EXPECT_EQ(at(seconds(600), What::login, "anna", "192.0.2.2").size(), 1U) << "displaced by the fourth";
}

// ---- the past

TEST_F(DetectorTest, WhatIsLearnedIsKnownAndNotRaised) {
    auto learn = [&](std::chrono::microseconds time, What what, std::string address) {
        detector.learn({.what = what,
                        .time = kStart + time,
                        .principal = "anna",
                        .address = std::move(address),
                        .path = {}},
                       options);
    };
    learn(seconds(0), What::login, "192.0.2.1");
    learn(seconds(0), What::login, "192.0.2.2");
    learn(seconds(0), What::failed_login, "");
    learn(seconds(1), What::failed_login, "");
    EXPECT_TRUE(at(seconds(2), What::login, "anna", "192.0.2.2").empty());
    EXPECT_EQ(at(seconds(2), What::login, "anna", "192.0.2.3").size(), 1U);
    EXPECT_EQ(fail(seconds(2), "anna", "").size(), 1U) << "the window goes on";
}

TEST_F(DetectorTest, AnEventOfThePastIsNotRaisedAgain) {
    for (int i = 0; i < 3; ++i)
        detector.learn({.what = What::failed_login,
                        .time = kStart + seconds(i),
                        .principal = "anna",
                        .address = {},
                        .path = {}},
                       options);
    EXPECT_TRUE(fail(seconds(3), "anna", "").empty());
}

// ---- memory

TEST_F(DetectorTest, SubjectsAreBoundedAndMadeUpNamesDisplaceNoUsers) {
    options.subjects_max = 50;
    at(seconds(0), What::login, "anna", "192.0.2.1");
    for (int i = 0; i < 5'000; ++i)
        fail(seconds(i), "name" + std::to_string(i), "198.51.100." + std::to_string(i % 250));
    EXPECT_EQ(detector.window_count(), 50U);
    EXPECT_EQ(detector.user_count(), 1U);
    EXPECT_EQ(at(seconds(5'000), What::login, "anna", "192.0.2.2").size(), 1U)
        << "what is known of her stayed";
    for (int i = 0; i < 200; ++i)
        at(seconds(i), What::login, "user" + std::to_string(i), "192.0.2.1");
    EXPECT_EQ(detector.user_count(), 50U);
    options.subjects_max = 10;
    fail(seconds(5'000), "x", "y");
    EXPECT_EQ(detector.window_count(), 10U) << "a smaller limit counts at once";
}

TEST_F(DetectorTest, TheLeastRecentSubjectGoes) {
    options.subjects_max = 2;
    fail(seconds(0), "a", "");
    fail(seconds(0), "b", "");
    fail(seconds(1), "a", "");
    fail(seconds(1), "c", ""); // b goes
    EXPECT_EQ(fail(seconds(2), "a", "").size(), 1U);
}

// A model that keeps everything: the same answer, for whatever comes in whatever order.
TEST_F(DetectorTest, RaisesWhatAModelRaises) {
    std::mt19937 random(7);
    std::map<std::string, std::vector<std::chrono::microseconds>> failures;
    std::map<std::string, std::chrono::microseconds> raised;
    std::chrono::microseconds now{0};
    int found = 0;
    for (int i = 0; i < 20'000; ++i) {
        now += std::chrono::milliseconds(random() % 20'000);
        auto name = std::string(1, static_cast<char>('a' + random() % 6));
        auto &all = failures[name];
        all.push_back(now);
        auto within =
            std::count_if(all.begin(), all.end(), [&](auto time) { return time > now - seconds(60); });
        bool expected = within >= 3 && (!raised.contains(name) || now >= raised[name] + seconds(60));
        if (expected)
            raised[name] = now;
        auto events = fail(now, name, "");
        ASSERT_EQ(events.size(), expected ? 1U : 0U) << i;
        found += expected ? 1 : 0;
    }
    EXPECT_GT(found, 100);
}

} // namespace
} // namespace divan::anomaly
