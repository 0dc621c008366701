#include "wire/attachment_sink.h"

#include "config/config.h"

#include <algorithm>

namespace divan::wire {
namespace {

bool is_compressible(const config::Config &config, std::string_view content_type) {
    std::string bare(content_type.substr(0, content_type.find_first_of("; ")));
    std::transform(bare.begin(), bare.end(), bare.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
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
    sink->already_gzip_ = already_gzip;
    if (!already_gzip && level > 0 && is_compressible(config, content_type))
        sink->compressor_ = std::make_unique<net::GzipWriter>(level);
    return sink;
}

Result<void> AttachmentSink::write(std::string_view bytes) {
    received_bytes_ += bytes.size();
    if (received_bytes_ > bytes_max_)
        return Error(ErrorCode::attachment_too_large, name_);
    if (compressor_)
        return upload_->write(compressor_->write(bytes));
    return upload_->write(bytes);
}

Result<db::StoredData> AttachmentSink::finish(std::optional<std::uint64_t> content_bytes) {
    if (compressor_) {
        DIVAN_TRY_VOID(upload_->write(compressor_->finish()));
        return upload_->finish(db::Encoding::gzip, received_bytes_);
    }
    if (!already_gzip_)
        return upload_->finish(db::Encoding::identity, received_bytes_);
    // Of bytes that came as gzip the content's size may not be known: CouchDB shows the stored one then.
    return upload_->finish(db::Encoding::gzip, content_bytes.value_or(received_bytes_));
}

} // namespace divan::wire
