#include "net/resolver.h"

#include "net/socket_loop.h"

#include <future>
#include <gtest/gtest.h>
#include <set>

namespace divan::net {
namespace {

class ResolverTest : public ::testing::Test {
  public:
    ResolverTest() : loop_(clock_), resolver_(loop_) {}
    ~ResolverTest() override {
        resolver_.stop();
        loop_.stop();
    }

    SystemClock clock_;
    SocketLoop loop_;
    Resolver resolver_;
};

TEST_F(ResolverTest, AddressesAndNamesAreFound) {
    for (const char *host : {"127.0.0.1", "::1", "localhost"}) {
        std::promise<Addresses> found;
        resolver_.find(host, 80, [&](Addresses addresses) { found.set_value(std::move(addresses)); });
        auto future = found.get_future();
        ASSERT_EQ(future.wait_for(std::chrono::seconds(20)), std::future_status::ready);
        auto addresses = future.get();
        ASSERT_FALSE(addresses.endpoints.empty()) << host;
        EXPECT_EQ(addresses.endpoints[0].port(), 80);
    }
}

// However many ask, each hears of it once; those that take it back never.
TEST_F(ResolverTest, WaitingIsBoundedAndCanBeTakenBack) {
    constexpr std::size_t kLookups = 3'000;
    std::size_t found = 0;
    std::size_t refused = 0;
    std::set<std::size_t> withdrawn_called;
    std::promise<void> done;
    std::size_t expected = 0;
    loop_.post([&] {
        for (std::size_t i = 0; i < kLookups; ++i) {
            bool taken_back = i % 2 == 0 && i < 100;
            auto number = resolver_.find("localhost", 1, [&, i, taken_back](Addresses addresses) {
                if (taken_back) {
                    withdrawn_called.insert(i);
                    return;
                }
                ++(addresses.error.find("too many") == std::string::npos ? found : refused);
                if (found + refused == expected)
                    done.set_value();
            });
            if (taken_back)
                resolver_.withdraw(number);
            else
                ++expected;
        }
    });
    ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    EXPECT_GE(found, 1'024u);
    EXPECT_GT(refused, 0u);
    // Those whose lookup had begun may hear of it.
    EXPECT_LT(withdrawn_called.size(), 50u);
}

} // namespace
} // namespace divan::net
