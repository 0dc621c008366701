#include "wire/related_reader.h"

#include "wire/header_values.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace divan::wire {
namespace {

// Which attachment a part is: a part that names one is believed; others come in the order of the members.
const AttachmentInput &attachment_of(const net::Headers &part, const std::vector<AttachmentInput> &following,
                                     std::size_t number) {
    auto disposition = part.find("Content-Disposition").value_or("");
    auto name = disposition_parameter(disposition, "filename").value_or(following[number].name);
    auto named =
        std::find_if(following.begin(), following.end(), [&](const auto &a) { return a.name == name; });
    return named == following.end() ? following[number] : *named;
}

void set_data(PreparedDocument &prepared, const std::string &name, StoredPart stored) {
    auto &attachments = prepared.edit.attachments;
    auto edit =
        std::find_if(attachments.begin(), attachments.end(), [&](const auto &a) { return a.name == name; });
    edit->data = std::move(stored.data);
    prepared.sinks.push_back(std::move(stored.sink));
}

} // namespace

Task<Result<StoredPart>> store_part(net::MultipartReader &reader, const config::Config &config,
                                    db::Database &database, Executor &pool, Executor &home, std::string name,
                                    std::string content_type, bool gzip) {
    auto sink = co_await run_on(
        pool, home, [&] { return AttachmentSink::open(config, database, name, content_type, gzip); });
    if (!sink.ok())
        co_return sink.error();
    auto poured = co_await pour(pool, home, reader, **sink);
    if (!poured.ok())
        co_return poured.error();
    auto stored = co_await run_on(pool, home, [&] { return (*sink)->finish(); });
    if (!stored.ok())
        co_return stored.error();
    StoredPart part{std::move(*stored), std::move(*sink)};
    co_return std::move(part);
}

Task<Result<PreparedDocument>> read_related(net::MultipartReader &reader, const config::Config &config,
                                            db::Database &database, Executor &pool, Executor &home,
                                            DocumentInput input, bool replicated, bool alone) {
    std::vector<AttachmentInput> following;
    for (const auto &attachment : input.attachments)
        if (attachment.follows)
            following.push_back(attachment);
    auto prepared = co_await run_on(
        pool, home, [&] { return prepare_document(config, database, std::move(input), replicated); });
    if (!prepared.ok())
        co_return prepared.error();
    for (std::size_t i = 0; i < following.size(); ++i) {
        auto part = co_await reader.next_part();
        if (!part.ok())
            co_return part.error();
        if (!*part)
            co_return Error(ErrorCode::bad_request,
                            fmt::format("The multipart body ends before attachment {}.", following[i].name));
        const auto &wanted = attachment_of(**part, following, i);
        auto encoding = (**part).find("Content-Encoding");
        bool gzip = wanted.gzip || (encoding && *encoding == "gzip");
        auto stored =
            co_await store_part(reader, config, database, pool, home, wanted.name, wanted.content_type, gzip);
        if (!stored.ok())
            co_return stored.error();
        auto received_bytes = stored->sink->received_bytes();
        if (received_bytes != wanted.length.value_or(received_bytes))
            co_return Error(ErrorCode::bad_request,
                            fmt::format("Attachment {} has {} bytes, but its length was announced as {}.",
                                        wanted.name, received_bytes, *wanted.length));
        set_data(*prepared, wanted.name, std::move(*stored));
    }
    if (alone) {
        // Data that nothing would refer to is a mistake of the client: storing the rest would lose it
        // silently.
        auto last = co_await reader.next_part();
        if (!last.ok())
            co_return last.error();
        if (*last)
            co_return Error(ErrorCode::bad_request,
                            "The multipart body has more parts than `_attachments` has members that follow.");
    }
    co_return std::move(prepared);
}

} // namespace divan::wire
