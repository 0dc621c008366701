#pragma once

// What replications between servers need in a process that is none: a loop, a client, budgets, settings.
//
// Threads: any, but where it says otherwise; calls that wait must not be made on the loop.

#include "base/executor.h"
#include "base/random.h"
#include "config/config.h"
#include "net/socket_loop.h"
#include "replication/replicate.h"
#include "replication/throttle.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <future>
#include <memory>
#include <optional>
#include <string>

namespace divan::cli {

// Of connections with https, and of all together.
struct ConnectionOptions {
    std::string ca_file; // empty: the authorities that the system trusts
    std::string certificate_file;
    std::string key_file;
    bool insecure = false; // certificates of servers are not verified
    std::uint64_t kilobytes_per_second = 0;

    [[nodiscard]] net::TlsOptions tls() const;
};

class ReplicationHost {
  public:
    // Errors: bad_request.
    static Result<std::unique_ptr<ReplicationHost>> make(const ConnectionOptions &options);
    ~ReplicationHost();
    ReplicationHost(const ReplicationHost &) = delete;
    ReplicationHost &operator=(const ReplicationHost &) = delete;

    [[nodiscard]] replication::Context &context() { return context_; }
    [[nodiscard]] const config::Config &config() const { return *config_; }

    // Runs `make()`, a coroutine, on the loop and waits for its value.
    template <typename Make> auto run(Make make) {
        using Value = decltype(value_of(make()));
        std::optional<Value> value;
        std::promise<void> done;
        loop_.post([&] { spawn(store(make, value), [&done] { done.set_value(); }); });
        done.get_future().wait();
        return std::move(*value);
    }
    // Calls it on the loop and waits.
    void on_loop(const std::function<void()> &work);

    // A copy of how a session stands.
    [[nodiscard]] replication::Progress look(const replication::Progress &progress);
    void cancel(Cancellation &cancellation);
    // Identifies and runs a session; waits for its end. Its failures have a side.
    replication::SessionEnd replicate(const replication::Replication &replication,
                                      replication::Progress &progress, Cancellation &cancellation);

  private:
    explicit ReplicationHost(std::unique_ptr<config::Config> config);

    template <typename Value> static Value value_of(Task<Value> task);
    template <typename Make, typename Value>
    static Task<void> store(Make &make, std::optional<Value> &value) {
        auto task = make();
        value.emplace(co_await std::move(task));
    }

    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<config::Config> config_;
    telemetry::Logger log_;
    telemetry::Registry metrics_;
    ThreadPool pool_;
    net::SocketLoop loop_;
    std::unique_ptr<net::HttpClient> http_;
    replication::Throttle throttle_;
    replication::Context context_;
};

// Something that lives on the loop: made and destroyed there, on every path. The host outlives it. Not on the
// loop.
template <typename Value> class OnLoop {
  public:
    template <typename... Arguments>
    explicit OnLoop(ReplicationHost &host, Arguments &&...arguments) : host_(host) {
        host_.on_loop([&] { value_.emplace(std::forward<Arguments>(arguments)...); });
    }
    ~OnLoop() {
        host_.on_loop([&] { value_.reset(); });
    }
    OnLoop(const OnLoop &) = delete;
    OnLoop &operator=(const OnLoop &) = delete;

    // To be used on the loop.
    [[nodiscard]] Value &operator*() { return *value_; }

  private:
    ReplicationHost &host_;
    std::optional<Value> value_;
};

} // namespace divan::cli
