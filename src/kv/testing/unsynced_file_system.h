#pragma once

// A file system below RocksDB that forgets what was not synced, as a disk does in a power cut.
//
// Killing a process does not test syncs, because the kernel still writes what it was given. This
// wrapper over the real file system remembers for each file how much of it was synced, and for each
// directory which entries were; a power cut is then played in two steps:
//
//   UnsyncedFileSystem disk;
//   auto engine = open_rocksdb_engine({.directory = ..., .clock = ..., .environment = disk.environment()});
//   ...
//   disk.cut_power();      // from now on every write and sync fails, so nothing is acknowledged
//   disk.drop_unsynced();  // files are cut back to what was synced
//
// The power does not come back: open the directory again, after the engine is destroyed, with
// another UnsyncedFileSystem or with none.
// A process that is to die itself makes these two calls and then _exit(), without closing the
// engine; from any thread but not from a signal handler.
//
// The real disk is never synced: only this wrapper forgets, and tests need not wait for a busy disk.
// A file whose entry in its directory was never synced disappears; one that was renamed over
// another gives the old content back. Deletions count as synced at once. Log files for people
// (LOG) and LOCK are outside the game. Only for tests: production does not link it.

#include "base/random.h"
#include "base/result.h"

#include <memory>

namespace rocksdb {
class Env;
} // namespace rocksdb

namespace divan::kv {

class UnsyncedDisk;

// Thread-safe. The environment keeps working when this object is gone.
class UnsyncedFileSystem {
  public:
    UnsyncedFileSystem();
    ~UnsyncedFileSystem();
    UnsyncedFileSystem(const UnsyncedFileSystem &) = delete;
    UnsyncedFileSystem &operator=(const UnsyncedFileSystem &) = delete;

    // For RocksdbOptions::environment.
    [[nodiscard]] std::shared_ptr<rocksdb::Env> environment() const { return environment_; }

    // Every later write, sync, rename and deletion fails; waits for those under way.
    void cut_power();

    // Cuts every file back to what was synced. With `random`, a file keeps a random part of what was
    // not synced, as on real disks. Errors: internal_server_error naming the file that could not be
    // cut. REQUIRES: cut_power() was called. Call once.
    Result<void> drop_unsynced(Random *random = nullptr);

    // The next sync of a write-ahead log fails, and what it covered stays unsynced for ever: a
    // kernel marks pages clean whose write-back failed, so that later syncs succeed without them.
    void fail_next_log_sync();

    // Syncs of files that succeeded.
    [[nodiscard]] std::uint64_t sync_count() const;

  private:
    std::shared_ptr<UnsyncedDisk> disk_; // shared with the environment
    std::shared_ptr<rocksdb::Env> environment_;
};

} // namespace divan::kv
