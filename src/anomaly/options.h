#pragma once

// The settings of [anomaly]; all may change while the server runs.

#include "anomaly/event.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "net/address_list.h"

#include <array>
#include <memory>
#include <string>

namespace divan::config {
class Config;
}

namespace divan::anomaly {

// In the order in which those of an event are done.
enum class Action : std::uint8_t { lock, close_sessions, block_address, webhook, kCount };
inline constexpr std::size_t kActionCount = static_cast<std::size_t>(Action::kCount);
using Actions = std::array<bool, kActionCount>;

// So many of a name, or from an address, within that time.
struct WindowOptions {
    std::size_t threshold = 10;
    std::chrono::seconds window{300};
};

struct ReadsOptions {
    double factor = 10;
    std::uint64_t requests_floor = 1'000;
    std::uint64_t bytes_floor = 100'000'000;
    std::uint64_t learning_hours = 5;
    std::uint64_t history_hours = 168;
};

struct NewAddressOptions {
    std::chrono::seconds window{60};
    std::size_t known_max = 20; // of a user
};

struct BlockOptions {
    std::chrono::seconds time{900};
    net::AddressList exempt;
    std::size_t addresses_max = 1'000;
};

struct WebhookOptions {
    crypto::SharedSecret url;    // empty: none
    crypto::SharedSecret secret; // empty: not signed
    std::string ca_file;         // empty: the system's
    Millis timeout{5'000};       // of one attempt
    std::size_t retries_max = 3;
    Millis retry_delay{1'000}; // before the first; twice as long before each further one
    std::size_t queue_max = 100;
};

struct Options {
    bool enabled = true;
    std::array<bool, kKindCount> kinds{};
    std::array<Actions, kKindCount> actions{};
    WindowOptions failed_logins;
    WindowOptions refusals{.threshold = 50};
    ReadsOptions reads;
    NewAddressOptions new_address;
    BlockOptions block;
    WebhookOptions webhook;
    std::size_t subjects_max = 10'000;
    std::size_t queue_max = 10'000;
    std::size_t learn_records_max = 10'000;
    Millis reads_interval{200};

    [[nodiscard]] bool wants(Kind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] bool does(Kind kind, Action action) const {
        return actions[static_cast<std::size_t>(kind)][static_cast<std::size_t>(action)];
    }
};

[[nodiscard]] std::shared_ptr<const Options> read_options(const config::Config &config);

} // namespace divan::anomaly
