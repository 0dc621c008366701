#include "api/document_handlers.h"
#include "api/engine_calls.h"
#include "api/parameters.h"
#include "api/uuids.h"
#include "base/encoding.h"
#include "db/store.h"
#include "net/multipart.h"
#include "telemetry/metrics.h"
#include "wire/revision_selection.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

bool is_batch(const Call &call) {
    auto batch = call.query.find("batch");
    return batch && *batch == "ok";
}

bool is_replicated(const Call &call) {
    auto value = call.query.find("new_edits");
    return value && *value == "false";
}

// `_rev` in the body and ?rev= or If-Match must agree.
Result<void> merge_rev(const Call &call, wire::DocumentInput &input) {
    DIVAN_TRY(auto rev, requested_rev(call));
    if (!rev)
        return {};
    if (input.rev && *input.rev != *rev)
        return Error(ErrorCode::bad_request,
                     call.query.find("rev")
                         ? "Document rev from request body and query string have different values"
                         : "Document rev and etag have different values");
    input.rev = std::move(rev);
    return {};
}

// A tombstone on the revision that is asked for.
Task<Result<void>> write_tombstone(Call &call, std::string id, std::optional<doc::RevId> rev) {
    wire::PreparedDocument prepared;
    prepared.edit.id = std::move(id);
    prepared.edit.parent = std::move(rev);
    prepared.edit.deleted = true;
    prepared.edit.must_exist = true;
    co_return co_await commit_and_answer(call, std::move(prepared));
}

struct CopyTarget {
    std::string id;
    std::optional<doc::RevId> rev;
};

// Destination: newid or newid?rev=N-..., percent-encoded.
Result<CopyTarget> parse_destination(const Call &call) {
    auto header = call.header("Destination");
    if (!header)
        return Error(ErrorCode::bad_request, "Destination header is mandatory for COPY.");
    if (header->find("://") != std::string_view::npos)
        return Error(ErrorCode::bad_request, "Destination URL must be relative.");
    CopyTarget target;
    auto mark = header->find('?');
    auto id = percent_decode(header->substr(0, mark), false);
    if (!id)
        return Error(ErrorCode::bad_request, "The Destination header has a malformed % escape.");
    target.id = std::move(*id);
    if (mark != std::string_view::npos) {
        DIVAN_TRY(auto query, net::Query::parse(header->substr(mark + 1)));
        DIVAN_TRY(target.rev, doc::RevId::parse(query.find("rev").value_or("")));
    }
    DIVAN_TRY_VOID(call.database->check_id(target.id));
    return target;
}

// The bytes are copied: an attachment belongs to one document.
Result<void> copy_attachments(const Services &services, db::Database &database, const db::Body &body,
                              wire::PreparedDocument &prepared) {
    for (const auto &attachment : body.attachments) {
        auto encoded = attachment.data.encoding == db::Encoding::gzip;
        DIVAN_TRY(auto sink, wire::AttachmentSink::open(
                                 services.config, database, attachment.name,
                                 encoded ? attachment.content_type : "application/octet-stream", encoded));
        auto reader = database.open_attachment(attachment.data);
        for (;;) {
            DIVAN_TRY(auto part, reader->read_some());
            if (part.empty())
                break;
            DIVAN_TRY_VOID(sink->write(part));
        }
        db::AttachmentEdit edit;
        edit.name = attachment.name;
        edit.content_type = attachment.content_type;
        DIVAN_TRY(edit.data, sink->finish());
        prepared.edit.attachments.push_back(std::move(edit));
        prepared.sinks.push_back(std::move(sink));
    }
    return {};
}

Result<wire::PreparedDocument> read_copy(const Services &services, db::Database &database,
                                         const std::string &id, const std::optional<doc::RevId> &rev,
                                         CopyTarget target) {
    DIVAN_TRY(auto body, wire::read_revision(database, id, rev));
    wire::PreparedDocument prepared;
    prepared.edit.id = std::move(target.id);
    prepared.edit.parent = std::move(target.rev);
    prepared.edit.json = std::move(body.json);
    DIVAN_TRY_VOID(copy_attachments(services, database, body, prepared));
    return prepared;
}

} // namespace

