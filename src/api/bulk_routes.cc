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

// Documents read and written between two writes of a streamed answer.
constexpr std::size_t kBulkGetBatch = 100;
constexpr std::size_t kRawDepth = 3; // {"docs":[{member: text}]}

void append_error_row(std::string &out, std::string_view id, const std::optional<std::string> &rev,
                      const Error &error) {
    json::ObjectWriter writer(out);
    writer.member("id", id);
    if (rev)
        writer.member("rev", std::string_view(*rev));
    writer.member("error", error.word()).member("reason", std::string_view(error.reason()));
    writer.close();
}

// ---- _bulk_docs

struct Bulk {
    bool replicated = false;
    std::vector<PreparedDocument> documents;
};

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

Result<Bulk> prepare_bulk(const Services &services, db::Database &database, std::string_view body,
                          bool url_replicated) {
    json::ParseOptions options;
    options.raw_depth = kRawDepth;
    DIVAN_TRY(auto value, json::parse(body, options));
    DIVAN_TRY(const auto *docs, find_docs(value));
    if (const auto *all = value.object().find("all_or_nothing"); all != nullptr && all->is_true())
        return Error(ErrorCode::expectation_failed, "all_or_nothing is not supported");
    Bulk bulk;
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

// Local documents go beside the commit groups' edits.
Task<Result<db::Written>> write_local_edit(Call &call, db::Edit &edit, bool replicated) {
    std::optional<std::string> rev;
    if (edit.parent)
        rev = edit.parent->text();
    auto written = co_await call.on_engine(
        [&] { return call.database->write_local(edit.id, std::move(edit.json), rev, replicated); });
    if (!written.ok())
        co_return written.error();
    co_return db::Written{doc::RevId::parse(*written).value(), true};
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
    auto bulk = co_await call.on_engine(
        [&] { return prepare_bulk(call.services(), *call.database, *body, url_replicated); });
    if (!bulk.ok())
        co_return bulk.error();
    body->clear();
    body->shrink_to_fit();

    std::vector<std::string> ids;
    std::vector<Result<db::Written>> answers;
    std::vector<db::Edit> edits;
    std::vector<std::size_t> edit_indexes;
    for (std::size_t i = 0; i < bulk->documents.size(); ++i) {
        auto &edit = bulk->documents[i].edit;
        ids.push_back(edit.id);
        answers.emplace_back(ErrorCode::internal_server_error);
        if (edit.id.starts_with("_local/")) {
            answers[i] = co_await write_local_edit(call, edit, bulk->replicated);
            continue;
        }
        edits.push_back(std::move(edit));
        edit_indexes.push_back(i);
    }
    if (!edits.empty()) {
        auto written = co_await write_documents(call, std::move(edits));
        for (std::size_t i = 0; i < written.size(); ++i)
            answers[edit_indexes[i]] = std::move(written[i]);
    }
    std::string text = "[";
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto &answer = answers[i];
        if (!answer.ok() && answer.error().code() != ErrorCode::conflict &&
            answer.error().code() != ErrorCode::forbidden)
            co_return answer.error(); // a stub without its attachment, a full disk, ...: of the whole request
        if (answer.ok() && bulk->replicated)
            continue;
        if (text.size() > 1)
            text.push_back(',');
        if (!answer.ok()) {
            append_error_row(text, ids[i], std::nullopt, answer.error());
            continue;
        }
        text.append("{\"ok\":true,\"id\":");
        json::write_string(text, ids[i]);
        text.append(",\"rev\":\"");
        answer->rev.append_text(text);
        text.append("\"}");
    }
    text.push_back(']');
    call.services().metrics.count(telemetry::Metric::document_writes,
                                  static_cast<std::int64_t>(answers.size()));
    co_return co_await call.send_json(201, std::move(text));
}

// ---- _bulk_get

struct Wanted {
    std::string id;
    std::optional<std::string> rev_text;
    std::optional<doc::RevId> rev;
    std::optional<std::vector<doc::RevId>> atts_since;
    std::optional<Error> error; // the request itself was wrong
};

Result<Wanted> read_wanted(const json::Value &value) {
    Wanted wanted;
    if (!value.is_object())
        return Error(ErrorCode::bad_request, "document must be a JSON object");
    const auto *id = value.object().find("id");
    if (id == nullptr || !id->is_string()) {
        wanted.error = Error(ErrorCode::illegal_docid, "Document id must be a string");
        return wanted;
    }
    wanted.id = id->string();
    if (auto legal = db::check_document_id(wanted.id); !legal.ok())
        wanted.error = legal.error();
    if (const auto *rev = value.object().find("rev"); rev != nullptr && !rev->is_null()) {
        auto parsed = doc::RevId::parse(rev->is_string() ? rev->string() : "");
        if (!parsed.ok()) {
            wanted.rev_text = rev->is_string() ? rev->string() : json::to_text(*rev);
            wanted.error = parsed.error();
        } else {
            wanted.rev_text = rev->string();
            wanted.rev = std::move(*parsed);
        }
    }
    if (const auto *since = value.object().find("atts_since"); since != nullptr && since->is_array()) {
        wanted.atts_since.emplace();
        for (const auto &entry : since->array()) {
            auto parsed = doc::RevId::parse(entry.is_string() ? entry.string() : "");
            if (!parsed.ok())
                wanted.error = parsed.error();
            else
                wanted.atts_since->push_back(std::move(*parsed));
        }
    }
    return wanted;
}

