#include "wire/related_writer.h"

#include "net/multipart.h"
#include "wire/header_values.h"

#include <utility>

namespace divan::wire {

std::string attachment_part_head(std::string_view boundary, std::string_view name,
                                 std::string_view content_type, std::optional<std::uint64_t> length,
                                 bool gzip) {
    net::Headers headers;
    headers.add("Content-Disposition", "attachment; filename=\"" + header_text(name) + "\"");
    headers.add("Content-Type", header_content_type(content_type));
    if (length)
        headers.add("Content-Length", std::to_string(*length));
    if (gzip)
        headers.add("Content-Encoding", "gzip");
    return net::multipart_part_head(boundary, headers);
}

RelatedWriter::RelatedWriter(db::Database &database, WrittenDocument document, std::string boundary)
    : database_(database), boundary_(std::move(boundary)), following_(std::move(document.following)) {
    text_.append("--").append(boundary_).append("\r\nContent-Type: application/json\r\n\r\n");
    text_.append(document.json);
    length_ = text_.size() + net::multipart_end(boundary_).size();
    for (const auto &attachment : following_)
        length_ += part_head(attachment).size() + attachment.data.stored_bytes;
}

std::uint64_t RelatedWriter::length() const {
    return length_;
}

std::string RelatedWriter::part_head(const db::Attachment &attachment) const {
    return attachment_part_head(boundary_, attachment.name, attachment.content_type,
                                attachment.data.stored_bytes, attachment.data.encoding == db::Encoding::gzip);
}

Result<std::string> RelatedWriter::next() {
    while (!done_) {
        if (reader_) {
            DIVAN_TRY(auto bytes, reader_->read_some());
            if (!bytes.empty())
                return std::exchange(text_, std::string()) + bytes;
            reader_.reset();
        } else if (begun_ < following_.size()) {
            const auto &attachment = following_[begun_++];
            text_.append(part_head(attachment));
            reader_ = database_.open_attachment(attachment.data);
        } else {
            text_.append(net::multipart_end(boundary_));
            done_ = true;
        }
    }
    return std::exchange(text_, std::string());
}

} // namespace divan::wire
