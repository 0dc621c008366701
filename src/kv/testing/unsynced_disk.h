#pragma once

// What UnsyncedFileSystem remembers. Internal to kv/testing.

#include "base/random.h"
#include "base/result.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

namespace divan::kv {

// Invariant: bytes_synced <= bytes_written for every file, and what a power cut leaves of it lies
// between the two. Thread-safe.
class UnsyncedDisk {
  public:
    // The state of one sync between its begin and its end.
    struct Sync {
        std::uint64_t bytes = 0; // written before it began
        bool fails = false;
    };

    // Permission for one change of the disk, held while it is made; owns nothing if the power is off.
    using Permission = std::shared_lock<std::shared_mutex>;
    [[nodiscard]] Permission permit();
    // No change is permitted from now on; waits for those under way.
    void cut_power();
    Result<void> drop_unsynced(Random *random);
    // Of the log that commits go to.
    void fail_next_log_sync();
    [[nodiscard]] std::uint64_t sync_count() const;

    void created(const std::string &path);
    void appended(const std::string &path, std::uint64_t bytes);
    void truncated(const std::string &path, std::uint64_t bytes);
    void removed(const std::string &path);
    // `replaced` is the content of the file that was at `to`, if there was one.
    void renamed(const std::string &from, const std::string &to, std::optional<std::string> replaced);
    [[nodiscard]] Sync begin_sync(const std::string &path);
    void end_sync(const std::string &path, const Sync &sync);
    void directory_synced(const std::string &path);

  private:
    struct File {
        std::uint64_t bytes_written = 0;
        std::uint64_t bytes_synced = 0;
        bool lost_pages = false; // a sync failed: no later one helps
        bool entry_synced = false;
        std::optional<std::string> before; // what the entry meant when it was last synced
    };

    [[nodiscard]] bool is_newest_log(const std::string &path) const; // REQUIRES: mutex_
    Result<void> drop(const std::string &path, const File &file, Random *random);

    std::atomic<bool> power_ = true;
    std::shared_mutex changes_; // shared by changes under way
    mutable std::mutex mutex_;  // guards the rest
    bool fail_next_log_sync_ = false;
    std::uint64_t sync_count_ = 0;
    std::map<std::string, File> files_; // written since the start
};

} // namespace divan::kv
