#pragma once

// What a node's engine keeps when the power goes: the memory engine, with a journal of its writes beside it.
// The journal is one log for all shards, as RocksDB's: a sync makes everything before it durable, and a power
// cut leaves of the rest the first few writes, each as a whole, or none.
//
// Used on one thread.

#include "kv/engine.h"
#include "simulation/dice.h"

#include <functional>
#include <memory>
#include <vector>

namespace divan::simulation {

// Mistakes that are made on purpose, so that tests see whether they are found.
struct DiskBugs {
    // Of a hundred syncs so many do nothing and say that they did.
    std::uint64_t lost_syncs_percent = 0;
    // Of a thousand pages of the changes feed so many leave out a row, and say so nowhere.
    std::uint64_t skipped_sequences_permille = 0;
};

class SimulatedDisk {
  public:
    SimulatedDisk(Dice dice, DiskBugs bugs);
    ~SimulatedDisk();
    SimulatedDisk(const SimulatedDisk &) = delete;
    SimulatedDisk &operator=(const SimulatedDisk &) = delete;

    // A new engine over what is there. The one before is gone by then; this one goes with the disk.
    [[nodiscard]] kv::Engine &open();
    // Every call fails from now on (storage_failed), and what was not synced is lost, or not.
    void cut_power();
    // The next sync fails: whether its commit is there shows after the next open(). Later writes fail, too.
    void fail_next_sync() { fail_next_sync_ = true; }
    // A sync has failed: the node writes nothing until its disk is opened anew.
    [[nodiscard]] bool failed() const { return state_ == State::refuses_writes; }
    // Whether readers get every row, whatever the bugs: checks are to see what is there.
    void read_honestly(bool honestly) { honest_ = honestly; }

  private:
    class Engine;
    class Commit;
    enum class State : std::uint8_t { well, refuses_writes, off };
    struct Write {
        kv::ShardId shard;
        kv::WriteBatch batch;
        std::uint32_t sequences = 0; // of a commit
        bool commit = false;
        bool erases_shard = false;
    };

    void note(Write write) { journal_.push_back(std::move(write)); }
    // Everything that was noted is durable: or so it says.
    void sync();

    Dice dice_;
    DiskBugs bugs_;
    State state_ = State::off;
    bool fail_next_sync_ = false;
    bool honest_ = false;
    std::vector<Write> journal_;
    std::size_t durable_ = 0; // writes of the journal
    std::unique_ptr<kv::Engine> rows_;
    std::unique_ptr<Engine> engine_;
};

} // namespace divan::simulation
