#pragma once

// What requests leave in the audit log, and what the watch over anomalies sees of them. Each does nothing
// where nothing is recorded, so that a handler needs one line for it.

#include "api/router.h"
#include "audit/record.h"
#include "base/task.h"

#include <span>

namespace divan::api {

// A record of this request: who, from where, which method, path, database and document.
[[nodiscard]] audit::Record audit_record(const Call &call, audit::Kind kind, std::string_view action);
// The same as members for the records of its writes (audit::origin_members); empty: nothing is recorded.
[[nodiscard]] std::string audit_origin(const Call &call);

// Waits for room in the log's queue off this thread, if it has none.
Task<void> note(Call &call, audit::Record record);
// Of a change of who may do what, after it was made and before the client is told: waits until the record is
// durable. Errors: storage_failed.
Task<Result<void>> note_change(Call &call, audit::Record record);
Task<Result<void>> note_change(Call &call, audit::Kind kind, std::string_view action);

// How the authentication of a request went; passwords that are remembered and cookies are no logins.
Task<void> note_authentication(Call &call, const Result<access::Principal> &principal);
// A login that is the request's purpose. `how`: "default" (a password), "scram", "oidc".
Task<void> note_login(Call &call, const access::Principal &principal, std::string_view how);
Task<void> note_failed_login(Call &call, std::string name, std::string_view how, Error error);
// A refusal by gate, guard or validation, unless it is noted already.
Task<void> note_refusal(Call &call, Error error);
// Those of documents that a request names together.
Task<void> note_refused_documents(Call &call, std::span<const std::string> ids,
                                  std::span<const Result<db::Written>> outcomes);
// Before a handler reads documents.
Task<void> note_read(Call &call, const Route &route);
// After it: counts the read and the bytes of its answer for the watch over anomalies, and records nothing.
void count_read(Call &call, const Route &route);

} // namespace divan::api
