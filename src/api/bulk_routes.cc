#include "api/bulk_handlers.h"
#include "api/design_document.h"
#include "api/document_handlers.h"
#include "api/engine_calls.h"
#include "api/parameters.h"
#include "api/router.h"
#include "api/uuids.h"
#include "db/store.h"
#include "telemetry/metrics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

using access::Permission;

constexpr std::size_t kRawDepth = 3; // {"docs":[{member: text}]}

// ---- _bulk_docs

struct Bulk {
    bool replicated = false;
    bool accepted = false; // the client asks for more copies than there are
    bool all_or_nothing = false;
    std::vector<PreparedDocument> documents;
};

Result<Bulk> prepare_bulk(const Services &services, db::Database &database, std::string_view body,
                          bool url_replicated, std::string_view url_w) {
    DIVAN_TRY(auto value, json::parse(body, json_options(services.config, kRawDepth)));
    DIVAN_TRY(const auto *docs, find_docs(value));
    Bulk bulk;
    const auto *all = value.object().find("all_or_nothing");
    bulk.all_or_nothing = all != nullptr && all->is_true();
    const auto *w = value.object().find("w");
    bulk.accepted = asks_for_copies(w != nullptr ? json::to_text(*w) : std::string(url_w));
    bulk.replicated = url_replicated;
    if (const auto *new_edits = value.object().find("new_edits"))
        bulk.replicated = new_edits->is_boolean() && !new_edits->boolean();
    bulk.documents.reserve(docs->size());
    for (const auto &doc : *docs) {
        DIVAN_TRY(auto input, read_document(doc));
        if (!input.id)
            input.id = new_uuid(services);
        DIVAN_TRY(auto prepared,
                  prepare_document(services.config, database, std::move(input), bulk.replicated));
        bulk.documents.push_back(std::move(prepared));
    }
    return bulk;
}

// The revision that a document names: `_rev`, or the newest of `_revisions`.
std::optional<std::string> given_rev(const db::Edit &edit) {
    if (edit.path)
        return doc::RevId{edit.path->start, edit.path->hashes.front()}.text();
    return edit.parent ? std::optional(edit.parent->text()) : std::nullopt;
}

// Local documents go beside the commit groups' edits.
Task<Result<db::Written>> write_local_edit(Call &call, db::Edit &edit, bool replicated) {
    auto written = co_await call.on_engine([&]() -> Result<std::string> {
        if (!edit.deleted)
            return call.database->write_local(edit.id, std::move(edit.json), given_rev(edit), replicated);
        DIVAN_TRY_VOID(call.database->erase_local(edit.id));
        return std::string("0-0");
    });
    if (!written.ok())
        co_return written.error();
    auto rev = doc::RevId::parse(*written);
    if (!rev.ok())
        co_return rev.error();
    co_return db::Written{std::move(*rev), true};
}

bool is_written(const Result<db::Written> &outcome) {
    return outcome.ok();
}

// Errors of the document are told in its entry; others, like a stub without its attachment or a full disk,
// are of the whole request, unless a part of it was written.
bool fails_request(const Result<db::Written> &outcome) {
    if (outcome.ok())
        return false;
    auto code = outcome.error().code();
    return code != ErrorCode::conflict && code != ErrorCode::forbidden &&
           code != ErrorCode::invalid_design_doc && code != ErrorCode::not_found;
}

// What is told of each document.
struct BulkAnswers {
    std::vector<std::string> ids;
    std::vector<std::string> given_revs; // of replicated edits
    std::vector<Result<db::Written>> outcomes;
};

Task<BulkAnswers> write_bulk(Call &call, Bulk &bulk) {
    BulkAnswers answers;
    std::vector<db::Edit> edits;
    std::vector<std::size_t> edit_indexes;
    std::vector<std::size_t> local_indexes;
    for (std::size_t i = 0; i < bulk.documents.size(); ++i) {
        auto &edit = bulk.documents[i].edit;
        answers.ids.push_back(edit.id);
        answers.given_revs.push_back(bulk.replicated ? given_rev(edit).value_or("") : std::string());
        answers.outcomes.emplace_back(ErrorCode::internal_server_error);
        if (edit.id.starts_with("_local/")) {
            local_indexes.push_back(i);
        } else if (auto checked = check_design_document(edit, call.database->partitioned()); !checked.ok()) {
            answers.outcomes[i] = checked.error();
        } else {
            edits.push_back(std::move(edit));
            edit_indexes.push_back(i);
        }
    }
    if (!edits.empty()) {
        auto written = co_await write_documents(call, std::move(edits));
        bool failed = std::any_of(written.begin(), written.end(), fails_request) &&
                      std::none_of(written.begin(), written.end(), is_written);
        for (std::size_t i = 0; i < written.size(); ++i)
            answers.outcomes[edit_indexes[i]] = std::move(written[i]);
        if (failed)
            co_return std::move(answers);
    }
    // Backwards: of several for one id the first is what stays (couch_db_updater).
    for (auto i = local_indexes.rbegin(); i != local_indexes.rend(); ++i)
        answers.outcomes[*i] = co_await write_local_edit(call, bulk.documents[*i].edit, bulk.replicated);
    co_return std::move(answers);
}