void append_get_error(std::string &out, const Wanted &wanted, std::string_view rev, const Error &error) {
    out.append("{\"error\":");
    json::ObjectWriter writer(out);
    writer.member("rev", rev).member("reason", std::string_view(error.reason()));
    writer.member("id", std::string_view(wanted.id)).member("error", error.word());
    writer.close();
    out.push_back('}');
}

Result<void> append_docs(std::string &out, db::Database &database, const Wanted &wanted,
                         const std::optional<db::Head> &head, bool latest, DocumentOptions options) {
    options.atts_since = wanted.atts_since;
    auto rev_text = wanted.rev_text.value_or("undefined");
    if (wanted.error) {
        append_get_error(out, wanted, rev_text, *wanted.error);
        return {};
    }
    if (!head) {
        append_get_error(out, wanted, rev_text, ErrorCode::not_found);
        return {};
    }
    DIVAN_TRY(auto tree, database.tree(*head));
    std::vector<doc::Leaf> leaves;
    if (!wanted.rev) {
        leaves = tree.leaves();
    } else if (auto info = tree.find(*wanted.rev)) {
        leaves = latest ? tree.leaves_from(*wanted.rev) : std::vector<doc::Leaf>{{*wanted.rev, *info}};
    } else {
        append_get_error(out, wanted, rev_text, ErrorCode::not_found);
        return {};
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (i > 0)
            out.push_back(',');
        auto document = write_document(database, *head, tree, leaves[i], options);
        if (document.ok())
            out.append("{\"ok\":").append(document->json).push_back('}');
        else
            append_get_error(out, wanted, leaves[i].rev.text(), document.error());
    }
    return {};
}

Result<std::string> bulk_get_rows(db::Database &database, std::span<const Wanted> wanted, bool latest,
                                  const DocumentOptions &options) {
    std::vector<std::string> ids;
    for (const auto &one : wanted)
        ids.push_back(one.id);
    DIVAN_TRY(auto heads, database.heads(ids, {.bodies = true, .trees = true, .leaves = true}));
    std::string out;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (i > 0)
            out.push_back(',');
        out.append("{\"id\":");
        json::write_string(out, wanted[i].id);
        out.append(",\"docs\":[");
        DIVAN_TRY_VOID(append_docs(out, database, wanted[i], heads[i], latest, options));
        out.append("]}");
    }
    return out;
}

Task<Result<void>> post_bulk_get(Call &call) {
    for (std::string_view refused : {"rev", "open_revs", "atts_since", "w", "new_edits"})
        if (call.query.find(refused))
            co_return Error(
                ErrorCode::bad_request,
                "Query parameters `open_revs`, `new_edits`, `w`, `atts_since` and `rev` are not supported");
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto value = co_await call.read_json();
    if (!value.ok())
        co_return value.error();
    if (!value->is_object() || !value->object().contains("docs"))
        co_return Error(ErrorCode::bad_request, "Missing JSON list of 'docs'.");
    auto docs = find_docs(*value);
    if (!docs.ok())
        co_return docs.error();
    std::vector<Wanted> wanted;
    for (const auto &doc : **docs) {
        auto one = read_wanted(doc);
        if (!one.ok())
            co_return one.error();
        wanted.push_back(std::move(*one));
    }
    auto options = document_options(call.query);
    if (!options.ok())
        co_return options.error();
    options->conflicts = options->deleted_conflicts = options->revs_info = options->local_seq = false;
    bool latest = is_true(call.query, "latest");
    bool started = false;
    std::string text = "{\"results\":[";
    for (std::size_t at = 0; at < wanted.size(); at += kBulkGetBatch) {
        auto part = std::span(wanted).subspan(at, std::min(kBulkGetBatch, wanted.size() - at));
        auto rows =
            co_await call.on_engine([&] { return bulk_get_rows(*call.database, part, latest, *options); });
        if (!rows.ok())
            co_return rows.error();
        if (!started) {
            started = true;
            auto begun = co_await call.start_json();
            if (!begun.ok())
                co_return begun.error();
        }
        text.append(at > 0 ? "," : "").append(*rows);
        auto written = co_await call.response().write(std::move(text));
        if (!written.ok())
            co_return written.error();
        text.clear();
    }
    text.append("]}\n");
    if (!started) {
        text.pop_back();
        co_return co_await call.send_json(200, std::move(text));
    }
    auto written = co_await call.response().write(std::move(text));
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
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
