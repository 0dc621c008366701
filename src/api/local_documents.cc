#include "api/document_handlers.h"
#include "api/parameters.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "json/writer.h"

namespace divan::api {
namespace {

constexpr std::string_view kPrefix = "_local/";

Result<void> check_local_id(std::string_view id) {
    if (id.size() <= kPrefix.size())
        return Error(ErrorCode::bad_request, "Invalid _local document id.");
    return {};
}

std::string local_text(const db::LocalDocument &document, bool revs) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("_id", std::string_view(document.id)).member("_rev", std::string_view(document.rev));
    if (document.json.size() > 2)
        text.append(",").append(document.json, 1, document.json.size() - 2);
    if (revs)
        text.append(",\"_revisions\":{\"start\":0,\"ids\":[\"").append(document.rev, 2).append("\"]}");
    text.push_back('}');
    return text;
}

std::string written_text(std::string_view id, std::string_view rev) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).member("id", id).member("rev", rev);
    writer.close();
    return text;
}

// The rev that the client sends, as text: it is not checked against anything.
std::optional<std::string> given_rev(const Call &call, const wire::DocumentInput &input) {
    if (input.rev)
        return input.rev->text();
    auto rev = requested_rev(call);
    return rev.ok() && *rev ? std::optional((*rev)->text()) : std::nullopt;
}

} // namespace

Task<Result<void>> write_local_document(Call &call, std::string id, std::string json,
                                        std::optional<std::string> rev, bool keep_rev) {
    auto written = co_await call.on_engine(
        [&] { return call.database->write_local(id, std::move(json), rev, keep_rev); });
    if (!written.ok())
        co_return written.error();
    net::Headers headers;
    headers.add("ETag", "\"" + *written + "\"");
    headers.add("Location", document_location(call, id));
    co_return co_await call.send_json(201, written_text(id, *written), std::move(headers));
}

Task<Result<void>> get_local(Call &call) {
    auto id = document_id(call);
    auto legal = check_local_id(id);
    if (!legal.ok())
        co_return legal.error();
    auto found = co_await call.on_engine([&] { return call.database->local(id); });
    if (!found.ok())
        co_return found.error();
    auto rev = call.query.find("rev");
    if (!*found || (rev && *rev != (*found)->rev))
        co_return ErrorCode::not_found;
    auto text = local_text(**found, is_true(call.query, "revs"));
    net::Headers headers;
    auto etag = "\"" + base64_encode(crypto::md5(text)) + "\"";
    headers.add("ETag", etag);
    if (etag_matches(call, etag)) {
        net::ResponseHead head;
        head.status = 304;
        head.headers = std::move(headers);
        co_return co_await call.send(std::move(head), std::string());
    }
    co_return co_await call.send_json(200, std::move(text), std::move(headers));
}

Task<Result<void>> put_local(Call &call) {
    auto id = document_id(call);
    auto legal = check_local_id(id);
    if (!legal.ok())
        co_return legal.error();
    auto value = co_await call.read_json(1);
    if (!value.ok())
        co_return value.error();
    auto input = wire::read_document(*value);
    if (!input.ok())
        co_return input.error();
    if (input->deleted) {
        co_return co_await erase_local_document(call, std::move(id));
    }
    auto new_edits = call.query.find("new_edits");
    bool keep_rev = new_edits && *new_edits == "false";
    auto rev = given_rev(call, *input);
    co_return co_await write_local_document(call, std::move(id), std::move(input->json), std::move(rev),
                                            keep_rev);
}

Task<Result<void>> erase_local_document(Call &call, std::string id) {
    auto erased = co_await call.on_engine([&] { return call.database->erase_local(id); });
    if (!erased.ok())
        co_return erased.error();
    bool is_delete = call.method == "DELETE";
    if (!*erased && is_delete)
        co_return ErrorCode::not_found;
    net::Headers headers;
    headers.add("ETag", "\"0-0\"");
    if (!is_delete)
        headers.add("Location", document_location(call, id));
    co_return co_await call.send_json(200, written_text(id, "0-0"), std::move(headers));
}

Task<Result<void>> delete_local(Call &call) {
    auto id = document_id(call);
    auto legal = check_local_id(id);
    if (!legal.ok())
        co_return legal.error();
    co_return co_await erase_local_document(call, std::move(id));
}

Task<Result<void>> refuse_local_attachment(Call & /*call*/) {
    co_return Error(ErrorCode::bad_request, "_local documents do not accept attachments.");
}

Task<Result<void>> copy_local(Call &call) {
    auto destination = call.header("Destination");
    if (!destination)
        co_return Error(ErrorCode::bad_request, "Destination header is mandatory for COPY.");
    auto target = percent_decode(destination->substr(0, destination->find('?')), false).value_or("");
    if (!target.starts_with(kPrefix))
        co_return Error(ErrorCode::bad_request, "A local document is copied to `_local/` only.");
    auto id = document_id(call);
    auto found = co_await call.on_engine([&] { return call.database->local(id); });
    if (!found.ok())
        co_return found.error();
    if (!*found)
        co_return ErrorCode::not_found;
    auto json = std::move((*found)->json);
    co_return co_await write_local_document(call, std::move(target), std::move(json), std::nullopt, false);
}

} // namespace divan::api
