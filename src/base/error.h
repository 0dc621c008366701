#pragma once

// The one list of errors. Every failure that leaves a module is an Error: a code from this list,
// which fixes the HTTP status and CouchDB's `error` word, and a reason that says what to do.

#include <cstdint>
#include <string>
#include <string_view>

namespace divan {

// X(name, HTTP status, CouchDB `error` word, default reason)
// The words are CouchDB 3.5's (chttpd:error_info); clients branch on them.
#define DIVAN_ERRORS(X)                                                                                      \
    X(bad_request, 400, "bad_request", "The request could not be understood.")                               \
    X(query_parse_error, 400, "query_parse_error", "Invalid query parameter.")                               \
    X(illegal_docid, 400, "illegal_docid", "Illegal document id.")                                           \
    X(illegal_database_name, 400, "illegal_database_name", "Illegal database name.")                         \
    X(database_name_too_long, 400, "database_name_too_long", "The database name is too long.")               \
    X(illegal_partition, 400, "illegal_partition", "Illegal partition.")                                     \
    X(doc_validation, 400, "doc_validation", "The document is not valid.")                                   \
    X(invalid_design_doc, 400, "invalid_design_doc", "The design document is not valid.")                    \
    X(compilation_error, 400, "compilation_error", "The function does not compile.")                         \
    X(file_exists_as_request, 400, "bad_request", "file_exists")                                             \
    X(unauthorized, 401, "unauthorized", "You are not authorized to access this.")                           \
    X(forbidden, 403, "forbidden", "You are not allowed to access this.")                                    \
    X(partition_overflow, 403, "partition_overflow", "The partition is full.")                               \
    X(not_found, 404, "not_found", "missing")                                                                \
    X(unknown_config_value, 404, "not_found", "unknown_config_value")                                        \
    X(method_not_allowed, 405, "method_not_allowed", "Method not allowed.")                                  \
    X(not_acceptable, 406, "not_acceptable", "Not acceptable.")                                              \
    X(request_timeout, 408, "timeout", "The request took too long to arrive.")                               \
    X(conflict, 409, "conflict", "Document update conflict.")                                                \
    X(missing_revision, 409, "not_found", "missing_rev")                                                     \
    X(gone, 410, "gone", "This is not supported any more.")                                                  \
    X(file_exists, 412, "file_exists", "The database could not be created, the file already exists.")        \
    X(missing_stub, 412, "missing_stub", "The attachment stub names an unknown attachment.")                 \
    X(precondition_failed, 412, "precondition_failed", "Precondition failed.")                               \
    X(too_large, 413, "too_large", "the request entity is too large")                                        \
    X(document_too_large, 413, "document_too_large", "The document is too large.")                           \
    X(attachment_too_large, 413, "attachment_too_large", "The attachment is too large.")                     \
    X(too_long, 414, "too_long", "The request URI is too long.")                                             \
    X(bad_content_type, 415, "bad_content_type", "Content-Type must be application/json")                    \
    X(bad_encoding, 415, "bad_content_type", "The content encoding is not supported.")                       \
    X(range_not_satisfiable, 416, "requested_range_not_satisfiable", "Requested range not satisfiable")      \
    X(expectation_failed, 417, "expectation_failed", "Expectation failed.")                                  \
    X(header_too_large, 431, "header_too_large", "The request headers are too large.")                       \
    X(os_process_error, 500, "os_process_error", "A function of a design document failed.")                  \
    X(invalid_value, 500, "invalid_value", "The reduce function cannot take this value.")                    \
    X(internal_server_error, 500, "internal_server_error", "An internal error occurred.")                    \
    X(outcome_unknown, 500, "timeout",                                                                       \
      "It is not known whether the write succeeded: read the document again.")                               \
    X(query_timeout, 500, "timeout", "The request could not be processed in a reasonable amount of time.")   \
    X(function_failed, 500, "unknown_error", "A function of a design document failed.")                      \
    X(script_failed, 500, "script_failed", "The JavaScript worker failed.")                                  \
    X(corruption, 500, "internal_server_error", "Stored data is damaged.")                                   \
    X(not_implemented, 501, "not_implemented", "This is not implemented.")                                   \
    X(service_unavailable, 503, "service unavailable", "The server is busy or shutting down.")               \
    X(storage_failed, 503, "service unavailable",                                                            \
      "Writing to disk failed: writes are refused until the server is restarted.")                           \
    X(insufficient_storage, 507, "insufficient_storage", "Not enough disk space is left.")                   \
    X(cancelled, 503, "service unavailable", "The operation was cancelled.")

enum class ErrorCode : std::uint8_t {
#define DIVAN_ERROR_ENUM(name, status, word, reason) name,
    DIVAN_ERRORS(DIVAN_ERROR_ENUM)
#undef DIVAN_ERROR_ENUM
};

// The HTTP status, the `error` word and the default reason of a code.
[[nodiscard]] int http_status(ErrorCode code);
[[nodiscard]] std::string_view couch_error_word(ErrorCode code);
[[nodiscard]] std::string_view default_reason(ErrorCode code);

// A failure as a value. The reason is shown to clients: it never holds a secret or a stack trace.
class Error {
  public:
    // Implicit, so that `return ErrorCode::not_found;` reads as what it does.
    Error(ErrorCode code) : Error(code, std::string(default_reason(code))) {}
    Error(ErrorCode code, std::string reason) : code_(code), reason_(std::move(reason)) {}
    // With a word of its own: what a function of a design document calls its error.
    Error(ErrorCode code, std::string word, std::string reason)
        : code_(code), reason_(std::move(reason)), word_(std::move(word)) {}

    [[nodiscard]] ErrorCode code() const { return code_; }
    [[nodiscard]] const std::string &reason() const { return reason_; }
    [[nodiscard]] int status() const { return http_status(code_); }
    [[nodiscard]] std::string_view word() const { return word_.empty() ? couch_error_word(code_) : word_; }

    friend bool operator==(const Error &, const Error &) = default;

  private:
    ErrorCode code_;
    std::string reason_;
    std::string word_; // empty: the code's
};

} // namespace divan
