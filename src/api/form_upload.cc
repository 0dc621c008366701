// POST /{db}/{docid}: attachments from a browser's form (multipart/form-data).

#include "api/document_handlers.h"
#include "db/store.h"
#include "wire/header_values.h"
#include "wire/related_reader.h"
#include "json/parser.h"

#include <algorithm>

namespace divan::api {
namespace {

struct FormFile {
    std::string name;
    std::string content_type;
    wire::StoredPart part;
};

struct Form {
    std::optional<std::string> document; // `_doc`: JSON
    std::optional<std::string> rev;      // `_rev`: add to this revision
    std::vector<FormFile> files;         // `_attachments`
};

// chttpd guards forms against other sites by the Referer, and looks at it first.
Result<void> check_referer(const Call &call) {
    auto referer = call.header("Referer");
    if (!referer)
        return Error(ErrorCode::bad_request, "Referer header required.");
    auto begin = referer->find("://");
    auto host = begin == std::string_view::npos ? std::string_view() : referer->substr(begin + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (host.empty() || !net::equal_without_case(host, call.header("Host").value_or("")))
        return Error(ErrorCode::bad_request, "Referer header must match host.");
    return {};
}

// A field that is text goes into `form`; a file is stored as it arrives; anything else is passed over.
Task<Result<void>> read_field(Call &call, net::MultipartReader &reader, const net::Headers &headers,
                              Form &form) {
    auto disposition = headers.find("Content-Disposition").value_or("");
    auto field = wire::disposition_parameter(disposition, "name").value_or("");
    if (field == "_doc" || field == "_rev") {
        auto bytes_max =
            static_cast<std::size_t>(call.services().config.integer("couchdb", "max_document_size"));
        auto text = co_await reader.read_all(bytes_max);
        if (!text.ok())
            co_return text.error();
        auto &member = field == "_doc" ? form.document : form.rev;
        member = std::move(*text);
        co_return Result<void>();
    }
    auto name = wire::disposition_parameter(disposition, "filename").value_or("");
    if (field != "_attachments" || name.empty()) // a form without a chosen file sends an empty name
        co_return Result<void>();
    auto named = wire::check_attachment_name(name);
    if (!named.ok())
        co_return named.error();
    std::string type(headers.find("Content-Type").value_or("application/octet-stream"));
    auto part =
        co_await wire::store_part(reader, call.services().config, *call.database, call.services().engine_pool,
                                  call.exchange().executor(), name, type, false);
    if (!part.ok())
        co_return part.error();
    form.files.push_back({std::move(name), std::move(type), std::move(*part)});
    co_return Result<void>();
}

Task<Result<Form>> read_form(Call &call, std::string boundary) {
    net::MultipartReader reader(call.exchange().body(), boundary);
    Form form;
    for (;;) {
        auto headers = co_await reader.next_part();
        if (!headers.ok())
            co_return headers.error();
        if (!*headers)
            break;
        auto read = co_await read_field(call, reader, **headers, form);
        if (!read.ok())
            co_return read.error();
    }
    if (!form.document && !form.rev)
        co_return Error(ErrorCode::bad_request, "The form needs a field `_doc` or `_rev`.");
    co_return std::move(form);
}

// The document of the field `_doc`.
Result<wire::PreparedDocument> prepare_new(const Call &call, const std::string &id, std::string_view text) {
    DIVAN_TRY(auto value, json::parse(text, call.json_options(1)));
    DIVAN_TRY(auto input, wire::read_document(value));
    DIVAN_TRY(auto rev, requested_rev(call));
    if (rev)
        input.rev = std::move(rev);
    input.id = id;
    return wire::prepare_document(call.services().config, *call.database, std::move(input), false);
}

// The revision of the field `_rev` as it is, its attachments as stubs.
Result<wire::PreparedDocument> prepare_existing(db::Database &database, const std::string &id,
                                                std::string_view text) {
    DIVAN_TRY(auto rev, doc::RevId::parse(text));
    DIVAN_TRY(auto head, database.head(id));
    if (!head)
        return ErrorCode::not_found;
    DIVAN_TRY(auto tree, database.tree(*head));
    auto info = tree.find(rev);
    if (!info)
        return ErrorCode::conflict;
    DIVAN_TRY(auto body, database.body(*head, rev, *info));
    if (!body)
        return ErrorCode::conflict;
    wire::PreparedDocument prepared;
    prepared.edit.id = id;
    prepared.edit.parent = std::move(rev);
    prepared.edit.json = std::move(body->json);
    for (const auto &attachment : body->attachments)
        prepared.edit.attachments.push_back(
            {attachment.name, attachment.content_type, std::nullopt, std::nullopt});
    return prepared;
}

Result<wire::PreparedDocument> prepare_form(const Call &call, const std::string &id, Form form) {
    DIVAN_TRY(auto prepared, form.document ? prepare_new(call, id, *form.document)
                                           : prepare_existing(*call.database, id, *form.rev));
    auto &attachments = prepared.edit.attachments;
    for (auto &file : form.files) {
        std::erase_if(attachments, [&](const auto &attachment) { return attachment.name == file.name; });
        attachments.push_back({file.name, file.content_type, std::move(file.part.data), std::nullopt});
        prepared.sinks.push_back(std::move(file.part.sink));
    }
    return prepared;
}

} // namespace

Task<Result<void>> post_form(Call &call) {
    auto referred = check_referer(call);
    if (!referred.ok())
        co_return referred.error();
    auto id = document_id(call);
    if (id.starts_with("_local/")) {
        co_return co_await refuse_local_attachment(call);
    }
    auto legal = call.database->check_id(id);
    if (!legal.ok())
        co_return legal.error();
    auto type = call.header("Content-Type").value_or("");
    auto boundary = net::multipart_boundary(type);
    if (!boundary ||
        !net::equal_without_case(type.substr(0, type.find_first_of("; ")), "multipart/form-data"))
        co_return Error(ErrorCode::bad_content_type, "Content-Type must be multipart/form-data");
    auto form = co_await read_form(call, std::move(*boundary));
    if (!form.ok())
        co_return form.error();
    auto prepared = co_await call.on_engine([&] { return prepare_form(call, id, std::move(*form)); });
    if (!prepared.ok())
        co_return prepared.error();
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

} // namespace divan::api
