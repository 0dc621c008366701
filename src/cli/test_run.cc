#include "cli/test_run.h"

#include "base/encoding.h"
#include "cli/server_answer.h"
#include "design/write_trial.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {
namespace {

constexpr std::string_view kDesignPrefix = "_design/";

bool is_success(int status) {
    return status >= 200 && status < 300;
}

Error with_prefix(std::string_view prefix, const Error &error) {
    return {error.code(), fmt::format("{}: {}", prefix, error.reason())};
}

// The array that is the member `name` of an answer of success.
Result<json::Array> array_of(const net::ClientResponse &answer, std::string_view name) {
    if (answer.status != 200)
        return answered_error(answer);
    DIVAN_TRY(auto body, json::parse(answer.body));
    auto *array = body.is_object() ? body.object().find(name) : nullptr;
    if (array == nullptr || !array->is_array())
        return Error(ErrorCode::bad_request, fmt::format("the answer has no {}: {}", name, answer.body));
    return std::move(array->array());
}

std::string string_member(const json::Value &object, std::string_view name) {
    const auto *value = object.is_object() ? object.object().find(name) : nullptr;
    return value != nullptr && value->is_string() ? value->string() : std::string();
}

void add(CaseResult &result, std::optional<Difference> difference) {
    if (difference)
        result.differences.push_back(std::move(*difference));
}

std::string user_context(const std::string &database, const json::Value &user) {
    json::Value name;
    json::Value roles = json::Array();
    if (user.is_object()) {
        if (const auto *given = user.object().find("name"))
            name = *given;
        if (const auto *given = user.object().find("roles"))
            roles = *given;
    }
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("db", std::string_view(database)).value("name", name).value("roles", roles);
    writer.close();
    return text;
}

// "accepted", or what refused and its message.
json::Value verdict_of(const Result<void> &judged) {
    if (judged.ok())
        return "accepted";
    json::Object verdict;
    verdict.append(std::string(judged.error().word()), judged.error().reason());
    return verdict;
}

bool same_verdict(const json::Value &expected, const json::Value &got) {
    if (!expected.is_object() || !got.is_object())
        return same_value(expected, got);
    const auto &wanted = *expected.object().begin();
    const auto *message = got.object().find(wanted.key);
    return message != nullptr && (wanted.value.is_null() || same_value(wanted.value, *message));
}

void compare_body(const net::ClientResponse &answer, const json::Value &expected, CaseResult &result) {
    json::Value got = answer.body;
    if (!expected.is_string())
        if (auto parsed = json::parse(answer.body); parsed.ok())
            got = std::move(*parsed);
    if (!is_utf8(answer.body))
        got = to_utf8(answer.body);
    if (!same_value(expected, got))
        result.differences.push_back({"body", expected, std::move(got)});
}

void compare_headers(const net::ClientResponse &answer, const json::Object &expected, CaseResult &result) {
    for (const auto &header : expected) {
        std::optional<json::Value> got;
        if (auto value = answer.headers.find(header.key))
            got = json::Value(*value);
        if (!got || !same_value(header.value, *got))
            result.differences.push_back({"headers." + header.key, header.value, std::move(got)});
    }
}

} // namespace

Result<net::ClientResponse> TestRun::send(net::ClientRequest request) {
    request.target.insert(0, database_);
    return client_.send(request);
}

void TestRun::run(const TestFile &file, const OnResult &on_result) {
    database_ = "/" + percent_encode(file.database);
    bool ready = false;
    for (const auto &test : file.cases) {
        if (auto made = ready ? Result<void>() : set_up(file); !made.ok()) {
            on_result({.reason = made.error().reason()});
            break;
        }
        on_result(run_case(file, test));
        ready = test.kind != CaseKind::update;
    }
    ignore_error(send({.method = "DELETE"}), "it is in memory only");
}

// Validation functions do not judge the documents: they are there first.
Result<void> TestRun::set_up(const TestFile &file) {
    DIVAN_TRY(auto removed, send({.method = "DELETE"}));
    DIVAN_TRY(auto made, send({.method = "PUT"}));
    if (!is_success(made.status))
        return answered_error(made);
    if (!file.documents.empty())
        DIVAN_TRY_VOID(write_documents(file));
    for (const auto &design : file.designs) {
        auto id = string_member(design, "_id");
        DIVAN_TRY(auto saved, send({.method = "PUT",
                                    .target = "/_design/" + percent_encode(id.substr(kDesignPrefix.size())),
                                    .body = json::to_text(design)}));
        if (!is_success(saved.status))
            return with_prefix(id, answered_error(saved));
    }
    return {};
}

Result<void> TestRun::write_documents(const TestFile &file) {
    json::Object body;
    body.append("docs", json::Array(file.documents));
    DIVAN_TRY(auto answer,
              send({.method = "POST", .target = "/_bulk_docs", .body = json::to_text(std::move(body))}));
    if (!is_success(answer.status))
        return with_prefix("documents", answered_error(answer));
    DIVAN_TRY(auto rows, json::parse(answer.body));
    if (rows.is_array())
        for (const auto &row : rows.array())
            if (auto word = string_member(row, "error"); !word.empty())
                return Error(ErrorCode::bad_request,
                             fmt::format("document \"{}\": {}: {}", string_member(row, "id"), word,
                                         string_member(row, "reason")));
    return {};
}

