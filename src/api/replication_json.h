#pragma once

// Replications as CouchDB's JSON, member for member; nothing of it holds credentials.

#include "replication/replicator.h"

#include <string>
#include <string_view>

namespace divan::api {

// A job of `_scheduler/jobs`.
void append_replication_job(std::string &text, const replication::JobView &job, std::string_view node,
                            const Clock &clock);
// A document of `_scheduler/docs`.
void append_replication_document(std::string &text, const replication::DocumentView &document,
                                 std::string_view node);
// A job that runs, for `_active_tasks`.
void append_replication_task(std::string &text, const replication::JobView &job, std::string_view node);

} // namespace divan::api
