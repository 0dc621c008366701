#pragma once

// What the tests of this module share: a context on a loop whose time stands still, and sessions that end
// when the test says so.

#include "base/manual_loop.h"
#include "config/config.h"
#include "replication/scheduler.h"
#include "replication/testing_http.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <gtest/gtest.h>
#include <vector>

namespace divan::replication {

struct TestContext {
    explicit TestContext(Executor *executor = nullptr) : pool(executor) {}

    ManualLoop loop;
    Executor *pool; // null: work runs on the loop
    NoHttpClient http;
    SeededRandom random{7};
    std::unique_ptr<config::Config> config = config::Config::load({}, "").value();
    telemetry::Logger log{loop.clock(), "test@127.0.0.1", "", telemetry::Level::none};
    telemetry::Registry metrics;
    alignas(std::max_align_t) std::byte no_throttle[1]{}; // is never looked at
    Context context{loop,         pool == nullptr ? static_cast<Executor &>(loop) : *pool,
                    http,         reinterpret_cast<Throttle &>(no_throttle),
                    loop.clock(), random,
                    *config,      log,
                    metrics};
};

// Sessions that wait until they are ended or cancelled.
class FakeRunner {
  public:
    explicit FakeRunner(ManualLoop &loop) : loop_(loop) {}

    [[nodiscard]] Scheduler::Runner runner() {
        return [this](const Replication &, const ReplicationId &id, Progress &progress,
                      Cancellation &cancellation) { return run(id.text(), progress, cancellation); };
    }

    [[nodiscard]] bool runs(const std::string &id) const { return sessions_.contains(id); }
    [[nodiscard]] std::size_t running() const { return sessions_.size(); }
    [[nodiscard]] std::vector<std::string> ids() const {
        std::vector<std::string> ids;
        for (const auto &[id, session] : sessions_)
            ids.push_back(id);
        return ids;
    }
    // Of its session. REQUIRES: runs(id)
    [[nodiscard]] Progress &progress(const std::string &id) { return *sessions_.at(id)->progress; }
    // REQUIRES: runs(id)
    void end(const std::string &id, SessionEnd how) { end_session(sessions_.at(id), std::move(how)); }
    void fail(const std::string &id, Cause cause = Cause::network) {
        end(id, Failure{Error(ErrorCode::service_unavailable, "no answer"), cause});
    }

    bool ends_when_cancelled = true;
    std::size_t starts = 0;
    std::size_t running_most = 0;
    std::map<std::string, std::size_t> starts_of;

  private:
    struct Session {
        std::string id;
        Progress *progress = nullptr;
        std::optional<Resume<SessionEnd>> resume;
        Cancellation::Registration registration;
    };

    Task<SessionEnd> run(std::string id, Progress &progress, Cancellation &cancellation) {
        EXPECT_FALSE(sessions_.contains(id)) << "two sessions of one id";
        ++starts;
        ++starts_of[id];
        auto session = std::make_shared<Session>();
        session->id = id;
        session->progress = &progress;
        sessions_[id] = session;
        running_most = std::max(running_most, sessions_.size());
        co_return co_await suspend<SessionEnd>([&](Resume<SessionEnd> resume) {
            session->resume = resume;
            session->registration = cancellation.on_cancel([this, session] {
                if (ends_when_cancelled)
                    loop_.post(
                        [this, session] { end_session(session, Failure{Error(ErrorCode::cancelled)}); });
            });
        });
    }

    void end_session(std::shared_ptr<Session> session, SessionEnd how) {
        auto resume = std::exchange(session->resume, std::nullopt);
        if (!resume)
            return;
        session->registration = {};
        sessions_.erase(session->id);
        (*resume)(std::move(how));
    }

    ManualLoop &loop_;
    std::map<std::string, std::shared_ptr<Session>> sessions_;
};

} // namespace divan::replication
