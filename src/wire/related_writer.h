#pragma once

// A document and the attachments that follow it as the text of a multipart/related body (RFC 2387).

#include "db/database.h"
#include "wire/document_json.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::wire {

// What stands before the bytes of an attachment. `length`: of the bytes, if it is known.
[[nodiscard]] std::string attachment_part_head(std::string_view boundary, std::string_view name,
                                               std::string_view content_type,
                                               std::optional<std::uint64_t> length, bool gzip);

// Yields the text piece by piece: the document first, then attachments as they are stored, so that none is in
// memory as a whole.
// Threads: any, one at a time.
class RelatedWriter {
  public:
    // `database` outlives the writer. `boundary`: without quotes and dashes in front; new for each body.
    RelatedWriter(db::Database &database, WrittenDocument document, std::string boundary);

    // Bytes of the whole text, exactly: a Content-Length.
    [[nodiscard]] std::uint64_t length() const;
    // Whether nothing follows.
    [[nodiscard]] bool done() const { return done_; }
    // What follows; empty = the end. Errors: the engine's; the text cannot be finished then.
    // Blocks on the engine.
    [[nodiscard]] Result<std::string> next();

  private:
    [[nodiscard]] std::string part_head(const db::Attachment &attachment) const;

    db::Database &database_;
    std::string boundary_;
    std::string text_; // not yielded yet
    std::vector<db::Attachment> following_;
    std::uint64_t length_ = 0;
    std::size_t begun_ = 0;                        // of following_
    std::unique_ptr<db::AttachmentReader> reader_; // of the last one begun; null behind its end
    bool done_ = false;
};

} // namespace divan::wire
