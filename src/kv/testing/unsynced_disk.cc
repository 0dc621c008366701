#include "kv/testing/unsynced_disk.h"

#include "base/bytes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace divan::kv {
namespace {

Error disk_error(const std::string &path, const std::string &what) {
    return {ErrorCode::internal_server_error, "Cutting back " + path + " failed: " + what};
}

Result<void> restore(const std::string &path, const std::string &content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    if (!file.flush())
        return disk_error(path, "cannot write");
    return {};
}

// Between 0 and `max`, both possible.
std::uint64_t random_up_to(Random *random, std::uint64_t max) {
    if (random == nullptr)
        return 0;
    auto bytes = random->bytes(sizeof(std::uint64_t));
    return ByteReader(bytes).u64() % (max + 1);
}

} // namespace

UnsyncedDisk::Permission UnsyncedDisk::permit() {
    if (!power_)
        return {};
    Permission permission(changes_);
    return power_ ? std::move(permission) : Permission();
}

void UnsyncedDisk::cut_power() {
    // First, so that a stream of new changes cannot keep the lock from us.
    power_ = false;
    std::lock_guard wait_for_changes(changes_);
}

void UnsyncedDisk::fail_next_log_sync() {
    std::lock_guard guard(mutex_);
    fail_next_log_sync_ = true;
}

std::uint64_t UnsyncedDisk::sync_count() const {
    std::lock_guard guard(mutex_);
    return sync_count_;
}

void UnsyncedDisk::created(const std::string &path) {
    std::lock_guard guard(mutex_);
    files_[path] = {};
}

void UnsyncedDisk::appended(const std::string &path, std::uint64_t bytes) {
    std::lock_guard guard(mutex_);
    files_[path].bytes_written += bytes;
}

void UnsyncedDisk::truncated(const std::string &path, std::uint64_t bytes) {
    std::lock_guard guard(mutex_);
    auto file = files_.find(path);
    if (file == files_.end())
        return; // from an earlier life: all of it was synced
    file->second.bytes_written = bytes;
    file->second.bytes_synced = std::min(file->second.bytes_synced, bytes);
}

void UnsyncedDisk::removed(const std::string &path) {
    std::lock_guard guard(mutex_);
    files_.erase(path);
}

void UnsyncedDisk::renamed(const std::string &from, const std::string &to,
                           std::optional<std::string> replaced) {
    std::lock_guard guard(mutex_);
    auto old = files_.find(to);
    auto moved = files_.find(from);
    if (moved == files_.end())
        return;
    auto file = std::move(moved->second);
    files_.erase(moved);
    // Two renames without a sync between them go back to what was there before the first.
    if (old != files_.end() && !old->second.entry_synced)
        replaced = old->second.before;
    file.entry_synced = false;
    file.before = std::move(replaced);
    files_[to] = std::move(file);
}

UnsyncedDisk::Sync UnsyncedDisk::begin_sync(const std::string &path) {
    std::lock_guard guard(mutex_);
    auto &file = files_[path];
    Sync sync{.bytes = file.bytes_written};
    if (fail_next_log_sync_ && is_newest_log(path)) {
        fail_next_log_sync_ = false;
        file.lost_pages = true;
        sync.fails = true;
    }
    return sync;
}

// A flush syncs older logs. When that fails Debian's RocksDB, which has its assertions on, ends the process.
bool UnsyncedDisk::is_newest_log(const std::string &path) const {
    auto is_log = [](std::string_view name) { return name.ends_with(".log"); };
    return is_log(path) && std::none_of(files_.begin(), files_.end(), [&](const auto &file) {
               return is_log(file.first) && file.first > path;
           });
}

void UnsyncedDisk::end_sync(const std::string &path, const Sync &sync) {
    std::lock_guard guard(mutex_);
    auto file = files_.find(path);
    if (file != files_.end() && !file->second.lost_pages)
        file->second.bytes_synced = std::max(file->second.bytes_synced, sync.bytes);
    ++sync_count_;
}

void UnsyncedDisk::directory_synced(const std::string &path) {
    std::lock_guard guard(mutex_);
    for (auto &[name, file] : files_) {
        if (std::filesystem::path(name).parent_path() != path)
            continue;
        file.entry_synced = true;
        file.before.reset();
    }
}

Result<void> UnsyncedDisk::drop_unsynced(Random *random) {
    std::lock_guard guard(mutex_);
    DIVAN_CHECK(!power_);
    for (const auto &[path, file] : files_)
        DIVAN_TRY_VOID(drop(path, file, random));
    return {};
}

Result<void> UnsyncedDisk::drop(const std::string &path, const File &file, Random *random) {
    std::error_code error;
    if (!file.entry_synced) {
        if (file.before)
            return restore(path, *file.before);
        std::filesystem::remove(path, error);
        return error ? disk_error(path, error.message()) : Result<void>();
    }
    if (!std::filesystem::exists(path, error))
        return {};
    auto bytes = file.bytes_synced + random_up_to(random, file.bytes_written - file.bytes_synced);
    std::filesystem::resize_file(path, bytes, error);
    return error ? disk_error(path, error.message()) : Result<void>();
}

} // namespace divan::kv
