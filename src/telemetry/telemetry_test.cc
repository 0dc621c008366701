#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>

namespace divan::telemetry {
namespace {

TEST(Metrics, CountsRequestsUnderCouchDbsNames) {
    Registry registry;
    registry.count_request("GET", 200, std::chrono::milliseconds(10));
    registry.count_request("PUT", 201, std::chrono::milliseconds(20));
    registry.count_request("BREW", 418, std::chrono::milliseconds(30));
    EXPECT_EQ(registry.value(Metric::requests), 3);
    EXPECT_EQ(registry.value(Metric::method_get), 1);
    EXPECT_EQ(registry.value(Metric::status_201), 1);
    auto json = registry.stats_json({});
    EXPECT_NE(json.find(R"("httpd_status_codes":{"200":{"value":1,"type":"counter")"), std::string::npos)
        << json;
    auto text = registry.prometheus_text({.uptime_seconds = 5});
    EXPECT_NE(text.find("couchdb_httpd_status_codes{code=\"200\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("couchdb_uptime_seconds 5\n"), std::string::npos);
    EXPECT_NE(text.find("couchdb_httpd_requests_total 3\n"), std::string::npos);
    EXPECT_NE(text.find("# TYPE couchdb_httpd_clients_requesting_changes gauge\n"), std::string::npos);
}

TEST(Histogram, QuantilesAreClose) {
    Histogram histogram;
    for (int i = 1; i <= 1'000; ++i)
        histogram.add(i);
    auto s = histogram.summary();
    EXPECT_EQ(s.count, 1'000u);
    EXPECT_NEAR(s.p50, 500, 70);
    EXPECT_NEAR(s.p99, 990, 130);
    EXPECT_NEAR(s.mean, 500, 70);
}

TEST(Log, Levels) {
    EXPECT_EQ(parse_level("warning"), Level::warning);
    EXPECT_EQ(parse_level("emergency"), Level::critical);
    EXPECT_EQ(parse_level("?"), Level::info);
}

// A user whose name holds a line of the log must not write one.
TEST(Log, AnEventIsOneLine) {
    auto path = testing::TempDir() + "one_line.log";
    ManualClock clock;
    {
        Logger log(clock, "node", path, Level::info);
        log.warning("failed for a\n[error] forged\r\x1b[2J");
    }
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    EXPECT_TRUE(line.ends_with("failed for a\\x0a[error] forged\\x0d\\x1b[2J")) << line;
    EXPECT_FALSE(std::getline(file, line));
    std::remove(path.c_str());
}

} // namespace
} // namespace divan::telemetry