void append_error_row(std::string &out, std::string_view id, std::string_view rev, std::string_view word,
                      std::string_view reason) {
    json::ObjectWriter writer(out);
    writer.member("id", id);
    if (!rev.empty())
        writer.member("rev", rev);
    writer.member("error", word).member("reason", reason);
    writer.close();
}

Result<std::string> bulk_text(const Bulk &bulk, const BulkAnswers &answers) {
    const auto &outcomes = answers.outcomes;
    auto failure = std::find_if(outcomes.begin(), outcomes.end(), fails_request);
    if (failure != outcomes.end() && std::none_of(outcomes.begin(), outcomes.end(), is_written))
        return failure->error();
    std::string text = "[";
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto &outcome = outcomes[i];
        if (outcome.ok() && bulk.replicated)
            continue;
        text.append(text.size() > 1 ? "," : "");
        if (!outcome.ok()) {
            append_error_row(text, answers.ids[i], answers.given_revs[i], outcome.error().word(),
                             outcome.error().reason());
            continue;
        }
        text.append("{\"ok\":true,\"id\":");
        json::write_string(text, answers.ids[i]);
        text.append(",\"rev\":\"");
        outcome->rev.append_text(text);
        text.append(bulk.accepted ? "\",\"accepted\":true}" : "\"}");
    }
    text.push_back(']');
    return text;
}

// CouchDB answers a request for a transaction with an entry for each document (417).
std::string all_or_nothing_text(const Bulk &bulk) {
    std::string text = "[";
    for (const auto &document : bulk.documents) {
        const auto &edit = document.edit;
        text.append(text.size() > 1 ? "," : "");
        append_error_row(text, edit.id, given_rev(edit).value_or("0-"), "not_implemented",
                         "all_or_nothing is not supported");
    }
    text.push_back(']');
    return text;
}

Task<Result<void>> post_bulk_docs(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    call.services().metrics.count(telemetry::Metric::bulk_requests);
    auto body = co_await call.read_body();
    if (!body.ok())
        co_return body.error();
    auto new_edits = call.query.find("new_edits");
    bool url_replicated = new_edits && *new_edits == "false";
    auto url_w = call.query.find("w").value_or("");
    auto bulk = co_await call.on_engine(
        [&] { return prepare_bulk(call.services(), *call.database, *body, url_replicated, url_w); });
    if (!bulk.ok())
        co_return bulk.error();
    body->clear();
    body->shrink_to_fit();
    if (bulk->all_or_nothing) {
        auto refusal = all_or_nothing_text(*bulk);
        co_return co_await call.send_json(417, std::move(refusal));
    }
    auto answers = co_await write_bulk(call, *bulk);
    auto text = bulk_text(*bulk, answers);
    if (!text.ok())
        co_return text.error();
    call.services().metrics.count(telemetry::Metric::document_writes,
                                  static_cast<std::int64_t>(answers.ids.size()));
    int status = bulk->accepted ? 202 : 201;
    co_return co_await call.send_json(status, std::move(*text));
}

// ---- _revs_diff, _missing_revs

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
         Permission::database_member,
         post_bulk_docs,
         "Writes many documents.",
         {{"new_edits", "boolean", "false: stores revisions as they are given."}}},
        {"POST",
         "/{db}/_bulk_get",
         Permission::database_member,
         post_bulk_get,
         "Reads many revisions.",
         {{"revs", "boolean", "Adds _revisions."},
          {"attachments", "boolean", "Attachments with their data."},
          {"latest", "boolean", "The leaves that descend from the revisions asked for."},
          {"att_encoding_info", "boolean", "Adds encoding and encoded_length."}}},
        {"POST", "/{db}/_revs_diff", Permission::database_member, post_revs_diff,
         "Which of these revisions are missing, and what leaves could be their ancestors."},
        {"POST", "/{db}/_missing_revs", Permission::database_member, post_missing_revs,
         "Which of these revisions are missing."},
    };
}

} // namespace divan::api
