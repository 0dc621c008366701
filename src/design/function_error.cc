#include "design/function_error.h"

#include <algorithm>
#include <array>

namespace divan::design {
namespace {

// The words for which chttpd:error_info has a status.
constexpr std::array kCodes = {
    ErrorCode::bad_request,      ErrorCode::query_parse_error,  ErrorCode::unauthorized,
    ErrorCode::forbidden,        ErrorCode::not_found,          ErrorCode::method_not_allowed,
    ErrorCode::not_acceptable,   ErrorCode::conflict,           ErrorCode::gone,
    ErrorCode::bad_content_type, ErrorCode::expectation_failed, ErrorCode::compilation_error,
    ErrorCode::file_exists,
};

} // namespace

Error to_error(const script::FunctionError &error) {
    const auto *known = std::find_if(kCodes.begin(), kCodes.end(),
                                     [&](ErrorCode code) { return couch_error_word(code) == error.error; });
    if (known != kCodes.end())
        return Error(*known, error.reason);
    return Error(ErrorCode::function_failed, error.error, error.reason);
}

Result<void> require_javascript(const DesignDocument &document) {
    if (document.is_javascript())
        return {};
    return Error(ErrorCode::function_failed, "unknown_query_language", document.language);
}

std::shared_ptr<const script::Program> function_program(const db::Database &database,
                                                        const DesignDocument &document, std::string path,
                                                        std::string source, bool renders) {
    return function_program(database.uuid(), document, std::move(path), std::move(source), renders);
}

std::shared_ptr<const script::Program> function_program(std::string database, const DesignDocument &document,
                                                        std::string path, std::string source, bool renders) {
    auto program = std::make_shared<script::Program>();
    program->key = path + " " + document.id + " " + document.rev;
    program->database = std::move(database);
    program->design_id = document.id;
    program->functions.push_back({std::move(path), std::move(source)});
    program->library = document.text;
    program->renders = renders;
    return program;
}

} // namespace divan::design
