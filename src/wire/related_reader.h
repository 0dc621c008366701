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

// The bytes of a part, stored; they stay if an edit names them before the sink is gone.
struct StoredPart {
    db::StoredData data;
    std::unique_ptr<AttachmentSink> sink;
};

// Streams the current part into the database. `gzip`: it is compressed already.
// Errors: those of net::MultipartReader and of AttachmentSink.
Task<Result<StoredPart>> store_part(net::MultipartReader &reader, const config::Config &config,
                                    db::Database &database, Executor &pool, Executor &home, std::string name,
                                    std::string content_type, bool gzip);

// prepare_document(), and the parts that follow the document's: the attachments that `input` says follow, in
// the order of its members or by the names that the parts give. REQUIRES: `input.id` is set; the document's
// part was read.
// `alone`: nothing else may be in the body, so that one more part is an error.
// Errors: those of prepare_document() and store_part(); bad_request for a part that lacks, is too many, or
// has another length than was announced.
Task<Result<PreparedDocument>> read_related(net::MultipartReader &reader, const config::Config &config,
                                            db::Database &database, Executor &pool, Executor &home,
                                            DocumentInput input, bool replicated, bool alone);

} // namespace divan::wire
