#include "wire/related_reader.h"

#include "wire/header_values.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::wire {
namespace {

// Streams the attachment that `source` is at. `content_bytes`: of what comes as gzip, how many it inflates
// to.
template <typename Source>
Task<Result<StoredPart>> store(Source &source, const config::Config &config, db::Database &database,
                               Executor &pool, Executor &home, std::string name, std::string content_type,
                               bool gzip, std::optional<std::uint64_t> content_bytes) {
    auto sink = co_await run_on(
        pool, home, [&] { return AttachmentSink::open(config, database, name, content_type, gzip); });
    if (!sink.ok())
        co_return sink.error();
    auto poured = co_await pour(pool, home, source, **sink);
    if (!poured.ok())
        co_return poured.error();
    auto stored = co_await run_on(pool, home, [&] { return (*sink)->finish(content_bytes); });
    if (!stored.ok())
        co_return stored.error();
    StoredPart part{std::move(*stored), std::move(*sink)};
    co_return std::move(part);
}

void set_data(PreparedDocument &prepared, const std::string &name, StoredPart stored) {
    auto &attachments = prepared.edit.attachments;
    auto edit =
        std::find_if(attachments.begin(), attachments.end(), [&](const auto &a) { return a.name == name; });
    edit->data = std::move(stored.data);
    prepared.sinks.push_back(std::move(stored.sink));
}

} // namespace

FollowingParts::FollowingParts(net::MultipartReader &reader, const DocumentInput &document)
    : reader_(reader) {
    for (const auto &attachment : document.attachments)
        if (attachment.follows)
            following_.push_back({attachment.name, attachment.gzip});
}

Task<Result<std::optional<AttachmentStream::Following>>> FollowingParts::next() {
    if (at_ == following_.size())
        co_return std::optional<Following>();
    auto part = co_await reader_.next_part();
    if (!part.ok())
        co_return part.error();
    auto following = following_[at_];
    if (!*part)
        co_return Error(ErrorCode::bad_request,
                        fmt::format("The multipart body ends before attachment {}.", following.name));
    auto disposition = (**part).find("Content-Disposition").value_or("");
    auto name = disposition_parameter(disposition, "filename").value_or(following.name);
    auto named =
        std::find_if(following_.begin(), following_.end(), [&](const auto &one) { return one.name == name; });
    if (named != following_.end())
        following = *named;
    auto encoding = (**part).find("Content-Encoding");
    following.gzip |= encoding && *encoding == "gzip";
    ++at_;
    co_return std::optional(std::move(following));
}

Task<Result<StoredPart>> store_part(net::MultipartReader &reader, const config::Config &config,
                                    db::Database &database, Executor &pool, Executor &home, std::string name,
                                    std::string content_type, bool gzip) {
    std::optional<std::uint64_t> unknown;
    auto stored = co_await store(reader, config, database, pool, home, std::move(name),
                                 std::move(content_type), gzip, unknown);
    co_return std::move(stored);
}

Task<Result<PreparedDocument>> store_following(AttachmentStream &data, const config::Config &config,
                                               db::Database &database, Executor &pool, Executor &home,
                                               DocumentInput input, bool replicated) {
    auto inputs = input.attachments;
    auto prepared = co_await run_on(
        pool, home, [&] { return prepare_document(config, database, std::move(input), replicated); });
    if (!prepared.ok())
        co_return prepared.error();
    for (;;) {
        auto next = co_await data.next();
        if (!next.ok())
            co_return next.error();
        if (!*next)
            co_return std::move(prepared);
        const auto &wanted = *std::find_if(inputs.begin(), inputs.end(),
                                           [&](const auto &one) { return one.name == (**next).name; });
        auto content_bytes = (**next).gzip ? wanted.content_length : std::optional<std::uint64_t>();
        auto stored = co_await store(data, config, database, pool, home, wanted.name, wanted.content_type,
                                     (**next).gzip, content_bytes);
        if (!stored.ok())
            co_return stored.error();
        auto received_bytes = stored->sink->received_bytes();
        if (received_bytes != wanted.length.value_or(received_bytes))
            co_return Error(ErrorCode::bad_request,
                            fmt::format("Attachment {} has {} bytes, but its length was announced as {}.",
                                        wanted.name, received_bytes, *wanted.length));
        set_data(*prepared, wanted.name, std::move(*stored));
    }
}

Task<Result<PreparedDocument>> read_related(net::MultipartReader &reader, const config::Config &config,
                                            db::Database &database, Executor &pool, Executor &home,
                                            DocumentInput input, bool replicated) {
    FollowingParts data(reader, input);
    auto prepared =
        co_await store_following(data, config, database, pool, home, std::move(input), replicated);
    if (!prepared.ok())
        co_return prepared.error();
    // Data that nothing would refer to is a mistake of the client: storing the rest would lose it silently.
    auto last = co_await reader.next_part();
    if (!last.ok())
        co_return last.error();
    if (*last)
        co_return Error(ErrorCode::bad_request,
                        "The multipart body has more parts than `_attachments` has members that follow.");
    co_return std::move(prepared);
}

} // namespace divan::wire
