#pragma once

// From bodies of records to rows: numbers them, chains them, and moves the head, in one batch. So the chain
// on disk is whole at every moment, whenever the process ends.
//
// Rows that commits have left in the shards of databases are erased after the batch that holds their records
// is durable. In between the cursor of the shard, which is part of that batch, says that they are done.
//
// Thread-safe: one seal at a time.

#include "audit/blocks.h"
#include "audit/record.h"

#include <map>
#include <mutex>
#include <vector>

namespace divan::audit {

class Sealer {
  public:
    struct Opened {
        std::unique_ptr<Sealer> sealer;
        // Not empty: the head was lost or does not fit; what to do about it.
        std::string damage;
    };
    // Goes on where the log ends, or begins one. Engine and clock outlive it; no other process writes the
    // log. Errors: bad_request if the key is not the one of the log.
    static Result<Opened> open(kv::Engine &engine, const Clock &clock, const crypto::Secret &key,
                               std::string uuid, std::string node);

    // Chains the bodies, then what is pending in the shards, and is durable when it returns. A commit for
    // all, or some if there is much. Errors: those of the engine; what of `bodies` was not chained is lost.
    Result<void> seal(std::vector<std::string> bodies, const std::vector<kv::ShardId> &shards);
    // Chains what is pending in a shard whose rows are to be erased, and forgets it.
    Result<void> retire(kv::ShardId shard);

    [[nodiscard]] Head head();
    [[nodiscard]] std::string seal_of_anchor(const Head &head, std::string_view time);
    [[nodiscard]] const std::string &node() const { return node_; }

  private:
    Sealer(kv::Engine &engine, const Clock &clock, Chain chain, Head head, std::string node)
        : engine_(engine), clock_(clock), chain_(std::move(chain)), node_(std::move(node)),
          head_(std::move(head)), next_(head_) {}

    // REQUIRES of all: the mutex.
    Result<void> seal_all(std::vector<std::string> bodies, const std::vector<kv::ShardId> &shards);
    void add(std::string_view body);
    Result<void> add_pending(kv::ShardId shard);
    void add_row(kv::ShardId shard, PendingPlace place, std::string_view value);
    Result<std::optional<PendingPlace>> cursor(kv::ShardId shard);
    void close_block();
    Result<void> commit_if_large();
    Result<void> commit();
    void erase_done();
    void give_up();

    kv::Engine &engine_;
    const Clock &clock_;
    std::mutex mutex_;
    Chain chain_;
    const std::string node_;
    Head head_; // that is durable
    Head next_; // with what is in the batch and the block
    Block block_;
    std::size_t block_bytes_ = 0;
    kv::WriteBatch batch_;
    std::map<kv::ShardId, PendingPlace> cursors_;          // that are durable
    std::map<kv::ShardId, PendingPlace> next_cursors_;     // of the batch
    std::map<kv::ShardId, std::vector<std::string>> done_; // keys of pending rows that the batch takes in
};

} // namespace divan::audit
