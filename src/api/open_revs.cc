#include "api/document_handlers.h"
#include "api/parameters.h"
#include "wire/revision_selection.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

// A revision that was asked for: its document, or nothing if it is unknown.
struct Answer {
    std::string rev;
    std::optional<wire::WrittenDocument> document;
};

Result<std::optional<std::vector<doc::RevId>>> parse_open_revs(std::string_view text) {
    std::optional<std::vector<doc::RevId>> revs;
    if (text == "all")
        return revs;
    DIVAN_TRY(auto list, json::parse(text));
    if (!list.is_array())
        return Error(ErrorCode::bad_request, "Invalid list of revisions");
    revs.emplace();
    for (const auto &entry : list.array()) {
        DIVAN_TRY(auto rev, doc::RevId::parse(entry.is_string() ? entry.string() : ""));
        revs->push_back(std::move(rev));
    }
    return revs;
}

Result<std::vector<Answer>> find_revisions(db::Database &database, const std::string &id,
                                           const std::optional<std::vector<doc::RevId>> &asked, bool latest,
                                           const wire::DocumentOptions &options) {
    std::vector<Answer> answers;
    DIVAN_TRY(auto head, database.head(id));
    if (!head) {
        if (!asked)
            return ErrorCode::not_found;
        for (const auto &rev : *asked)
            answers.push_back({rev.text(), std::nullopt});
        return answers;
    }
    DIVAN_TRY(auto tree, database.tree(*head));
    auto selected = wire::select_revisions(tree, asked, latest);
    for (const auto &leaf : selected.found) {
        auto document = wire::write_document(database, *head, tree, leaf, options);
        if (document.ok())
            answers.push_back({leaf.rev.text(), std::move(*document)});
        else if (document.error().code() == ErrorCode::not_found)
            answers.push_back({leaf.rev.text(), std::nullopt});
        else
            return document.error();
    }
    for (const auto &rev : selected.missing)
        answers.push_back({rev.text(), std::nullopt});
    return answers;
}

std::string missing_text(const std::string &rev) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("missing", std::string_view(rev));
    writer.close();
    return text;
}

Task<Result<void>> send_json_list(Call &call, const std::vector<Answer> &answers) {
    std::string text = "[";
    for (const auto &answer : answers) {
        if (text.size() > 1)
            text.push_back(',');
        if (answer.document)
            text.append("{\"ok\":").append(answer.document->json).push_back('}');
        else
            text.append(missing_text(answer.rev));
    }
    text.push_back(']');
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> send_multipart(Call &call, std::vector<Answer> answers) {
    auto boundary = new_boundary(call);
    net::ResponseHead head;
    head.headers.add("Content-Type", "multipart/mixed; boundary=\"" + boundary + "\"");
    auto started = co_await call.start(std::move(head));
    if (!started.ok())
        co_return started.error();
    std::string text;
    for (auto &answer : answers) {
        text.append(text.empty() && &answer == &answers.front() ? "--" : "\r\n--")
            .append(boundary)
            .append("\r\n");
        if (!answer.document) {
            text.append("Content-Type: application/json; error=\"true\"\r\n\r\n")
                .append(missing_text(answer.rev));
        } else if (answer.document->following.empty()) {
            text.append("Content-Type: application/json\r\n\r\n").append(answer.document->json);
        } else {
            auto inner = new_boundary(call);
            text.append("Content-Type: multipart/related; boundary=\"").append(inner).append("\"\r\n\r\n");
            auto written = co_await call.response().write(std::move(text));
            if (written.ok())
                written = co_await write_related(call, std::move(*answer.document), std::move(inner));
            if (!written.ok())
                co_return written.error();
            text.clear();
        }
    }
    text.append("\r\n--").append(boundary).append("--");
    auto written = co_await call.response().write(std::move(text));
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

} // namespace

Task<Result<void>> get_open_revs(Call &call, wire::DocumentOptions options) {
    auto asked = parse_open_revs(*call.query.find("open_revs"));
    if (!asked.ok())
        co_return asked.error();
    bool multipart = accepts(call, "multipart/mixed");
    options.follows = multipart;
    // What is told of the whole document belongs to the winner.
    options.conflicts = options.deleted_conflicts = options.revs_info = options.local_seq = false;
    bool latest = is_true(call.query, "latest");
    auto id = document_id(call);
    auto answers =
        co_await call.on_engine([&] { return find_revisions(*call.database, id, *asked, latest, options); });
    if (!answers.ok())
        co_return answers.error();
    if (multipart) {
        co_return co_await send_multipart(call, std::move(*answers));
    }
    co_return co_await send_json_list(call, *answers);
}

} // namespace divan::api
