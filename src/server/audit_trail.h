#pragma once

// The audit log as the server runs it: opened by the settings, fed by commits and replications.

#include "access/commit_recorder.h"
#include "audit/log.h"
#include "base/random.h"
#include "config/config.h"
#include "replication/replication.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::server {

class AuditTrail {
  public:
    // nullptr: [audit] enable is false. All of `services` and `config` outlive it. Errors: what is wrong with
    // the settings or the key, and what to do.
    static Result<std::unique_ptr<AuditTrail>> open(const audit::Log::Services &services,
                                                    const config::Config &config, Random &random,
                                                    const std::string &data_directory, std::string node);

    [[nodiscard]] audit::Log &log() { return *log_; }
    [[nodiscard]] db::CommitAudit &recorder() { return recorder_; }

    // Of the server itself: "server_started", "server_stopped". Waits until it is durable.
    void note_server(std::string_view action);
    // Of a database that the server makes ("created") or deletes ("deleted") by itself, and why; of one that
    // a replication makes for its target. Both wait until it is durable. Errors: storage_failed, the record
    // may be missing.
    Result<void> note_database(std::string_view action, const std::string &database, std::string_view why);
    Result<void> note_target(const replication::Replication &replication);
    // What happens to the job of a replication. Never blocks: an event that finds the queue full is lost, and
    // counted by the log.
    void note_job(const replication::Replication &replication, std::string_view id, std::string_view event,
                  std::string_view reason);
    // Reads the settings again.
    void apply_settings();

  private:
    AuditTrail(std::unique_ptr<audit::Log> log, const config::Config &config, const Clock &clock)
        : config_(config), log_(std::move(log)),
          recorder_(*log_, clock, config.text("chttpd_auth", "authentication_db")) {}

    const config::Config &config_;
    const std::unique_ptr<audit::Log> log_;
    access::CommitRecorder recorder_;
};

} // namespace divan::server
