#include "kv/rocksdb/database.h"

#include "base/bytes.h"

#include <rocksdb/write_batch.h>

#include <fmt/format.h>

#include <limits>

namespace divan::kv {
namespace {

constexpr std::string_view kFormatKey = "divan.engine";
// What this code writes, and the oldest code's version that can read it.
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::uint32_t kFormatCompatibleVersion = 1;
constexpr std::uint8_t kSequenceRowVersion = 1;

Error open_error(const rocksdb::Status &status, const std::filesystem::path &directory) {
    auto text = status.ToString();
    if (status.IsIOError() && text.find("LOCK") != std::string::npos)
        return {ErrorCode::service_unavailable,
                fmt::format("The data directory {} is in use by another process ({}).", directory.string(),
                            text)};
    auto code = status.IsCorruption() ? ErrorCode::corruption : ErrorCode::storage_failed;
    return {code, fmt::format("The data directory {} could not be opened: {}.", directory.string(), text)};
}

// Makes a directory whose own entry survives a power cut, parents too.
Result<void> make_directory(rocksdb::Env &env, const std::filesystem::path &directory) {
    auto failed = [&](std::string_view what) {
        return Error(ErrorCode::storage_failed,
                     fmt::format("The data directory {} could not be made: {}.", directory.string(), what));
    };
    std::error_code error;
    auto absolute = std::filesystem::absolute(directory, error).lexically_normal();
    std::vector<std::filesystem::path> parents;
    for (auto path = absolute; !std::filesystem::exists(path, error) && path.has_relative_path();
         path = path.parent_path())
        parents.push_back(path.parent_path());
    std::filesystem::create_directories(absolute, error);
    if (error)
        return failed(error.message());
    for (const auto &parent : parents) {
        std::unique_ptr<rocksdb::Directory> handle;
        auto status = env.NewDirectory(parent.string(), &handle);
        if (status.ok())
            status = handle->Fsync();
        if (!status.ok())
            return failed(status.ToString());
    }
    return {};
}

} // namespace

std::string shard_prefix(ShardId shard) {
    std::string prefix;
    append_u32(prefix, shard.value);
    return prefix;
}

std::string shard_end(ShardId shard) {
    DIVAN_CHECK(shard.value != std::numeric_limits<std::uint32_t>::max());
    return shard_prefix(ShardId(shard.value + 1));
}

std::string sequence_row_key(ShardId shard) {
    return shard_prefix(shard);
}

Bounds bounds(ShardId shard, std::string_view begin, std::string_view end) {
    Bounds bounds{shard_prefix(shard), shard_end(shard)};
    if (begin.empty())
        bounds.lower.push_back('\0'); // the smallest key of one byte
    bounds.lower.append(begin);
    if (!end.empty())
        bounds.upper = shard_prefix(shard).append(end);
    return bounds;
}

std::string encode_sequence_row(std::uint64_t last_sequence) {
    std::string value;
    append_u8(value, kSequenceRowVersion);
    append_u64(value, last_sequence);
    return value;
}

Result<std::uint64_t> decode_sequence_row(std::string_view value) {
    ByteReader reader(value);
    auto version = reader.u8();
    auto last_sequence = reader.u64();
    if (version != kSequenceRowVersion)
        return Error(ErrorCode::corruption, "A shard's sequence row has an unknown format.");
    DIVAN_TRY_VOID(reader.finish("the sequence row of a shard"));
    return last_sequence;
}

Result<std::unique_ptr<RocksdbDatabase>> RocksdbDatabase::open(const RocksdbOptions &options) {
    std::unique_ptr<RocksdbDatabase> database(new RocksdbDatabase);
    database->environment_ = options.environment;
    database->shared_ = make_shared_options(options);
    if (!options.read_only) {
        DIVAN_TRY_VOID(make_directory(*database->shared_.options.env, options.directory));
    } else if (!database->shared_.options.env->FileExists((options.directory / "CURRENT").string()).ok()) {
        // RocksDB would make the directory.
        return Error(ErrorCode::not_found,
                     fmt::format("There is no data in {}.", options.directory.string()));
    }
    rocksdb::DB *db = nullptr;
    auto families = make_families(options, database->shared_);
    auto status = options.read_only
                      ? rocksdb::DB::OpenForReadOnly(database->shared_.options, options.directory.string(),
                                                     families, &database->families_, &db)
                      : rocksdb::DB::Open(database->shared_.options, options.directory.string(), families,
                                          &database->families_, &db);
    database->failed_ = options.read_only;
    database->db_.reset(db);
    if (!status.ok())
        return open_error(status, options.directory);
    DIVAN_TRY_VOID(database->check_format());
    return database;
}

RocksdbDatabase::~RocksdbDatabase() {
    if (!db_)
        return;
    for (auto *handle : families_)
        db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    // Waits for background work. The log already holds whatever was acknowledged.
    db_->Close().PermitUncheckedError();
}

Result<void> RocksdbDatabase::check_format() {
    std::string value;
    auto status = db_->Get(rocksdb::ReadOptions(), families_.front(), rocksdb::Slice(kFormatKey), &value);
    if (status.IsNotFound()) {
        append_u32(value, kFormatVersion);
        append_u32(value, kFormatCompatibleVersion);
        rocksdb::WriteBatch batch;
        batch.Put(families_.front(), rocksdb::Slice(kFormatKey), value).PermitUncheckedError();
        return write(batch, true);
    }
    if (!status.ok())
        return read_error(status);
    ByteReader reader(value);
    auto version = reader.u32();
    auto compatible_version = reader.u32();
    DIVAN_TRY_VOID(reader.finish("the format row of the engine"));
    if (compatible_version > kFormatVersion)
        return Error(
            ErrorCode::not_implemented,
            fmt::format("The data directory has format {}, which this version cannot read.", version));
    return {};
}

Result<void> RocksdbDatabase::check_writable() const {
    if (failed_.load(std::memory_order_acquire))
        return ErrorCode::storage_failed;
    return {};
}

Result<void> RocksdbDatabase::write_failed(const rocksdb::Status &status) {
    failed_.store(true, std::memory_order_release);
    return Error(ErrorCode::storage_failed,
                 fmt::format("{} ({})", default_reason(ErrorCode::storage_failed), status.ToString()));
}

Result<void> RocksdbDatabase::write(rocksdb::WriteBatch &batch, bool sync) {
    DIVAN_TRY_VOID(check_writable());
    rocksdb::WriteOptions options;
    options.sync = sync;
    auto status = db_->Write(options, &batch);
    if (!status.ok())
        return write_failed(status);
    // A sync that failed on another thread meanwhile may have lost what ours seemed to cover.
    return check_writable();
}

Result<void> RocksdbDatabase::sync() {
    DIVAN_TRY_VOID(check_writable());
    auto status = db_->FlushWAL(true);
    if (!status.ok())
        return write_failed(status);
    return check_writable();
}

Error RocksdbDatabase::read_error(const rocksdb::Status &status) {
    auto code = status.IsCorruption() ? ErrorCode::corruption : ErrorCode::internal_server_error;
    return {code, fmt::format("Reading from disk failed: {}.", status.ToString())};
}

} // namespace divan::kv
