#include "replication/remote_peer.h"

#include "base/encoding.h"
#include "replication/document_text.h"
#include "json/element_stream.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr Millis kHeartbeatMax{10'000};
constexpr std::size_t kReadBytes = 256 << 10;
// A wait ends after this: the feed is asked again, so that what its filter passed over is behind it.
constexpr Millis kWaitMax{300'000};

std::string encoded_sequence(const std::string &sequence) {
    auto value = json::parse(sequence);
    return percent_encode(value.ok() && value->is_string() ? value->string() : sequence);
}

Error not_understood(const Endpoint &endpoint, std::string_view what) {
    return {ErrorCode::bad_request,
            fmt::format("{} sends {} that cannot be understood.", endpoint.shown(), what)};
}

// {"seq":..,"id":..,"changes":[{"rev":..}],"deleted":true}
std::optional<ChangedDocument> read_row(const json::Value &row) {
    if (!row.is_object())
        return std::nullopt;
    const auto *id = row.object().find("id");
    const auto *changes = row.object().find("changes");
    if (id == nullptr || !id->is_string() || changes == nullptr || !changes->is_array())
        return std::nullopt;
    ChangedDocument document;
    document.id = id->string();
    for (const auto &change : changes->array()) {
        const auto *text = change.is_object() ? change.object().find("rev") : nullptr;
        if (text == nullptr || !text->is_string())
            return std::nullopt;
        auto rev = doc::RevId::parse(text->string());
        if (!rev.ok())
            return std::nullopt;
        document.revs.push_back(std::move(*rev));
    }
    const auto *deleted = row.object().find("deleted");
    document.deleted = deleted != nullptr && deleted->is_true();
    return document;
}

std::vector<doc::RevId> read_revs(const json::Object &object, std::string_view key) {
    std::vector<doc::RevId> revs;
    const auto *list = object.find(key);
    if (list == nullptr || !list->is_array())
        return revs;
    for (const auto &text : list->array())
        if (auto rev = doc::RevId::parse(text.is_string() ? text.string() : ""); rev.ok())
            revs.push_back(std::move(*rev));
    return revs;
}

std::string parameters(const json::Object &params, std::string_view taken) {
    std::string text;
    for (const auto &member : params) {
        if (taken.find("&" + member.key + "=") != std::string_view::npos)
            continue;
        text.append("&").append(percent_encode(member.key)).append("=");
        text.append(
            percent_encode(member.value.is_string() ? member.value.string() : json::to_text(member.value)));
    }
    return text;
}

} // namespace

Task<Result<PeerInfo>> RemotePeer::info() {
    auto answer = co_await remote_.ask(RemoteRequest());
    if (!answer.ok()) {
        if (answer.error().code() != ErrorCode::not_found)
            co_return answer.error();
        co_return Error(ErrorCode::internal_server_error, "db_not_found",
                        fmt::format("could not open {}", endpoint().shown()));
    }
    const auto *sequence = answer->is_object() ? answer->object().find("update_seq") : nullptr;
    if (sequence == nullptr)
        co_return Error(ErrorCode::internal_server_error, "db_not_found",
                        fmt::format("could not open {}", endpoint().shown()));
    PeerInfo info;
    info.update_seq = json::to_text(*sequence);
    const auto *started = answer->object().find("instance_start_time");
    info.instance_start_time = started != nullptr && started->is_string() ? started->string() : "0";
    co_return info;
}

Task<Result<void>> RemotePeer::create() {
    const auto &what = replication();
    RemoteRequest request;
    request.method = "PUT";
    auto add = [&](const std::string &text) {
        request.query.append(request.query.empty() ? "" : "&").append(text);
    };
    if (what.create_q)
        add(fmt::format("q={}", *what.create_q));
    if (what.create_n)
        add(fmt::format("n={}", *what.create_n));
    if (what.create_partitioned)
        add("partitioned=true");
    auto answer = co_await remote_.ask(std::move(request));
    if (answer.ok() || answer.error().code() == ErrorCode::precondition_failed)
        co_return Result<void>();
    // Who may not create it may still find it there.
    if (answer.error().code() == ErrorCode::unauthorized || answer.error().code() == ErrorCode::forbidden)
        co_return Result<void>();
    co_return answer.error();
}

