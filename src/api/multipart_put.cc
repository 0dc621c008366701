#include "api/document_handlers.h"
#include "net/multipart.h"
#include "wire/related_reader.h"
#include "json/parser.h"

namespace divan::api {

// The first part is the document; the others are its attachments that follow.
Task<Result<void>> put_multipart(Call &call) {
    auto boundary = net::multipart_boundary(*call.header("Content-Type"));
    net::MultipartReader reader(call.exchange().body(), *boundary);
    auto first = co_await reader.next_part();
    if (!first.ok())
        co_return first.error();
    if (!*first)
        co_return Error(ErrorCode::bad_request, "The multipart body has no document.");
    auto text = co_await reader.read_all(
        static_cast<std::size_t>(call.services().config.integer("chttpd", "max_http_request_size")));
    if (!text.ok())
        co_return text.error();
    auto value = json::parse(*text, call.json_options(1));
    if (!value.ok())
        co_return value.error();
    auto input = wire::read_document(*value);
    if (!input.ok())
        co_return input.error();
    input->id = document_id(call);
    auto rev = requested_rev(call);
    if (!rev.ok())
        co_return rev.error();
    if (*rev) {
        if (input->rev && *input->rev != **rev)
            co_return Error(ErrorCode::bad_request,
                            "Document rev from request body and query string have different values");
        input->rev = std::move(*rev);
    }
    auto new_edits = call.query.find("new_edits");
    bool replicated = new_edits && *new_edits == "false";
    auto prepared = co_await wire::read_related(reader, call.services().config, *call.database,
                                                call.services().engine_pool, call.exchange().executor(),
                                                std::move(*input), replicated);
    if (!prepared.ok())
        co_return prepared.error();
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

} // namespace divan::api
