// One case of a test file.

#include "base/encoding.h"
#include "cli/test_file.h"
#include "json/writer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace divan::cli {
namespace {

using Names = std::vector<std::string_view>;

struct KindRules {
    std::string_view word;
    CaseKind kind;
    Names members;  // beside name, the word and `expect`
    Names expected; // of `expect`
};

const std::array<KindRules, 7> kKinds = {{
    {"view", CaseKind::view, {"query"}, {"rows", "rows_count", "total_rows"}},
    {"filter", CaseKind::filter, {"query"}, {"ids"}},
    {"validate", CaseKind::validate, {"user", "old", "security"}, {"forbidden", "unauthorized"}},
    {"update", CaseKind::update, {"id", "method", "body", "query"}, {"status", "body", "document"}},
    {"show", CaseKind::show, {"id", "query"}, {"status", "body", "headers"}},
    {"list", CaseKind::list, {"query"}, {"status", "body", "headers"}},
    {"find", CaseKind::find, {}, {"docs"}},
}};
// Parameters of views whose values are JSON; those of others are texts.
const Names kJsonParameters = {"key", "keys", "startkey", "start_key", "endkey", "end_key"};

bool has(const Names &names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

Result<void> check_members(const SourceNode &node, const Names &allowed) {
    if (!node.value().is_object())
        return node.error("has to be an object");
    for (const auto &member : node.value().object())
        if (!has(allowed, member.key))
            return node.find(member.key)
                ->error(fmt::format("unknown; known are {}", fmt::join(allowed, ", ")));
    return {};
}

// Each member, if there is one, has the kind that its name has everywhere in the format.
Result<void> check_kinds(const SourceNode &node) {
    const auto check = [&](const Names &names, bool (json::Value::*is)() const,
                           std::string_view kind) -> Result<void> {
        for (auto name : names)
            if (auto member = node.find(name); member && !(member->value().*is)())
                return member->error(fmt::format("has to be {}", kind));
        return {};
    };
    DIVAN_TRY_VOID(check({"name", "id", "method"}, &json::Value::is_string, "a string"));
    DIVAN_TRY_VOID(check({"query", "user", "old", "security", "headers", "document"}, &json::Value::is_object,
                         "an object"));
    DIVAN_TRY_VOID(check({"rows", "ids", "docs"}, &json::Value::is_array, "a list"));
    return check({"status", "rows_count", "total_rows"}, &json::Value::is_number, "a number");
}

Result<void> check_elements(const SourceNode &expected) {
    if (auto rows = expected.find("rows"))
        for (const auto &row : rows->elements())
            DIVAN_TRY_VOID(check_members(row, {"id", "key", "value", "doc"}));
    if (auto docs = expected.find("docs"))
        for (const auto &document : docs->elements())
            if (!document.value().is_object())
                return document.error("has to be an object");
    if (auto ids = expected.find("ids"))
        for (const auto &id : ids->elements())
            if (!id.value().is_string())
                return id.error("has to be a string; quote it");
    if (auto headers = expected.find("headers"))
        for (const auto &header : headers->value().object())
            if (!header.value.is_string())
                return headers->find(header.key)->error("has to be a string; quote it");
    return {};
}

// "accepted", "forbidden", {forbidden: "message"}, ...
Result<json::Value> read_verdict(const SourceNode &node) {
    const auto &value = node.value();
    const Names refusals = {"forbidden", "unauthorized"};
    if (value.is_string() && value.string() == "accepted")
        return value;
    json::Object verdict;
    if (value.is_string() && has(refusals, value.string())) {
        verdict.append(value.string(), nullptr);
        return json::Value(std::move(verdict));
    }
    bool one = value.is_object() && value.object().size() == 1;
    if (!one || !has(refusals, value.object().begin()->key) ||
        (!value.object().begin()->value.is_string() && !value.object().begin()->value.is_null()))
        return node.error("has to be accepted, {forbidden: MESSAGE} or {unauthorized: MESSAGE}");
    return value;
}

Result<json::Value> read_expected(const SourceNode &node, const KindRules &rules) {
    auto expected = node.find("expect");
    if (!expected)
        return node.error("`expect` is missing");
    if (rules.kind == CaseKind::validate)
        return read_verdict(*expected);
    DIVAN_TRY_VOID(check_members(*expected, rules.expected));
    DIVAN_TRY_VOID(check_kinds(*expected));
    DIVAN_TRY_VOID(check_elements(*expected));
    if (expected->value().object().empty())
        return expected->error("expects nothing");
    return expected->value();
}

// "?group=true&key=%5B1%5D"; with `before` first.
std::string query_text(const SourceNode &node, bool of_view, std::string_view before = "") {
    std::string text(before);
    if (auto query = node.find("query"))
        for (const auto &parameter : query->value().object()) {
            bool plain = parameter.value.is_string() && !(of_view && has(kJsonParameters, parameter.key));
            text += fmt::format(
                "{}{}={}", text.empty() ? "" : "&", percent_encode(parameter.key),
                percent_encode(plain ? parameter.value.string() : json::to_text(parameter.value)));
        }
    return text.empty() ? "" : "?" + text;
}

// "orders/by_status" to its parts, each encoded. Errors: fewer or more parts.
Result<std::vector<std::string>> read_path(const SourceNode &node, std::string_view form,
                                           std::size_t parts_min, std::size_t parts_max) {
    constexpr std::string_view kDesignPrefix = "_design/";
    std::vector<std::string> parts;
    if (node.value().is_string()) {
        std::string_view text = node.value().string();
        if (text.starts_with(kDesignPrefix))
            text.remove_prefix(kDesignPrefix.size());
        for (bool more = true; more;) {
            auto slash = text.find('/');
            parts.push_back(percent_encode(text.substr(0, slash)));
            more = slash != std::string_view::npos;
            text.remove_prefix(more ? slash + 1 : 0);
        }
    }
    bool empty = std::any_of(parts.begin(), parts.end(), [](const auto &part) { return part.empty(); });
    if (empty || parts.size() < parts_min || parts.size() > parts_max)
        return node.error(fmt::format("has to be {}", form));
    return parts;
}

Result<net::ClientRequest> function_request(const SourceNode &node, const SourceNode &path,
                                            std::string_view handler) {
    DIVAN_TRY(auto parts, read_path(path, "DESIGN/NAME", 2, 2));
    auto id = node.find("id");
    net::ClientRequest request;
    request.target = fmt::format("/_design/{}/{}/{}{}{}{}", parts[0], handler, parts[1], id ? "/" : "",
                                 id ? percent_encode(id->value().string()) : "", query_text(node, false));
    return request;
}

Result<net::ClientRequest> update_request(const SourceNode &node, const SourceNode &path) {
    DIVAN_TRY(auto request, function_request(node, path, "_update"));
    auto method = node.find("method");
    request.method = method ? method->value().string() : node.find("id") ? "PUT" : "POST";
    for (char c : request.method)
        if (c < 'A' || c > 'Z')
            return method->error("has to be a method of HTTP, as POST");
    auto body = node.find("body");
    if (body && body->value().is_string()) {
        request.body = body->value().string();
        request.headers.set("Content-Type", "text/plain; charset=utf-8");
    } else if (body) {
        request.body = json::to_text(body->value());
    }
    return request;
}

Result<net::ClientRequest> read_request(const SourceNode &node, const SourceNode &what, CaseKind kind) {
    net::ClientRequest request;
    switch (kind) {
    case CaseKind::view: {
        DIVAN_TRY(auto parts, read_path(what, "DESIGN/VIEW", 2, 2));
        request.target = fmt::format("/_design/{}/_view/{}{}", parts[0], parts[1], query_text(node, true));
        return request;
    }
    case CaseKind::filter: {
        DIVAN_TRY(auto parts, read_path(what, "DESIGN/FILTER", 2, 2));
        request.target =
            "/_changes" + query_text(node, false, fmt::format("filter={}/{}", parts[0], parts[1]));
        return request;
    }
    case CaseKind::update:
        return update_request(node, what);
    case CaseKind::show:
        return function_request(node, what, "_show");
    case CaseKind::list: {
        DIVAN_TRY(auto parts, read_path(what, "DESIGN/LIST/VIEW", 3, 4));
        auto design = std::move(parts.front());
        parts.erase(parts.begin());
        request.target =
            fmt::format("/_design/{}/_list/{}{}", design, fmt::join(parts, "/"), query_text(node, true));
        return request;
    }
    case CaseKind::find:
        if (!what.value().is_object())
            return what.error("has to be a query, {selector: {...}}");
        request = {.method = "POST", .target = "/_find", .body = json::to_text(what.value())};
        return request;
    case CaseKind::validate:
        break;
    }
    return request;
}

Result<JudgedWrite> read_write(const SourceNode &node, const SourceNode &document) {
    if (!document.value().is_object())
        return document.error("has to be a document");
    JudgedWrite write;
    write.document = document.value();
    if (auto old = node.find("old"))
        write.old_document = old->value();
    if (auto security = node.find("security"))
        write.security = security->value();
    if (auto user = node.find("user")) {
        DIVAN_TRY_VOID(check_members(*user, {"name", "roles"}));
        auto name = user->find("name");
        auto roles = user->find("roles");
        if (name && !name->value().is_string() && !name->value().is_null())
            return name->error("has to be a string");
        if (roles && !roles->value().is_array())
            return roles->error("has to be a list");
        write.user = user->value();
    }
    return write;
}

} // namespace

Result<TestCase> read_test_case(const SourceNode &node) {
    if (!node.value().is_object())
        return node.error("has to be an object");
    const KindRules *rules = nullptr;
    Names words;
    for (const auto &kind : kKinds) {
        words.push_back(kind.word);
        if (!node.find(kind.word))
            continue;
        if (rules != nullptr)
            return node.error(fmt::format("has both {} and {}", rules->word, kind.word));
        rules = &kind;
    }
    if (rules == nullptr)
        return node.error(fmt::format("needs one of {}", fmt::join(words, ", ")));
    Names allowed = {"name", rules->word, "expect"};
    allowed.insert(allowed.end(), rules->members.begin(), rules->members.end());
    DIVAN_TRY_VOID(check_members(node, allowed));
    DIVAN_TRY_VOID(check_kinds(node));
    auto name = node.find("name");
    if (!name || name->value().string().empty())
        return node.error("`name` is missing");
    if (name->value().string().find('\n') != std::string::npos)
        return name->error("has to be one line");
    auto what = *node.find(rules->word);
    TestCase found{name->value().string(), rules->kind, {}, {}, {}};
    if (rules->kind == CaseKind::validate) {
        DIVAN_TRY(found.write, read_write(node, what));
    } else {
        DIVAN_TRY(found.request, read_request(node, what, rules->kind));
    }
    DIVAN_TRY(found.expected, read_expected(node, *rules));
    return found;
}

} // namespace divan::cli
