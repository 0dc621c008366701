#pragma once

// Rewrite rules of design documents (chttpd_rewrite): which path a request below `_rewrite` stands for. Pure.

#include "base/result.h"
#include "net/http.h"
#include "net/url.h"
#include "json/value.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::api {

struct RewriteRequest {
    std::string method;
    std::string database;          // names, decoded
    std::string design;            // without "_design/"
    std::vector<std::string> path; // behind `_rewrite`, decoded
    const net::Query *query = nullptr;
    bool secure = true; // [chttpd] secure_rewrites: targets stay in the database
};

// The target of the first rule that fits: an encoded path and query. Errors: not_found "missing" if none
// fits; function_failed "insecure_rewrite_rule", "invalid_rewrite_target".
[[nodiscard]] Result<std::string> apply_rewrite_rules(const json::Array &rules,
                                                      const RewriteRequest &request);

// What a rewrite function returned.
struct RewriteAnswer {
    std::string method;              // empty: the request's
    std::string target;              // encoded path and query, if there is no status
    net::Headers headers;            // besides the request's, or of the answer
    std::optional<std::string> body; // nothing: the request's
    std::optional<int> status;       // answer with it at once
};
// `raw_query`: the request's, for functions that do not say another. Errors: not_found "rewrite_error" for
// null and other falsy values; function_failed "rewrite_error", "insecure_rewrite_rule".
[[nodiscard]] Result<RewriteAnswer> read_rewrite_answer(std::string_view json, const RewriteRequest &request);

} // namespace divan::api
