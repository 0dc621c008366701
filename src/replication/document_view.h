#pragma once

// What is told of documents of `_replicator` databases; for the files of this module only.

#include "replication/replicator.h"

namespace divan::replication {

// By what the document itself says. No state: nobody has noted anything.
[[nodiscard]] DocumentView view_of_document(const json::Object &document, const config::Config &config);
// Of a document that is worked on; `job` if the scheduler has it.
[[nodiscard]] DocumentView view_of_active(const DocumentJobs::Active &active,
                                          const std::optional<JobView> &job, const Clock &clock);

} // namespace divan::replication
