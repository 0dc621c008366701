#pragma once

// The audit log of a server: takes records from everywhere, chains them on a thread of its own (sealer.h) and
// anchors where it has come to (anchor.h).
//
// Records come in two ways: by note(), into a bounded queue in memory; and with the commits of documents, as
// pending rows in the shards of databases (pending.h), which the log is told of. Both are chained within
// [audit] seal_interval_ms. What was queued is lost if the process is killed before; what came with a commit
// is not, nor what note_durable() has returned for.
//
// Thread-safe.

#include "audit/options.h"
#include "audit/query.h"
#include "audit/record.h"
#include "audit/sealer.h"
#include "base/clock.h"
#include "crypto/secret.h"

#include <memory>

namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry

namespace divan::audit {

class Log {
  public:
    // All outlive the log.
    struct Services {
        kv::Engine &engine;
        const Clock &clock;
        telemetry::Logger &log;
        telemetry::Registry &metrics;
    };
    // `uuid`: of the server, for a log that begins. Errors: as Sealer::open().
    static Result<std::unique_ptr<Log>> open(const Services &services, const crypto::Secret &key,
                                             std::string uuid, std::string node,
                                             std::shared_ptr<const Options> options);
    ~Log(); // stops

    [[nodiscard]] std::shared_ptr<const Options> options() const;
    void set_options(std::shared_ptr<const Options> options);
    [[nodiscard]] bool wants(Kind kind) const { return options()->wants(kind); }
    // "divan@127.0.0.1"
    [[nodiscard]] const std::string &node() const;

    // All of them pass over records of kinds that are not wanted.
    // Never blocks. False: the queue is full; call note().
    [[nodiscard]] bool try_note(Record &record);
    // Waits for room at most [audit] queue_wait_ms; then the record is lost, is counted, and the log will say
    // how many were. Not on a network thread.
    void note(Record record);
    // As note(), for threads that cannot wait.
    void note_or_lose(Record record);
    // Returns when the record is durable. For changes of who may do what: nobody is told that one was made
    // before it is recorded. Errors: the record may be missing, and why. Not on a network thread.
    Result<void> note_durable(Record record);

    // Commits have left, or may have left, pending rows there. Never blocks.
    void note_pending(kv::ShardId shard);
    // Chains what is pending in a shard that is about to be erased. Blocks on the engine.
    Result<void> retire(kv::ShardId shard);

    // Chains all that came before; where the log has come to then. Not on a network thread.
    Result<Head> flush();

    // Records that are chained. Blocks on the engine. Errors: as read_records().
    [[nodiscard]] Result<QueryPage> read(const Query &query) const;

    // Chains what is left, anchors it, and ends the threads. Later records are lost, and counted. Idempotent.
    void stop();

  private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::audit
