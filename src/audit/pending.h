#pragma once

// Records of document writes on their way: small rows that commits carry, made records when they are chained.
// Pure.

#include "audit/format.h"
#include "audit/record.h"

#include <functional>
#include <span>

namespace divan::audit {

struct PendingEdit {
    Kind kind = Kind::document_write;
    std::string_view document;
    std::string revision;
    std::string replaced; // empty: the document is new
    bool deleted = false;
};

// What one caller wrote in a commit.
struct PendingWrite {
    std::string origin; // origin_members() of the caller
    std::vector<PendingEdit> edits;
};

// The rows of a commit whose first sequence is `sequence`, into its batch.
void append_pending(kv::WriteBatch &batch, std::uint64_t sequence, std::chrono::microseconds time,
                    std::span<const PendingWrite> writes);

// Documents of one record at most.
inline constexpr std::size_t kDocumentsOfRecord = 100;

// The bodies (body_of()) of the records of a row. Edits of one write that have the same kind and action share
// records of kDocumentsOfRecord documents: their `documents` lists them, in order. Errors: corruption; `take`
// was not called then.
[[nodiscard]] Result<void> expand_pending(std::string_view value, std::string_view node,
                                          const std::function<void(std::string body)> &take);

} // namespace divan::audit
