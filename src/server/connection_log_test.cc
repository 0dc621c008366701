#include "server/connection_log.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace divan::server {
namespace {

using net::ConnectionEvent;

class ConnectionLogTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "divan-log-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        log_ = std::make_unique<telemetry::Logger>(clock_, "n", folder_ + "/log", telemetry::Level::info);
        connections_ = std::make_unique<ConnectionLog>(clock_, *log_, metrics_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // Of the whole log; it is flushed by its end.
    std::size_t lines() {
        log_.reset();
        std::ifstream file(folder_ + "/log");
        std::size_t count = 0;
        for (std::string line; std::getline(file, line);)
            ++count;
        return count;
    }

    std::string folder_;
    ManualClock clock_;
    telemetry::Registry metrics_;
    std::unique_ptr<telemetry::Logger> log_;
    std::unique_ptr<ConnectionLog> connections_;
};

TEST_F(ConnectionLogTest, OneLineAMinuteForEachAddress) {
    for (int i = 0; i < 100; ++i) {
        connections_->note(ConnectionEvent::address_refused, "10.0.0.1", {});
        connections_->note(ConnectionEvent::address_refused, "10.0.0.2", {});
        connections_->note(ConnectionEvent::too_many_of_address, "10.0.0.1", {});
        connections_->note(ConnectionEvent::tls_established, "10.0.0.1", {});
    }
    clock_.advance(ConnectionLog::kInterval - Millis(1));
    connections_->note(ConnectionEvent::address_refused, "10.0.0.1", {});
    clock_.advance(Millis(1));
    connections_->note(ConnectionEvent::address_refused, "10.0.0.1", {});
    EXPECT_EQ(metrics_.value(telemetry::Metric::connections_refused), 302);
    EXPECT_EQ(metrics_.value(telemetry::Metric::tls_connections), 100);
    EXPECT_EQ(lines(), 4U);
}

TEST_F(ConnectionLogTest, ManyAddressesAreBounded) {
    for (std::size_t i = 0; i < 2 * ConnectionLog::kLinesMax; ++i)
        connections_->note(ConnectionEvent::tls_failed, std::to_string(i), "why");
    EXPECT_EQ(metrics_.value(telemetry::Metric::tls_handshakes_failed), 20'000);
    EXPECT_EQ(lines(), ConnectionLog::kLinesMax);
}

} // namespace
} // namespace divan::server
