#include "api/document_handlers.h"
#include "api/multipart_parts.h"
#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {

// The first part is the document; the others are its attachments that follow, in the order of the
// members or by the name that the part gives.
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
    auto input = read_document(*value);
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
    std::vector<AttachmentInput> following;
    for (const auto &attachment : input->attachments)
        if (attachment.follows)
            following.push_back(attachment);
    auto new_edits = call.query.find("new_edits");
    bool replicated = new_edits && *new_edits == "false";
    auto prepared = co_await call.on_engine([&] {
        return prepare_document(call.services().config, *call.database, std::move(*input), replicated);
    });
    if (!prepared.ok())
        co_return prepared.error();

    for (std::size_t i = 0; i < following.size(); ++i) {
        auto part = co_await reader.next_part();
        if (!part.ok())
            co_return part.error();
        if (!*part)
            co_return Error(ErrorCode::bad_request,
                            fmt::format("The multipart body ends before attachment {}.", following[i].name));
        // A part that names its attachment is believed; others come in the order of the members.
        auto disposition = (**part).find("Content-Disposition").value_or("");
        auto name = disposition_parameter(disposition, "filename").value_or(following[i].name);
        auto wanted =
            std::find_if(following.begin(), following.end(), [&](const auto &a) { return a.name == name; });
        if (wanted == following.end())
            wanted = following.begin() + static_cast<std::ptrdiff_t>(i);
        auto edit = std::find_if(prepared->edit.attachments.begin(), prepared->edit.attachments.end(),
                                 [&](const auto &a) { return a.name == wanted->name; });
        auto encoding = (**part).find("Content-Encoding");
        bool gzip = wanted->gzip || (encoding && *encoding == "gzip");
        auto stored = co_await store_part(call, reader, wanted->name, wanted->content_type, gzip);
        if (!stored.ok())
            co_return stored.error();
        auto received_bytes = stored->sink->received_bytes();
        if (received_bytes != wanted->length.value_or(received_bytes))
            co_return Error(ErrorCode::bad_request,
                            fmt::format("Attachment {} has {} bytes, but its length was announced as {}.",
                                        wanted->name, received_bytes, *wanted->length));
        edit->data = std::move(stored->data);
        prepared->sinks.push_back(std::move(stored->sink));
    }
    // Data that nothing would refer to is a mistake of the client: storing the rest would lose it silently.
    auto last = co_await reader.next_part();
    if (!last.ok())
        co_return last.error();
    if (*last)
        co_return Error(ErrorCode::bad_request,
                        "The multipart body has more parts than `_attachments` has members that follow.");
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

} // namespace divan::api
