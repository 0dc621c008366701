#include "db/attachment_store.h"

#include "base/bytes.h"
#include "crypto/digest.h"
#include "db/database_state.h"
#include "db/keys.h"

#include <algorithm>

namespace divan::db {
namespace {

class Upload final : public AttachmentUpload {
  public:
    Upload(std::shared_ptr<Database::State> state, AttachmentId id)
        : state_(std::move(state)), id_(id), chunk_bytes_(state_->context.options()->attachment_chunk_bytes) {
    }

    ~Upload() override {
        std::lock_guard lock(state_->uploads_mutex);
        state_->live_uploads.erase(id_);
    }

    Result<void> write(std::string_view bytes) override {
        md5_.update(bytes);
        stored_bytes_ += bytes.size();
        while (!bytes.empty()) {
            auto taken = std::min(bytes.size(), chunk_bytes_ - buffer_.size());
            buffer_.append(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            if (buffer_.size() == chunk_bytes_) {
                DIVAN_TRY_VOID(flush());
            }
        }
        return {};
    }

    Result<StoredData> finish(Encoding encoding, std::uint64_t content_bytes) override {
        if (!buffer_.empty()) {
            DIVAN_TRY_VOID(flush());
        }
        return StoredData{id_, stored_bytes_, encoding == Encoding::gzip ? content_bytes : stored_bytes_,
                          md5_.finish(), encoding};
    }

  private:
    Result<void> flush() {
        DIVAN_TRY_VOID(state_->check_writable());
        kv::WriteBatch batch;
        // The mark is there before the first chunk is.
        if (chunk_ == 0)
            batch.put(kv::Table::documents, keys::pending_upload(id_), std::string(1, '\1'));
        batch.put(kv::Table::attachments, keys::chunk(keys::attachment(id_), chunk_++), std::move(buffer_));
        buffer_.clear();
        return state_->context.engine.stage(state_->entry.shard, std::move(batch));
    }

    std::shared_ptr<Database::State> state_;
    AttachmentId id_;
    const std::size_t chunk_bytes_;
    std::string buffer_;
    std::uint32_t chunk_ = 0;
    std::uint64_t stored_bytes_ = 0;
    crypto::Md5 md5_;
};

class Reader final : public AttachmentReader {
  public:
    Reader(std::shared_ptr<Database::State> state, StoredData data, std::uint64_t first_byte)
        : state_(std::move(state)), data_(std::move(data)), skip_(first_byte) {}

    Result<std::string> read_some() override {
        if (skip_ >= data_.stored_bytes)
            return std::string();
        std::string bytes;
        if (chunk_bytes_ == 0) {
            // All chunks but the last have the size of the first, whatever it was when they were written.
            DIVAN_TRY(bytes, read_chunk(0));
            chunk_bytes_ = bytes.size();
            if (chunk_bytes_ == 0)
                return ErrorCode::corruption;
        }
        auto chunk = static_cast<std::uint32_t>(skip_ / chunk_bytes_);
        if (bytes.empty() || chunk != 0) {
            DIVAN_TRY(bytes, read_chunk(chunk));
        }
        auto begin = static_cast<std::size_t>(skip_ % chunk_bytes_);
        if (begin >= bytes.size())
            return ErrorCode::corruption;
        bytes.erase(0, begin);
        skip_ += bytes.size();
        return bytes;
    }

  private:
    Result<std::string> read_chunk(std::uint32_t number) {
        auto key = keys::chunk(keys::attachment(data_.id), number);
        DIVAN_TRY(auto bytes, state_->read(kv::Table::attachments, key));
        if (!bytes)
            return Error(ErrorCode::not_found, "The attachment was removed while it was read.");
        return std::move(*bytes);
    }

    std::shared_ptr<Database::State> state_;
    StoredData data_;
    std::uint64_t skip_;
    std::uint64_t chunk_bytes_ = 0;
};

} // namespace

Result<std::unique_ptr<AttachmentUpload>> Database::upload() {
    DIVAN_TRY_VOID(state_->check_writable());
    AttachmentId id;
    auto bytes = state_->context.random.bytes(id.bytes.size());
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    {
        std::lock_guard lock(state_->uploads_mutex);
        state_->live_uploads.insert(id);
    }
    return std::unique_ptr<AttachmentUpload>(std::make_unique<Upload>(state_, id));
}

std::unique_ptr<AttachmentReader> Database::open_attachment(const StoredData &data,
                                                            std::uint64_t first_byte) {
    return std::make_unique<Reader>(state_, data, first_byte);
}

// Uploads that are marked and not under way in this process never got their edit.
Result<void> Database::State::sweep_uploads() {
    kv::ScanRequest request;
    request.shard = entry.shard;
    request.begin = std::string(keys::kPendingUploadPrefix);
    request.end = prefix_end(keys::kPendingUploadPrefix);
    request.keys_only = true;
    DIVAN_TRY(auto page, context.engine.scan(request));
    for (std::size_t i = 0; i < page.size(); ++i) {
        AttachmentId id;
        auto bytes = page.key(i).substr(keys::kPendingUploadPrefix.size());
        if (bytes.size() != id.bytes.size())
            return ErrorCode::corruption;
        std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
        {
            std::lock_guard lock(uploads_mutex);
            if (live_uploads.contains(id))
                continue;
        }
        kv::WriteBatch batch;
        kv::ScanRequest chunks;
        chunks.shard = entry.shard;
        chunks.table = kv::Table::attachments;
        chunks.begin = keys::attachment(id);
        chunks.end = prefix_end(chunks.begin);
        chunks.keys_only = true;
        chunks.rows_max = 10'000;
        DIVAN_TRY(auto rows, context.engine.scan(chunks));
        for (std::size_t row = 0; row < rows.size(); ++row)
            batch.erase(kv::Table::attachments, std::string(rows.key(row)));
        // The mark goes with the last chunk.
        if (!rows.more)
            batch.erase(kv::Table::documents, std::string(page.key(i)));
        DIVAN_TRY_VOID(context.engine.stage(entry.shard, std::move(batch)));
    }
    return {};
}

} // namespace divan::db
