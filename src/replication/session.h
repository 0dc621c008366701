#pragma once

// One session of a replication, never restarted: a pipeline from the changes of the source to the target.
//
//   changes --batches--> workers: what is missing? read it, write it --sequences--> checkpoints
//
// A reader gathers changes into batches, at most one for each worker waits. Workers work beside each other; a
// sequence is through when all batches up to it are. Documents are held up to a batch or some megabytes for
// each worker, attachments in pieces.
//
// session_pipeline.cc has the reader and the workers, session_checkpoint.cc the checkpoints.
//
// Used on the replication loop only.

#include "replication/checkpoint.h"
#include "replication/peer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::replication {

class Session {
  public:
    Session(Context &context, const Replication &replication, const ReplicationId &id, Progress &progress,
            Cancellation &cancellation);

    Task<SessionEnd> run();

  private:
    struct Batch {
        std::uint64_t number = 0;
        std::vector<ChangedDocument> changes;
        std::string last; // the sequence behind it
    };
    class Writer;

    // ---- the two ends
    Task<Result<void>> open();
    Task<Result<std::unique_ptr<Peer>>> open_peer(const Endpoint &endpoint, Cause side);
    Task<Result<void>> find_start();

    // ---- the pipeline
    Task<void> read_changes();
    Task<Result<bool>> gather(Batch &batch);
    void refuse_long_ids(std::vector<ChangedDocument> &changes);
    Task<void> work();
    Task<Result<void>> replicate_batch(Batch &batch);
    void complete(std::uint64_t number, std::string last);
    Task<void> keep_checkpoints();
    void fail(const Error &error, Cause side);
    void fail_to_open(const Error &error, Cause side);
    void end_pipeline();

    // ---- checkpoints
    struct Log {
        Peer *peer = nullptr;
        std::string rev; // of the checkpoint that it holds; empty: none
    };
    // Writes one, if something is through since the last.
    Task<Result<void>> checkpoint();
    Task<Result<void>> write_checkpoint();
    Task<Result<void>> write_log(Log &log, const json::Object &document, const char *side);
    Task<Result<void>> last_checkpoint();
    [[nodiscard]] SessionResult result() const;

    void count_written(std::uint64_t count);
    void count_refused(std::uint64_t count);
    [[nodiscard]] std::size_t batch_size() const;
    [[nodiscard]] auto now() const { return context_.clock.now(); }

    Context &context_;
    const Replication &replication_;
    const std::string log_id_; // "_local/HEX"
    Progress &progress_;
    Cancellation &outer_;
    Cancellation requests_; // what the peers wait under: cancelled when the session ends
    PeerContext peer_context_;
    std::unique_ptr<Peer> source_;
    std::unique_ptr<Peer> target_;
    PeerInfo source_info_;
    PeerInfo target_info_;
    Log source_log_;
    Log target_log_;
    const std::string session_id_;
    const std::chrono::microseconds started_at_;

    std::string start_seq_ = "0";
    std::string read_seq_;    // the reader is behind it
    std::string through_seq_; // everything up to it is written
    std::string checkpointed_seq_;
    json::Array history_;                   // of the checkpoints before this session
    json::Object checkpoint_;               // the newest
    bool checkpointed_ = false;             // by this session
    Cause checkpoint_side_ = Cause::target; // that the checkpoint is at: whose fault it is if it fails
    bool read_to_end_ = false;

    Channel<Batch> batches_;
    TaskGroup tasks_;
    std::map<std::uint64_t, std::string> completed_; // batches behind one that is not
    std::uint64_t next_number_ = 0;
    std::uint64_t through_number_ = 0; // batches before it are through
    std::uint64_t documents_at_checkpoint_ = 0;
    std::shared_ptr<Event> checkpoint_due_ = std::make_shared<Event>();
    bool workers_ended_ = false;
    std::optional<Failure> failure_;
};

} // namespace divan::replication
