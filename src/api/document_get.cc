#include "api/document_handlers.h"
#include "api/parameters.h"
#include "base/encoding.h"
#include "db/store.h"
#include "doc/document_id.h"
#include "telemetry/metrics.h"
#include "wire/related_writer.h"

namespace divan::api {
namespace {

net::Headers etag_headers(std::string etag) {
    net::Headers headers;
    headers.add("ETag", std::move(etag));
    return headers;
}

Task<Result<void>> send_not_modified(Call &call, std::string etag) {
    net::ResponseHead head;
    head.status = 304;
    head.headers.add("ETag", std::move(etag));
    co_return co_await call.send(std::move(head), std::string());
}

// `_design%2Fx` is another spelling of `_design/x`: the client is sent there.
std::optional<std::string> canonical_location(const Call &call, std::string_view id) {
    auto path = call.head().raw_path();
    if (!doc::is_design_id(id) || path.find("_design/") != std::string_view::npos)
        return std::nullopt;
    auto query = call.head().raw_query();
    auto location = call.base_url() + "/" + percent_encode(call.path_parameter("db")) + "/_design/" +
                    percent_encode(id.substr(std::string_view("_design/").size()));
    return location + (query.empty() ? "" : "?" + std::string(query));
}

// What was found for a GET that asks for more than the winner's body.
struct Found {
    wire::WrittenDocument document;
    doc::RevId rev;
};

// `head`: the document's, if it was read already.
Result<Found> find_revision(db::Database &database, const std::string &id, std::optional<db::Head> head,
                            const std::optional<doc::RevId> &rev, bool latest,
                            const wire::DocumentOptions &options) {
    if (!head) {
        DIVAN_TRY(head, database.head(id));
    }
    if (!head)
        return ErrorCode::not_found;
    DIVAN_TRY(auto tree, database.tree(*head));
    doc::Leaf leaf;
    if (rev && latest) {
        leaf = tree.winner(); // whatever the revision, as fabric:open_doc does
    } else if (rev) {
        auto info = tree.find(*rev);
        if (!info)
            return ErrorCode::not_found;
        leaf = {*rev, *info};
    } else {
        leaf = tree.winner();
        if (leaf.info.deleted)
            return Error(ErrorCode::not_found, "deleted");
    }
    DIVAN_TRY(auto document, wire::write_document(database, *head, tree, leaf, options));
    return Found{std::move(document), std::move(leaf.rev)};
}

Task<Result<void>> send_plain(Call &call, const db::Head &head) {
    auto etag = document_etag(*call.database, head.rev);
    if (etag_matches(call, etag)) {
        co_return co_await send_not_modified(call, std::move(etag));
    }
    auto text = wire::plain_document_json(head, *head.body);
    co_return co_await call.send_json(200, std::move(text), etag_headers(std::move(etag)));
}

} // namespace

std::string new_boundary(Call &call) {
    return hex_encode(call.services().random.bytes(16));
}

Task<Result<void>> write_related(Call &call, wire::WrittenDocument document, std::string boundary) {
    wire::RelatedWriter writer(*call.database, std::move(document), std::move(boundary));
    while (!writer.done()) {
        auto text = co_await call.on_engine([&] { return writer.next(); });
        if (!text.ok())
            co_return text.error();
        auto written = co_await call.response().write(std::move(*text));
        if (!written.ok())
            co_return written.error();
    }
    co_return Result<void>();
}

Task<Result<void>> get_document(Call &call) {
    auto id = document_id(call);
    call.services().metrics.count(telemetry::Metric::database_reads);
    if (auto location = canonical_location(call, id)) {
        net::ResponseHead redirect;
        redirect.status = 301;
        redirect.headers.add("Location", *location);
        co_return co_await call.send(std::move(redirect), std::string());
    }
    if (id.starts_with("_local/") || id == "_local") {
        co_return co_await get_local(call);
    }
    if (!db::check_document_id(id).ok())
        co_return ErrorCode::not_found; // no such document can be
    auto parsed = document_options(call.query);
    if (!parsed.ok())
        co_return parsed.error();
    auto options = std::move(*parsed);
    if (auto open_revs = call.query.find("open_revs"); open_revs && *open_revs != "[]") {
        co_return co_await get_open_revs(call, std::move(options));
    }
    std::optional<doc::RevId> rev;
    if (auto text = call.query.find("rev")) {
        auto parsed_rev = doc::RevId::parse(*text);
        if (!parsed_rev.ok())
            co_return parsed_rev.error();
        rev = std::move(*parsed_rev);
    }

    std::optional<db::Head> known;
    if (!rev && options.plain()) {
        Result<std::optional<db::Head>> head = std::optional<db::Head>();
        if (!call.database->head_cached(id, head))
            head = co_await call.on_engine([&] { return call.database->head(id); });
        if (!head.ok())
            co_return head.error();
        if (!*head)
            co_return ErrorCode::not_found;
        if ((*head)->deleted)
            co_return Error(ErrorCode::not_found, "deleted");
        if ((*head)->body) {
            co_return co_await send_plain(call, **head);
        }
        known = std::move(*head);
    }

    bool related = (options.attachments || options.atts_since) && accepts(call, "multipart/related");
    options.follows = related;
    bool latest = is_true(call.query, "latest");
    if (rev) // what is told of the whole document belongs to the winner
        options.conflicts = options.deleted_conflicts = options.revs_info = options.local_seq = false;
    auto found = co_await call.on_engine(
        [&] { return find_revision(*call.database, id, std::move(known), rev, latest, options); });
    if (!found.ok())
        co_return found.error();
    net::Headers headers;
    if (!found->document.has_meta) {
        auto etag = document_etag(*call.database, found->rev);
        if (etag_matches(call, etag)) {
            co_return co_await send_not_modified(call, std::move(etag));
        }
        headers = etag_headers(std::move(etag));
    }
    if (found->document.following.empty()) {
        co_return co_await call.send_json(200, std::move(found->document.json), std::move(headers));
    }
    auto boundary = new_boundary(call);
    net::ResponseHead head;
    head.headers = std::move(headers);
    head.headers.add("Content-Type", "multipart/related; boundary=\"" + boundary + "\"");
    auto started = co_await call.start(std::move(head));
    if (!started.ok())
        co_return started.error();
    auto written = co_await write_related(call, std::move(found->document), std::move(boundary));
    if (!written.ok())
        co_return written.error();
    co_return co_await call.response().finish();
}

} // namespace divan::api
