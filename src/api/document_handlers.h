#pragma once

// The handlers of documents, and what they share. document_routes.cc says which route is served by which.

#include "api/call.h"
#include "wire/document_input.h"
#include "wire/document_json.h"

#include <string>

namespace divan::api {

// The document id of the route: {docid}, or {ddoc} with "_design/", or {localid} with "_local/".
[[nodiscard]] std::string document_id(const Call &call);
// "/db/doc", encoded, behind the base URL; for Location.
[[nodiscard]] std::string document_location(const Call &call, std::string_view id);

// Whether an If-None-Match names the ETag (which has its quotes).
[[nodiscard]] bool etag_matches(const Call &call, std::string_view etag);
// The ETag of a revision, with its quotes: the revision, as in CouchDB. For who does not see all fields a
// digest of the rules follows it: the same revision looks otherwise under others.
[[nodiscard]] std::string document_etag(const db::Database &database, const doc::RevId &rev);
// The revision that a client names with ?rev= or If-Match. Errors: bad_request if they differ or are
// malformed.
[[nodiscard]] Result<std::optional<doc::RevId>> requested_rev(const Call &call);
// Options of GET and of include_docs. Errors: bad_request.
[[nodiscard]] Result<wire::DocumentOptions> document_options(const net::Query &query);
// Whether the client takes a media type: its Accept has it, `type/*` or `*/*`, or there is no Accept.
[[nodiscard]] bool accepts(const Call &call, std::string_view type);

// document_get.cc
Task<Result<void>> get_document(Call &call);
// document_write.cc
Task<Result<void>> put_document(Call &call);
Task<Result<void>> post_document(Call &call); // POST /{db}
Task<Result<void>> delete_document(Call &call);
Task<Result<void>> copy_document(Call &call);
// form_upload.cc
Task<Result<void>> post_form(Call &call); // POST /{db}/{docid}
// multipart_put.cc
Task<Result<void>> put_multipart(Call &call);
// local_documents.cc
Task<Result<void>> get_local(Call &call);
Task<Result<void>> put_local(Call &call);
Task<Result<void>> delete_local(Call &call);
Task<Result<void>> copy_local(Call &call);
Task<Result<void>> refuse_local_attachment(Call &call);
// Writes one and answers 201.
Task<Result<void>> write_local_document(Call &call, std::string id, std::string json,
                                        std::optional<std::string> rev, bool keep_rev);
// Erases one and answers 200; of a DELETE, 404 if there is none.
Task<Result<void>> erase_local_document(Call &call, std::string id);
// open_revs.cc
Task<Result<void>> get_open_revs(Call &call, wire::DocumentOptions options);

// Commits one edit and answers it as PUT, POST and COPY do: 201 (202 with batch=ok), ETag, Location.
Task<Result<void>> commit_and_answer(Call &call, wire::PreparedDocument prepared);

// A stream of parts: a document and the attachments that follow it, as multipart/related text.
Task<Result<void>> write_related(Call &call, wire::WrittenDocument document, std::string boundary);
// 32 random hex digits.
[[nodiscard]] std::string new_boundary(Call &call);

} // namespace divan::api
