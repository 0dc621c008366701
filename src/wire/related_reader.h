#pragma once

// Parts of multipart bodies, stored: attachments that follow their document (multipart/related), and those of
// a browser's form.
//
// What awaits these goes on on `home`, where the body is read; the database is used on `pool`.

#include "net/multipart.h"
#include "wire/attachment_sink.h"
#include "wire/document_input.h"

#include <memory>
#include <string>

namespace divan::wire {

// The bytes of the attachments that follow a document, in the order of its members that follow.
class AttachmentStream {
  public:
    struct Following {
        std::string name;
        bool gzip = false; // its bytes come as gzip
    };
    virtual ~AttachmentStream() = default;
    // Goes on to the next attachment; nullopt: there is none.
    virtual Task<Result<std::optional<Following>>> next() = 0;
    // The next bytes of it, at most `bytes_max`; empty = its end.
    virtual Task<Result<std::string>> read_some(std::size_t bytes_max) = 0;
};

// The parts behind the one of the document. A part that names its attachment is believed; others come in the
// order of the members.
class FollowingParts final : public AttachmentStream {
  public:
    // `reader` outlives the stream.
    FollowingParts(net::MultipartReader &reader, const DocumentInput &document);
    // Errors: those of net::MultipartReader; bad_request for a part that lacks.
    Task<Result<std::optional<Following>>> next() override;
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        return reader_.read_some(bytes_max);
    }

  private:
    net::MultipartReader &reader_;
    std::vector<Following> following_; // as the members say
    std::size_t at_ = 0;
};

// prepare_document(), and the attachments that `input` says follow, stored. REQUIRES: `input.id` is set.
// Errors: those of prepare_document(), of `data` and of AttachmentSink; bad_request for an attachment that
// has another length than was announced.
Task<Result<PreparedDocument>> store_following(AttachmentStream &data, const config::Config &config,
                                               db::Database &database, Executor &pool, Executor &home,
                                               DocumentInput input, bool replicated);

// The same of a multipart body that holds nothing else: bad_request for one more part. REQUIRES: the
// document's part was read.
Task<Result<PreparedDocument>> read_related(net::MultipartReader &reader, const config::Config &config,
                                            db::Database &database, Executor &pool, Executor &home,
                                            DocumentInput input, bool replicated);

// The bytes of a part of a form, stored; they stay if an edit names them before the sink is gone.
struct StoredPart {
    db::StoredData data;
    std::unique_ptr<AttachmentSink> sink;
};

// Streams the current part into the database. `gzip`: it is compressed already.
// Errors: those of net::MultipartReader and of AttachmentSink.
Task<Result<StoredPart>> store_part(net::MultipartReader &reader, const config::Config &config,
                                    db::Database &database, Executor &pool, Executor &home, std::string name,
                                    std::string content_type, bool gzip);

} // namespace divan::wire