Task<Result<void>> commit_and_answer(Call &call, wire::PreparedDocument prepared) {
    auto id = prepared.edit.id;
    bool deleted = prepared.edit.deleted;
    auto checked = co_await check_design_document(call, prepared.edit);
    if (!checked.ok())
        co_return checked.error();
    std::vector<db::Edit> edits;
    edits.push_back(std::move(prepared.edit));
    auto answers = co_await write_documents(call, std::move(edits));
    if (!answers.front().ok())
        co_return answers.front().error();
    log_advice(call, id, *checked);
    call.services().metrics.count(telemetry::Metric::document_writes);
    auto rev = answers.front()->rev.text();
    bool batch = is_batch(call);
    net::Headers headers;
    if (!batch)
        headers.add("ETag", document_etag(*call.database, answers.front()->rev));
    bool is_delete = call.method == "DELETE";
    if (!is_delete) {
        auto location = document_location(call, id);
        for (const auto &[name, value] : call.path_parameters)
            if (name == "attname")
                location.append("/").append(percent_encode(value));
        headers.add("Location", std::move(location));
    }
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).member("id", std::string_view(id));
    if (!batch)
        writer.member("rev", std::string_view(rev));
    writer.close();
    bool accepted = batch || (call.method != "COPY" && asks_for_copies(call.query.find("w").value_or("")));
    int status = accepted ? 202 : deleted || is_delete ? 200 : 201;
    co_return co_await call.send_json(status, std::move(text), std::move(headers));
}

Task<Result<void>> put_document(Call &call) {
    auto id = document_id(call);
    if (id.starts_with("_local/") || id == "_local") {
        co_return co_await put_local(call);
    }
    auto legal = call.database->check_id(id);
    if (!legal.ok())
        co_return legal.error();
    if (auto type = call.header("Content-Type"); type && net::multipart_boundary(*type)) {
        co_return co_await put_multipart(call);
    }
    auto value = co_await call.read_json(1);
    if (!value.ok())
        co_return value.error();
    auto input = wire::read_document(*value);
    if (!input.ok())
        co_return input.error();
    input->id = std::move(id);
    bool replicated = is_replicated(call);
    auto merged = merge_rev(call, *input);
    if (!merged.ok())
        co_return merged.error();
    bool blocking =
        std::any_of(input->attachments.begin(), input->attachments.end(),
                    [](const wire::AttachmentInput &attachment) { return attachment.data.has_value(); });
    auto prepare = [&] {
        return wire::prepare_document(call.services().config, *call.database, std::move(*input), replicated);
    };
    if (!blocking) {
        auto prepared = prepare();
        if (!prepared.ok())
            co_return prepared.error();
        co_return co_await commit_and_answer(call, std::move(*prepared));
    }
    auto prepared = co_await call.on_engine(prepare);
    if (!prepared.ok())
        co_return prepared.error();
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

Task<Result<void>> post_document(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto value = co_await call.read_json(1);
    if (!value.ok())
        co_return value.error();
    auto input = wire::read_document(*value);
    if (!input.ok())
        co_return input.error();
    if (!input->id)
        input->id = new_uuid(call.services());
    // new_edits is a parameter of PUT; CouchDB does not look at it here.
    auto prepared = co_await call.on_engine([&] {
        return wire::prepare_document(call.services().config, *call.database, std::move(*input), false);
    });
    if (!prepared.ok())
        co_return prepared.error();
    if (prepared->edit.id.starts_with("_local/") && prepared->edit.deleted) {
        co_return co_await erase_local_document(call, std::move(prepared->edit.id));
    }
    if (prepared->edit.id.starts_with("_local/")) {
        std::optional<std::string> rev;
        if (prepared->edit.parent)
            rev = prepared->edit.parent->text();
        co_return co_await write_local_document(call, std::move(prepared->edit.id),
                                                std::move(prepared->edit.json), std::move(rev), false);
    }
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

Task<Result<void>> delete_document(Call &call) {
    auto id = document_id(call);
    if (id.starts_with("_local/") || id == "_local") {
        co_return co_await delete_local(call);
    }
    // There is no document with an id that could not be written.
    if (!db::check_document_id(id).ok())
        co_return ErrorCode::not_found;
    auto known = call.database->check_known_id(id);
    if (!known.ok())
        co_return known.error();
    auto rev = requested_rev(call);
    if (!rev.ok()) {
        // A document that is not there is 404, whatever revision is named.
        auto head = co_await call.on_engine([&] { return call.database->head(id); });
        if (head.ok() && (!*head || (*head)->deleted))
            co_return Error(ErrorCode::not_found, *head ? "deleted" : "missing");
        co_return rev.error();
    }
    co_return co_await write_tombstone(call, std::move(id), std::move(*rev));
}

Task<Result<void>> copy_document(Call &call) {
    auto id = document_id(call);
    auto rev = requested_rev(call);
    if (!rev.ok())
        co_return rev.error();
    auto target = parse_destination(call);
    if (!target.ok())
        co_return target.error();
    auto prepared = co_await call.on_engine(
        [&] { return read_copy(call.services(), *call.database, id, *rev, std::move(*target)); });
    if (!prepared.ok())
        co_return prepared.error();
    if (prepared->edit.id.starts_with("_local/")) {
        co_return co_await write_local_document(call, std::move(prepared->edit.id),
                                                std::move(prepared->edit.json), std::nullopt, false);
    }
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

} // namespace divan::api
