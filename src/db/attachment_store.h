#pragma once

// The bytes of attachments: streamed in and out in chunks.

#include "db/types.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::db {

class Database;

// An upload under way. Its chunks are written as they come, under a mark that makes them garbage
// unless an edit that names them is committed; destroying it uncommitted leaves nothing for long.
// One thread at a time; calls block on the engine.
class AttachmentUpload {
  public:
    virtual ~AttachmentUpload() = default;
    // Errors: as the engine's; insufficient_storage; not_found if the database was deleted.
    virtual Result<void> write(std::string_view bytes) = 0;
    // All bytes were written. `content_bytes` is the decoded size when encoding is gzip.
    // The upload must be kept alive until the edit with the result has been answered.
    virtual Result<StoredData> finish(Encoding encoding, std::uint64_t content_bytes) = 0;
};

// Reads stored bytes from front to back. Works on while the attachment's revisions are replaced;
// compaction may remove the bytes: then not_found.
class AttachmentReader {
  public:
    virtual ~AttachmentReader() = default;
    // The next bytes, one chunk at most; empty = the end. Blocks on the engine.
    virtual Result<std::string> read_some() = 0;
};

} // namespace divan::db
