#include "api/bulk_handlers.h"
#include "api/router.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

using access::Permission;

using RevsById = std::map<std::string, std::vector<doc::RevId>>;

Result<RevsById> read_revs(const json::Value &value) {
    if (!value.is_object())
        return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    RevsById asked;
    for (const auto &member : value.object()) {
        if (!member.value.is_array())
            return Error(ErrorCode::bad_request, "Invalid revisions, must be a list");
        auto &revs = asked[member.key];
        for (const auto &entry : member.value.array()) {
            DIVAN_TRY(auto rev, doc::RevId::parse(entry.is_string() ? entry.string() : ""));
            if (std::find(revs.begin(), revs.end(), rev) == revs.end())
                revs.push_back(std::move(rev));
        }
    }
    return asked;
}

void append_revs(std::string &out, const std::vector<doc::RevId> &revs) {
    out.push_back('[');
    for (std::size_t i = 0; i < revs.size(); ++i) {
        out.append(i > 0 ? ",\"" : "\"");
        revs[i].append_text(out);
        out.push_back('"');
    }
    out.push_back(']');
}

Task<Result<std::map<std::string, db::RevsDiff>>> read_diff(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto value = co_await call.read_json();
    if (!value.ok())
        co_return value.error();
    auto asked = read_revs(*value);
    if (!asked.ok())
        co_return asked.error();
    co_return co_await call.on_engine([&] { return call.database->revs_diff(*asked); });
}

Task<Result<void>> post_revs_diff(Call &call) {
    auto diff = co_await read_diff(call);
    if (!diff.ok())
        co_return diff.error();
    std::string text = "{";
    for (const auto &[id, one] : *diff) {
        if (text.size() > 1)
            text.push_back(',');
        json::write_string(text, id);
        text.append(":{\"missing\":");
        append_revs(text, one.missing);
        if (!one.possible_ancestors.empty()) {
            text.append(",\"possible_ancestors\":");
            append_revs(text, one.possible_ancestors);
        }
        text.push_back('}');
    }
    text.push_back('}');
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> post_missing_revs(Call &call) {
    auto diff = co_await read_diff(call);
    if (!diff.ok())
        co_return diff.error();
    std::string text = "{\"missing_revs\":{";
    bool first = true;
    for (const auto &[id, one] : *diff) {
        if (!first)
            text.push_back(',');
        first = false;
        json::write_string(text, id);
        text.push_back(':');
        append_revs(text, one.missing);
    }
    text.append("}}");
    co_return co_await call.send_json(200, std::move(text));
}

} // namespace

Result<const json::Array *> find_docs(const json::Value &value) {
    if (!value.is_object())
        return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    const auto *docs = value.object().find("docs");
    if (docs == nullptr)
        return Error(ErrorCode::bad_request, "POST body must include `docs` parameter.");
    if (!docs->is_array())
        return Error(ErrorCode::bad_request, "`docs` parameter must be an array.");
    return &docs->array();
}

std::vector<Route> bulk_routes() {
    return {
        {"POST",
         "/{db}/_bulk_docs",
         Permission::database_writer,
         post_bulk_docs,
         "Writes many documents.",
         {{"new_edits", "boolean", "false: stores revisions as they are given."}}},
        {"POST",
         "/{db}/_bulk_get",
         Permission::database_reader,
         post_bulk_get,
         "Reads many revisions.",
         {{"revs", "boolean", "Adds _revisions."},
          {"attachments", "boolean", "Attachments with their data."},
          {"latest", "boolean", "The leaves that descend from the revisions asked for."},
          {"att_encoding_info", "boolean", "Adds encoding and encoded_length."}}},
        {"POST", "/{db}/_revs_diff", Permission::database_reader, post_revs_diff,
         "Which of these revisions are missing, and what leaves could be their ancestors."},
        {"POST", "/{db}/_missing_revs", Permission::database_reader, post_missing_revs,
         "Which of these revisions are missing."},
    };
}

} // namespace divan::api
