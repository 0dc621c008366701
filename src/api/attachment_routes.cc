#include "api/browser_headers.h"
#include "api/document_handlers.h"
#include "api/router.h"
#include "base/encoding.h"
#include "config/config.h"
#include "db/store.h"
#include "net/multipart.h"
#include "wire/header_values.h"
#include "wire/revision_selection.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace divan::api {
namespace {

constexpr std::size_t kRangesMax = 9; // more are answered with everything, as chttpd does

struct Found {
    db::Attachment attachment;
};

Result<Found> find_attachment(db::Database &database, const std::string &id, const std::string &name,
                              const std::optional<doc::RevId> &rev) {
    DIVAN_TRY(auto body, wire::read_revision(database, id, rev));
    for (auto &attachment : body.attachments)
        if (attachment.name == name)
            return Found{std::move(attachment)};
    return Error(ErrorCode::not_found, "Document is missing attachment");
}

bool accepts_gzip(const Call &call) {
    auto header = call.header("Accept-Encoding");
    return header && header->find("gzip") != std::string_view::npos &&
           header->find("gzip;q=0") == std::string_view::npos;
}

// Writes stored bytes [first, last], inflated on the way if `inflate`.
Task<Result<void>> stream(Call &call, const db::StoredData &data, std::uint64_t first, std::uint64_t count,
                          bool inflate) {
    auto reader = call.database->open_attachment(data, first);
    net::GzipReader inflater;
    while (count > 0) {
        auto part = co_await call.on_engine([&]() -> Result<std::string> {
            DIVAN_TRY(auto bytes, reader->read_some());
            if (bytes.size() > count)
                bytes.resize(static_cast<std::size_t>(count));
            count -= bytes.size();
            if (bytes.empty() && count > 0)
                return ErrorCode::corruption;
            return inflate ? inflater.read(bytes, std::numeric_limits<std::size_t>::max())
                           : Result<std::string>(std::move(bytes));
        });
        if (!part.ok())
            co_return part.error();
        auto written = co_await call.response().write(std::move(*part));
        if (!written.ok())
            co_return written.error();
    }
    co_return Result<void>();
}

Task<Result<void>> stream_ranges(Call &call, const db::Attachment &attachment,
                                 const std::vector<net::ByteRange> &ranges, std::string boundary) {
    auto total = attachment.data.stored_bytes;
    std::string text;
    for (const auto &range : ranges) {
        text.append(&range == &ranges.front() ? "--" : "\r\n--").append(boundary);
        text.append("\r\nContent-Type: ").append(wire::header_content_type(attachment.content_type));
        text.append(fmt::format("\r\nContent-Range: bytes {}-{}/{}\r\n\r\n", range.first, range.last, total));
        auto written = co_await call.response().write(std::move(text));
        if (written.ok())
            written =
                co_await stream(call, attachment.data, range.first, range.last - range.first + 1, false);
        if (!written.ok())
            co_return written.error();
        text.clear();
    }
    text.append("\r\n--").append(boundary).append("--");
    co_return co_await call.response().write(std::move(text));
}

Task<Result<void>> finish_stream(Call &call, Result<void> written) {
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

Task<Result<void>> send_attachment(Call &call, const db::Attachment &attachment) {
    const auto &data = attachment.data;
    net::ResponseHead head;
    auto etag = "\"" + base64_encode(data.md5) + "\"";
    head.headers.add("ETag", etag);
    if (etag_matches(call, etag)) {
        head.status = 304;
        co_return co_await call.send(std::move(head), std::string());
    }
    if (auto policy = content_security_policy(call.services().config, "attachments"))
        head.headers.add("Content-Security-Policy", std::move(*policy));
    bool gzipped = data.encoding == db::Encoding::gzip;
    head.headers.add("Accept-Ranges", gzipped ? "none" : "bytes");
    if (gzipped) {
        head.headers.add("Content-Type", wire::header_content_type(attachment.content_type));
        bool raw = accepts_gzip(call);
        if (raw)
            head.headers.add("Content-Encoding", "gzip");
        std::optional<std::uint64_t> length = data.stored_bytes;
        if (!raw)
            length.reset();
        if (!raw && data.content_bytes != data.stored_bytes)
            length = data.content_bytes;
        auto started = co_await call.start(std::move(head), length);
        if (!started.ok())
            co_return started.error();
        auto written = co_await stream(call, data, 0, data.stored_bytes, !raw);
        co_return co_await finish_stream(call, std::move(written));
    }
    auto range_header = call.header("Range");
    std::optional<std::vector<net::ByteRange>> ranges;
    if (range_header) {
        auto parsed = net::parse_range(*range_header, data.stored_bytes);
        if (!parsed.ok()) {
            call.common_headers.add("Content-Range", fmt::format("bytes */{}", data.stored_bytes));
            co_return parsed.error();
        }
        ranges = std::move(*parsed);
    }
    bool whole = !ranges || ranges->size() > kRangesMax || *range_header == "bytes=0-";
    if (whole) {
        head.headers.add("Content-Type", wire::header_content_type(attachment.content_type));
        if (auto digest = data.md5; !digest.empty())
            head.headers.add("Content-MD5", base64_encode(digest));
        auto started = co_await call.start(std::move(head), data.stored_bytes);
        if (!started.ok())
            co_return started.error();
        auto written = co_await stream(call, data, 0, data.stored_bytes, false);
        co_return co_await finish_stream(call, std::move(written));
    }
    head.status = 206;
    if (ranges->size() == 1) {
        auto range = ranges->front();
        auto count = range.last - range.first + 1;
        head.headers.add("Content-Type", wire::header_content_type(attachment.content_type));
        head.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", range.first, range.last, data.stored_bytes));
        auto started = co_await call.start(std::move(head), count);
        if (!started.ok())
            co_return started.error();
        auto written = co_await stream(call, data, range.first, count, false);
        co_return co_await finish_stream(call, std::move(written));
    }
    auto boundary = new_boundary(call);
    head.headers.add("Content-Type", "multipart/byteranges; boundary=\"" + boundary + "\"");
    auto started = co_await call.start(std::move(head));
    if (!started.ok())
        co_return started.error();
    auto written = co_await stream_ranges(call, attachment, *ranges, std::move(boundary));
    co_return co_await finish_stream(call, std::move(written));
}

Task<Result<void>> get_attachment(Call &call) {
    auto id = document_id(call);
    auto name = call.path_parameter("attname");
    std::optional<doc::RevId> rev;
    if (auto text = call.query.find("rev")) {
        auto parsed = doc::RevId::parse(*text);
        if (!parsed.ok())
            co_return parsed.error();
        rev = std::move(*parsed);
    }
    auto found = co_await call.on_engine([&] { return find_attachment(*call.database, id, name, rev); });
    if (!found.ok())
        co_return found.error();
    co_return co_await send_attachment(call, found->attachment);
}

// The revision that an attachment's edit builds on, with the other attachments as stubs.
struct Base {
    db::Edit edit;
    bool had_name = false;
};

Result<Base> read_base(db::Database &database, const std::string &id, const std::string &name,
                       const std::optional<doc::RevId> &rev, bool removing) {
    Base base;
    base.edit.id = id;
    DIVAN_TRY(auto head, database.head(id));
    if (!head) {
        if (rev)
            return ErrorCode::missing_revision;
        if (removing)
            return ErrorCode::not_found;
        return base;
    }
    DIVAN_TRY(auto tree, database.tree(*head));
    auto leaf = tree.winner();
    if (!rev) {
        // Without a revision only a document that is not there can be written.
        if (!leaf.info.deleted)
            return ErrorCode::conflict;
        return base;
    }
    auto info = tree.find(*rev);
    if (!info)
        return removing ? Result<Base>(ErrorCode::not_found) : Result<Base>(ErrorCode::conflict);
    DIVAN_TRY(auto body, database.body(*head, *rev, *info));
    base.edit.parent = rev;
    if (!body)
        return base;
    base.edit.json = std::move(body->json);
    for (const auto &attachment : body->attachments) {
        if (attachment.name == name) {
            base.had_name = true;
            continue;
        }
        base.edit.attachments.push_back(
            {attachment.name, attachment.content_type, std::nullopt, std::nullopt});
    }
    return base;
}

Task<Result<void>> put_attachment(Call &call) {
    auto id = document_id(call);
    auto name = call.path_parameter("attname");
    auto named = wire::check_attachment_name(name);
    if (!named.ok())
        co_return named.error();
    auto legal = call.database->check_id(id);
    if (!legal.ok())
        co_return legal.error();
    auto rev = requested_rev(call);
    if (!rev.ok())
        co_return rev.error();
    auto encoding = call.header("Content-Encoding").value_or("identity");
    bool gzip = net::equal_without_case(encoding, "gzip");
    if (!gzip && !net::equal_without_case(encoding, "identity"))
        co_return Error(ErrorCode::bad_encoding, "Only gzip and identity content-encodings are supported");
    std::string content_type(call.header("Content-Type").value_or("application/octet-stream"));
    if (!is_utf8(content_type))
        co_return Error(ErrorCode::bad_request, "The Content-Type header is not UTF-8 encoded.");
    auto length = call.exchange().body().length();
    if (length && *length > static_cast<std::uint64_t>(
                                call.services().config.integer("couchdb", "max_attachment_size")))
        co_return Error(ErrorCode::attachment_too_large, name);
    auto sink = co_await call.on_engine([&] {
        return wire::AttachmentSink::open(call.services().config, *call.database, name, content_type, gzip);
    });
    if (!sink.ok())
        co_return sink.error();
    auto poured = co_await wire::pour(call.services().engine_pool, call.exchange().executor(),
                                      call.exchange().body(), **sink);
    if (!poured.ok())
        co_return poured.error();
    auto prepared = co_await call.on_engine([&]() -> Result<wire::PreparedDocument> {
        DIVAN_TRY(auto stored, (*sink)->finish());
        DIVAN_TRY(auto base, read_base(*call.database, id, name, *rev, false));
        base.edit.attachments.push_back({name, content_type, std::move(stored), std::nullopt});
        wire::PreparedDocument ready;
        ready.edit = std::move(base.edit);
        return ready;
    });
    if (!prepared.ok())
        co_return prepared.error();
    prepared->sinks.push_back(std::move(*sink));
    auto answered = co_await commit_and_answer(call, std::move(*prepared));
    co_return answered;
}

Task<Result<void>> delete_attachment(Call &call) {
    auto id = document_id(call);
    auto name = call.path_parameter("attname");
    auto rev = requested_rev(call);
    if (!rev.ok())
        co_return rev.error();
    auto base = co_await call.on_engine([&] { return read_base(*call.database, id, name, *rev, true); });
    if (!base.ok())
        co_return base.error();
    if (!base->had_name)
        co_return Error(ErrorCode::not_found, "Document is missing attachment");
    wire::PreparedDocument prepared;
    prepared.edit = std::move(base->edit);
    auto answered = co_await commit_and_answer(call, std::move(prepared));
    co_return answered;
}

} // namespace

std::vector<Route> attachment_routes() {
    std::vector<Route> routes;
    constexpr auto kReader = access::Permission::database_reader;
    for (std::string_view pattern : {"/{db}/{docid}/{attname...}", "/{db}/_design/{ddoc}/{attname...}"}) {
        const auto writer = writer_of(pattern);
        routes.push_back({"DELETE",
                          pattern,
                          writer,
                          delete_attachment,
                          "Removes an attachment.",
                          {{"rev", "string", "The document's revision."}}});
        routes.push_back({"GET",
                          pattern,
                          kReader,
                          get_attachment,
                          "The bytes of an attachment.",
                          {{"rev", "string", "The document's revision."}}});
        routes.push_back({"PUT",
                          pattern,
                          writer,
                          put_attachment,
                          "Stores an attachment.",
                          {{"rev", "string", "The document's revision."}}});
    }
    return routes;
}

} // namespace divan::api
