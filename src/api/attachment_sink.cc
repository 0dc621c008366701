#include "api/attachment_sink.h"

#include "config/config.h"

#include <limits>

namespace divan::api {
namespace {

bool is_compressible(const config::Config &config, std::string_view content_type) {
    auto bare = content_type.substr(0, content_type.find_first_of("; "));
    for (const auto &pattern : config.list("attachments", "compressible_types")) {
        if (pattern == bare)
            return true;
        if (pattern.ends_with("/*") &&
            bare.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1)))
            return true;
    }
    return false;
}

} // namespace

Result<std::unique_ptr<AttachmentSink>> AttachmentSink::open(const config::Config &config,
                                                             db::Database &database, std::string name,
                                                             std::string_view content_type,
                                                             bool already_gzip) {
    auto sink = std::make_unique<AttachmentSink>();
    sink->name_ = std::move(name);
    sink->bytes_max_ = static_cast<std::uint64_t>(config.integer("couchdb", "max_attachment_size"));
    DIVAN_TRY(sink->upload_, database.upload());
    auto level = static_cast<int>(config.integer("attachments", "compression_level"));
    if (already_gzip)
        sink->counter_ = std::make_unique<net::GzipReader>();
    else if (level > 0 && is_compressible(config, content_type))
        sink->compressor_ = std::make_unique<net::GzipWriter>(level);
    return sink;
}

Result<void> AttachmentSink::write(std::string_view bytes) {
    received_bytes_ += bytes.size();
    if (received_bytes_ > bytes_max_)
        return Error(ErrorCode::attachment_too_large, name_);
    if (compressor_)
        return upload_->write(compressor_->write(bytes));
    if (counter_) {
        auto content = counter_->read(bytes, std::numeric_limits<std::size_t>::max());
        if (content.ok())
            content_bytes_ += content->size();
        else
            counter_.reset(); // not gzip after all: stored as it is, its content counts as its bytes
    }
    return upload_->write(bytes);
}

Result<db::StoredData> AttachmentSink::finish() {
    if (compressor_) {
        DIVAN_TRY_VOID(upload_->write(compressor_->finish()));
        return upload_->finish(db::Encoding::gzip, received_bytes_);
    }
    if (counter_)
        return upload_->finish(db::Encoding::gzip, content_bytes_);
    return upload_->finish(db::Encoding::identity, received_bytes_);
}

} // namespace divan::api
