#include "kv/testing/unsynced_file_system.h"

#include "kv/testing/unsynced_disk.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace divan::kv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus no_power() {
    return IOStatus::IOError("the power is off");
}

std::string normal(const std::string &path) {
    auto text = std::filesystem::path(path).lexically_normal().string();
    while (text.size() > 1 && text.ends_with('/'))
        text.pop_back();
    return text;
}

std::optional<std::string> content_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return std::nullopt;
    std::ostringstream content;
    content << file.rdbuf();
    return std::move(content).str();
}

class UnsyncedFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    UnsyncedFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path,
                 std::shared_ptr<UnsyncedDisk> disk)
        : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), disk_(std::move(disk)) {}

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        return append(data, [&] { return target()->Append(data, options, debug); });
    }
    IOStatus Append(const Slice &data, const IOOptions &options,
                    const rocksdb::DataVerificationInfo &verification, IODebugContext *debug) override {
        return append(data, [&] { return target()->Append(data, options, verification, debug); });
    }
    // For direct I/O, which the engine does not use.
    IOStatus PositionedAppend(const Slice & /*data*/, std::uint64_t /*offset*/, const IOOptions & /*options*/,
                              IODebugContext * /*debug*/) override {
        return IOStatus::NotSupported("positioned append");
    }
    IOStatus PositionedAppend(const Slice & /*data*/, std::uint64_t /*offset*/, const IOOptions & /*options*/,
                              const rocksdb::DataVerificationInfo & /*verification*/,
                              IODebugContext * /*debug*/) override {
        return IOStatus::NotSupported("positioned append");
    }
    IOStatus Truncate(std::uint64_t size, const IOOptions &options, IODebugContext *debug) override {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = target()->Truncate(size, options, debug);
        if (status.ok())
            disk_->truncated(path_, size);
        return status;
    }
    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        return sync([&] { return target()->Flush(options, debug); });
    }
    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return sync([&] { return target()->Flush(options, debug); });
    }

  private:
    template <typename Write> IOStatus append(const Slice &data, Write write) {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = write();
        if (status.ok())
            disk_->appended(path_, data.size());
        return status;
    }

    template <typename Target> IOStatus sync(Target sync_target) {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto sync = disk_->begin_sync(path_);
        if (sync.fails)
            return IOStatus::IOError("a failed sync");
        auto status = sync_target();
        if (status.ok())
            disk_->end_sync(path_, sync);
        return status;
    }

    std::string path_;
    std::shared_ptr<UnsyncedDisk> disk_;
};

class UnsyncedDirectory final : public rocksdb::FSDirectoryWrapper {
  public:
    UnsyncedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string path,
                      std::shared_ptr<UnsyncedDisk> disk)
        : FSDirectoryWrapper(std::move(directory)), path_(std::move(path)), disk_(std::move(disk)) {}

    IOStatus Fsync(const IOOptions & /*options*/, IODebugContext * /*debug*/) override {
        return sync([&] { return IOStatus::OK(); });
    }
    IOStatus FsyncWithDirOptions(const IOOptions & /*options*/, IODebugContext * /*debug*/,
                                 const rocksdb::DirFsyncOptions & /*what*/) override {
        return sync([&] { return IOStatus::OK(); });
    }

  private:
    template <typename Target> IOStatus sync(Target sync_target) {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = sync_target();
        if (status.ok())
            disk_->directory_synced(path_);
        return status;
    }

    std::string path_;
    std::shared_ptr<UnsyncedDisk> disk_;
};

class UnsyncedRocksdbFileSystem final : public rocksdb::FileSystemWrapper {
  public:
    explicit UnsyncedRocksdbFileSystem(std::shared_ptr<UnsyncedDisk> disk)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}

    [[nodiscard]] const char *Name() const override { return "divan.unsynced"; }

    IOStatus NewWritableFile(const std::string &path, const FileOptions &options,
                             std::unique_ptr<rocksdb::FSWritableFile> *file, IODebugContext *debug) override {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = target()->NewWritableFile(path, options, file, debug);
        if (!status.ok())
            return status;
        disk_->created(normal(path));
        *file = std::make_unique<UnsyncedFile>(std::move(*file), normal(path), disk_);
        return status;
    }
    // The engine never writes to a file again that it has closed.
    IOStatus ReopenWritableFile(const std::string & /*path*/, const FileOptions & /*options*/,
                                std::unique_ptr<rocksdb::FSWritableFile> * /*file*/,
                                IODebugContext * /*debug*/) override {
        return IOStatus::NotSupported("reopening a file for writing");
    }
    IOStatus ReuseWritableFile(const std::string & /*path*/, const std::string & /*old_path*/,
                               const FileOptions & /*options*/,
                               std::unique_ptr<rocksdb::FSWritableFile> * /*file*/,
                               IODebugContext * /*debug*/) override {
        return IOStatus::NotSupported("reusing a file");
    }
    IOStatus NewDirectory(const std::string &path, const IOOptions &options,
                          std::unique_ptr<rocksdb::FSDirectory> *directory, IODebugContext *debug) override {
        auto status = target()->NewDirectory(path, options, directory, debug);
        if (status.ok())
            *directory = std::make_unique<UnsyncedDirectory>(std::move(*directory), normal(path), disk_);
        return status;
    }
    IOStatus DeleteFile(const std::string &path, const IOOptions &options, IODebugContext *debug) override {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = target()->DeleteFile(path, options, debug);
        if (status.ok())
            disk_->removed(normal(path));
        return status;
    }
    IOStatus Truncate(const std::string &path, std::size_t size, const IOOptions &options,
                      IODebugContext *debug) override {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto status = target()->Truncate(path, size, options, debug);
        if (status.ok())
            disk_->truncated(normal(path), size);
        return status;
    }
    IOStatus RenameFile(const std::string &from, const std::string &to, const IOOptions &options,
                        IODebugContext *debug) override {
        auto permission = disk_->permit();
        if (!permission)
            return no_power();
        auto replaced = content_of(to);
        auto status = target()->RenameFile(from, to, options, debug);
        if (status.ok())
            disk_->renamed(normal(from), normal(to), std::move(replaced));
        return status;
    }
    IOStatus LinkFile(const std::string & /*from*/, const std::string & /*to*/, const IOOptions & /*options*/,
                      IODebugContext * /*debug*/) override {
        return IOStatus::NotSupported("links");
    }

  private:
    std::shared_ptr<UnsyncedDisk> disk_;
};

} // namespace

UnsyncedFileSystem::UnsyncedFileSystem()
    : disk_(std::make_shared<UnsyncedDisk>()),
      environment_(rocksdb::NewCompositeEnv(std::make_shared<UnsyncedRocksdbFileSystem>(disk_))) {}

UnsyncedFileSystem::~UnsyncedFileSystem() = default;

void UnsyncedFileSystem::cut_power() {
    disk_->cut_power();
}

Result<void> UnsyncedFileSystem::drop_unsynced(Random *random) {
    return disk_->drop_unsynced(random);
}

void UnsyncedFileSystem::fail_next_log_sync() {
    disk_->fail_next_log_sync();
}

std::uint64_t UnsyncedFileSystem::sync_count() const {
    return disk_->sync_count();
}

} // namespace divan::kv
