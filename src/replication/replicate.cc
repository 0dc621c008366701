#include "replication/replicate.h"

#include "replication/peer.h"
#include "replication/rights.h"
#include "replication/session.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::replication {
namespace {

// "ddoc/name" of a filter function that a design document has.
bool is_function(const Filter &filter) {
    return filter.kind == Filter::Kind::function && filter.name.find('/') != std::string::npos;
}

} // namespace

std::string session_result_json(const SessionResult &result) {
    json::Object answer;
    answer.append("ok", true);
    for (const auto &member : result.checkpoint)
        answer.set(member.key, member.value);
    return json::to_text(json::Value(std::move(answer)));
}

Task<Result<ReplicationId>> identify(Context &context, const Replication &replication,
                                     Cancellation &cancellation) {
    if (!is_function(replication.filter))
        co_return replication_id(replication, context.server_uuid, std::string_view());
    auto principal = co_await current_principal(context, replication);
    if (!principal.ok())
        co_return principal.error();
    auto as_now = replication;
    as_now.principal = std::move(*principal);
    auto slash = replication.filter.name.find('/');
    auto design_id = "_design/" + replication.filter.name.substr(0, slash);
    auto function = replication.filter.name.substr(slash + 1);
    Progress progress;
    PeerContext peer_context{context, as_now, progress, cancellation};
    std::unique_ptr<Peer> peer;
    if (replication.source.local()) {
        auto opened = co_await open_local_peer(peer_context, replication.source, Cause::source);
        if (!opened.ok())
            co_return opened.error();
        peer = std::move(*opened);
        auto info = co_await peer->info();
        if (!info.ok())
            co_return info.error();
    } else {
        peer = make_remote_peer(peer_context, replication.source);
    }
    auto document = co_await peer->read_document(design_id);
    if (!document.ok())
        co_return document.error();
    const auto *filters = *document ? (*document)->find("filters") : nullptr;
    const auto *source =
        filters != nullptr && filters->is_object() ? filters->object().find(function) : nullptr;
    if (source == nullptr || !source->is_string())
        co_return Error(
            ErrorCode::not_found,
            fmt::format("Couldn't open document `{}` of source database `{}`, or it has no filter `{}`.",
                        design_id, replication.source.shown(), function));
    co_return replication_id(replication, context.server_uuid, source->string());
}

Task<SessionEnd> replicate(Context &context, const Replication &replication, const ReplicationId &id,
                           Progress &progress, Cancellation &cancellation) {
    auto principal = co_await current_principal(context, replication);
    if (!principal.ok())
        co_return Failure{principal.error()};
    auto as_now = replication;
    as_now.principal = std::move(*principal);
    Cancellation inner;
    auto forwarded = cancellation.on_cancel([&inner] { inner.cancel(); });
    if (cancellation.cancelled())
        inner.cancel();
    RightsWatch watch(context, as_now, inner);
    TaskGroup watching(context.loop);
    watching.start(watch.run());
    Session session(context, as_now, id, progress, inner);
    auto end = co_await session.run();
    watch.stop();
    co_await watching.join();
    if (watch.lost() && !cancellation.cancelled())
        co_return Failure{rights_changed(as_now.principal)};
    co_return end;
}

} // namespace divan::replication