CaseResult TestRun::run_case(const TestFile &file, const TestCase &test) {
    CaseResult result{.name = test.name};
    auto begin = std::chrono::steady_clock::now();
    auto ran = [&]() -> Result<void> {
        switch (test.kind) {
        case CaseKind::view:
            return run_view(test, result);
        case CaseKind::filter:
            return run_filter(test, result);
        case CaseKind::find:
            return run_find(test, result);
        case CaseKind::validate:
            return run_validation(file, test, result);
        case CaseKind::update:
        case CaseKind::show:
        case CaseKind::list:
            break;
        }
        return run_function(test, result);
    }();
    if (!ran.ok())
        result.reason = ran.error().reason();
    result.took = std::chrono::steady_clock::now() - begin;
    return result;
}

Result<void> TestRun::run_view(const TestCase &test, CaseResult &result) {
    DIVAN_TRY(auto answer, send(test.request));
    DIVAN_TRY(auto rows, array_of(answer, "rows"));
    const auto &expected = test.expected.object();
    if (const auto *wanted = expected.find("rows"))
        result.differences = compare_rows("rows", wanted->array(), rows);
    if (const auto *wanted = expected.find("rows_count"))
        add(result, compare_named("rows_count", *wanted, static_cast<std::uint64_t>(rows.size())));
    if (const auto *wanted = expected.find("total_rows")) {
        DIVAN_TRY(auto body, json::parse(answer.body));
        const auto *total = body.object().find("total_rows");
        add(result, compare_named("total_rows", *wanted, total != nullptr ? *total : json::Value()));
    }
    return {};
}

Result<void> TestRun::run_filter(const TestCase &test, CaseResult &result) {
    DIVAN_TRY(auto answer, send(test.request));
    DIVAN_TRY(auto changes, array_of(answer, "results"));
    std::vector<std::string> expected;
    for (const auto &id : test.expected.object().find("ids")->array())
        expected.push_back(id.string());
    std::vector<std::string> got;
    for (const auto &change : changes)
        got.push_back(string_member(change, "id"));
    add(result, compare_sets("ids", std::move(expected), std::move(got)));
    return {};
}

Result<void> TestRun::run_find(const TestCase &test, CaseResult &result) {
    DIVAN_TRY(auto answer, send(test.request));
    DIVAN_TRY(auto documents, array_of(answer, "docs"));
    result.differences = compare_rows("docs", test.expected.object().find("docs")->array(), documents);
    return {};
}

Result<void> TestRun::run_function(const TestCase &test, CaseResult &result) {
    DIVAN_TRY(auto answer, send(test.request));
    const auto &expected = test.expected.object();
    const auto *status = expected.find("status");
    if (status == nullptr && !is_success(answer.status))
        return answered_error(answer);
    if (status != nullptr && !same_value(*status, answer.status)) {
        result.differences.push_back({"status", *status, json::Value(answer.status)});
        if (!is_success(answer.status))
            result.reason = answered_error(answer).reason();
    }
    if (const auto *body = expected.find("body"))
        compare_body(answer, *body, result);
    if (const auto *headers = expected.find("headers"))
        compare_headers(answer, headers->object(), result);
    if (const auto *document = expected.find("document"))
        return check_document(answer, *document, result);
    return {};
}

// The document that an update wrote.
Result<void> TestRun::check_document(const net::ClientResponse &answer, const json::Value &expected,
                                     CaseResult &result) {
    auto id = answer.headers.find("X-Couch-Id"); // encoded
    if (!id) {
        result.differences.push_back({"document", expected, std::nullopt});
        return {};
    }
    DIVAN_TRY(auto read, send({.target = fmt::format("/{}", *id)}));
    if (read.status != 200)
        return answered_error(read);
    DIVAN_TRY(auto document, json::parse(read.body));
    add(result, compare_named("document", expected, document));
    return {};
}

Result<void> TestRun::run_validation(const TestFile &file, const TestCase &test, CaseResult &result) {
    DIVAN_TRY(auto info, send({.target = "/_security"}));
    if (info.status != 200)
        return answered_error(info);
    auto security = test.write.security ? json::to_text(*test.write.security) : info.body;
    Result<void> judged;
    bool any = false;
    for (const auto &design : file.designs) {
        DIVAN_TRY(auto document,
                  design::read_design_document(string_member(design, "_id"), "1", json::to_text(design)));
        if (document.validate_doc_update.empty())
            continue;
        any = true;
        // The name of the file: equal names of design documents in different files are different programs.
        judged =
            design::try_write(scripts_, file.name, document,
                              {json::to_text(test.write.document), json::to_text(test.write.old_document),
                               user_context(file.database, test.write.user), security});
        if (!judged.ok())
            break;
    }
    if (!any)
        return Error(ErrorCode::bad_request, "no design document has a validate_doc_update");
    auto got = verdict_of(judged);
    if (!same_verdict(test.expected, got))
        result.differences.push_back({"write", test.expected, std::move(got)});
    return {};
}

} // namespace divan::cli