Task<Result<std::optional<json::Object>>> RemotePeer::read_document(std::string id) {
    RemoteRequest request;
    request.path = document_path(id);
    auto answer = co_await remote_.ask(std::move(request));
    if (!answer.ok()) {
        if (answer.error().code() == ErrorCode::not_found)
            co_return std::optional<json::Object>();
        co_return answer.error();
    }
    if (!answer->is_object())
        co_return not_understood(endpoint(), "a document");
    co_return std::optional(std::move(answer->object()));
}

Task<Result<std::string>> RemotePeer::write_local(std::string id, json::Object document) {
    RemoteRequest request;
    request.method = "PUT";
    request.path = document_path(id);
    request.body = json::to_text(json::Value(std::move(document)));
    auto answer = co_await remote_.ask(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    const auto *rev = answer->is_object() ? answer->object().find("rev") : nullptr;
    if (rev == nullptr || !rev->is_string())
        co_return not_understood(endpoint(), "an answer to a write");
    co_return rev->string();
}

Task<Result<std::string>> RemotePeer::ensure_full_commit() {
    RemoteRequest request;
    request.method = "POST";
    request.path = "/_ensure_full_commit";
    request.headers.add("Content-Type", "application/json");
    auto answer = co_await remote_.ask(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    const auto *started = answer->is_object() ? answer->object().find("instance_start_time") : nullptr;
    co_return started != nullptr && started->is_string() ? started->string() : std::string("0");
}

// ---- changes

RemoteRequest RemotePeer::changes_request(const ChangesQuery &query) {
    // Often enough that the connection is not taken for dead.
    auto heartbeat = std::min(kHeartbeatMax, replication().tuning.connection_timeout / 3);
    RemoteRequest request;
    request.path = "/_changes";
    request.own_connection = true;
    request.query = fmt::format(
        "feed={}&style={}&since={}&limit={}&seq_interval={}&heartbeat={}", query.wait ? "longpoll" : "normal",
        replication().winning_revs_only ? "main_only" : "all_docs", encoded_sequence(query.since),
        query.rows_max, query.rows_max, heartbeat.count());
    const auto &filter = replication().filter;
    switch (filters_here_ ? Filter::Kind::none : filter.kind) {
    case Filter::Kind::none:
        break;
    case Filter::Kind::doc_ids: {
        request.method = "POST";
        request.query.append("&filter=_doc_ids");
        json::ObjectWriter writer(request.body);
        writer.value("doc_ids", json::Value(json::Array(filter.doc_ids.begin(), filter.doc_ids.end())));
        writer.close();
        break;
    }
    case Filter::Kind::selector: {
        request.method = "POST";
        request.query.append("&filter=_selector");
        json::ObjectWriter writer(request.body);
        writer.raw("selector", filter.selector);
        writer.close();
        break;
    }
    case Filter::Kind::function:
    case Filter::Kind::view:
        request.query.append("&filter=").append(percent_encode(filter.name));
        request.query.append(parameters(filter.query_params, "&" + request.query));
        break;
    }
    return request;
}

Task<Result<ChangesPage>> RemotePeer::read_changes(RemoteRequest request, std::size_t rows_max) {
    auto answer = co_await remote_.send(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    if ((*answer)->status() != 200) {
        auto error = co_await (*answer)->error();
        co_return error;
    }
    ChangesPage page;
    json::ElementStream stream("results");
    for (;;) {
        auto bytes = co_await (*answer)->read_some(kReadBytes);
        if (!bytes.ok())
            co_return bytes.error();
        if (bytes->empty())
            break;
        if (!stream.feed(*bytes).ok())
            co_return not_understood(endpoint(), "a changes feed");
        while (auto text = stream.next()) {
            auto value = json::parse(*text);
            auto row = value.ok() ? read_row(*value) : std::nullopt;
            if (!row)
                co_return not_understood(endpoint(), "a changes feed");
            page.changes.push_back(std::move(*row));
        }
    }
    auto rest = stream.finish();
    const auto *last = rest.ok() && rest->is_object() ? rest->object().find("last_seq") : nullptr;
    // A feed that breaks off is what a network does: worth another try.
    if (last == nullptr)
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("The changes feed of {} ends before its end.", endpoint().shown()));
    page.last = json::to_text(*last);
    const auto *pending = rest->object().find("pending");
    if (pending != nullptr && pending->as_int64().value_or(-1) >= 0)
        page.pending = static_cast<std::uint64_t>(*pending->as_int64());
    page.end = page.changes.size() < rows_max;
    co_return page;
}

Task<Result<ChangesPage>> RemotePeer::changes(ChangesQuery query) {
    auto &context = remote_.context();
    const auto &ids = replication().filter.doc_ids;
    std::uint64_t attempts = 0;
    for (;;) {
        // A wait has an end of its own.
        Cancellation waiting;
        Cancellation *ended_by = &context.cancellation;
        bool over = false;
        auto stopped = context.cancellation.on_cancel([&] { waiting.cancel(); });
        std::unique_ptr<EventLoop::Timer> timer;
        if (query.wait) {
            ended_by = &waiting;
            timer = context.context.loop.after(kWaitMax, [&] {
                over = true;
                waiting.cancel();
            });
        }
        auto request = changes_request(query);
        request.cancellation = ended_by;
        auto page = co_await read_changes(std::move(request), query.rows_max);
        if (page.ok()) {
            if (filters_here_)
                std::erase_if(page->changes, [&](const auto &change) {
                    return !std::binary_search(ids.begin(), ids.end(), change.id);
                });
            co_return page;
        }
        if (over && !context.cancellation.cancelled()) {
            query.wait = false;
            continue;
        }
        // Old servers have no POST here: then the ids are looked for in the whole feed.
        if (page.error().code() == ErrorCode::method_not_allowed && !ids.empty() && !filters_here_) {
            filters_here_ = true;
            continue;
        }
        if (page.error().code() != ErrorCode::service_unavailable &&
            page.error().code() != ErrorCode::request_timeout)
            co_return page.error();
        auto again = co_await remote_.wait_to_retry(++attempts, page.error());
        if (!again.ok())
            co_return again.error();
        if (!*again)
            co_return page.error();
    }
}

// ---- what is missing

Task<Result<std::vector<MissingDocument>>>
RemotePeer::revs_diff(const std::vector<ChangedDocument> &changes) {
    RemoteRequest request;
    request.method = "POST";
    request.path = "/_revs_diff";
    json::ObjectWriter writer(request.body);
    for (const auto &change : changes) {
        json::Array revs;
        for (const auto &rev : change.revs)
            revs.emplace_back(rev.text());
        writer.value(change.id, json::Value(std::move(revs)));
    }
    writer.close();
    auto answer = co_await remote_.ask(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    if (!answer->is_object())
        co_return not_understood(endpoint(), "an answer to _revs_diff");
    std::vector<MissingDocument> missing;
    for (const auto &member : answer->object()) {
        if (!member.value.is_object())
            co_return not_understood(endpoint(), "an answer to _revs_diff");
        MissingDocument document{member.key, read_revs(member.value.object(), "missing"),
                                 read_revs(member.value.object(), "possible_ancestors")};
        if (!document.revs.empty())
            missing.push_back(std::move(document));
    }
    co_return missing;
}

std::unique_ptr<Peer> make_remote_peer(PeerContext context, const Endpoint &endpoint) {
    return std::make_unique<RemotePeer>(context, endpoint);
}

} // namespace divan::replication
