#include "cli/leaf_verification.h"

#include "replication/remote_database.h"
#include "json/element_stream.h"
#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace divan::cli {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;
constexpr const char *kFeed = "style=all_docs&since=0&seq_interval=1000&heartbeat=10000";

using TakeLeaves = std::function<void(const DocumentLeaves &)>;

Error not_understood(const replication::RemoteDatabase &database) {
    return {ErrorCode::bad_request,
            fmt::format("{} sends a changes feed that cannot be understood.", database.endpoint().shown())};
}

std::optional<DocumentLeaves> read_row(const std::string &text) {
    auto row = json::parse(text);
    if (!row.ok() || !row->is_object())
        return std::nullopt;
    const auto *id = row->object().find("id");
    const auto *changes = row->object().find("changes");
    if (id == nullptr || !id->is_string() || changes == nullptr || !changes->is_array())
        return std::nullopt;
    DocumentLeaves leaves;
    leaves.id = id->string();
    for (const auto &change : changes->array()) {
        const auto *rev = change.is_object() ? change.object().find("rev") : nullptr;
        if (rev == nullptr || !rev->is_string())
            return std::nullopt;
        leaves.revs.push_back(rev->string());
    }
    const auto *deleted = row->object().find("deleted");
    leaves.deleted = deleted != nullptr && deleted->is_true();
    return leaves;
}

// One pass over a feed. Errors: service_unavailable also when it breaks off.
Task<Result<void>> read_feed(replication::RemoteDatabase &database, const TakeLeaves &take) {
    replication::RemoteRequest request;
    request.path = "/_changes";
    request.query = kFeed;
    auto answer = co_await database.send(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    if ((*answer)->status() != 200) {
        auto error = co_await (*answer)->error();
        co_return error;
    }
    json::ElementStream stream("results");
    for (;;) {
        auto bytes = co_await (*answer)->read_some(kReadBytes);
        if (!bytes.ok())
            co_return bytes.error();
        if (bytes->empty())
            break;
        if (!stream.feed(*bytes).ok())
            co_return not_understood(database);
        while (auto text = stream.next()) {
            auto row = read_row(*text);
            if (!row)
                co_return not_understood(database);
            take(*row);
        }
    }
    if (!stream.finish().ok())
        co_return Error(
            ErrorCode::service_unavailable,
            fmt::format("The changes feed of {} ends before its end.", database.endpoint().shown()));
    co_return Result<void>();
}

// Both ends, for one verification; made and destroyed on the loop.
struct Feeds {
    Feeds(replication::Context &context, const replication::Replication &replication,
          Cancellation &cancellation)
        : peer{context, replication, progress, cancellation}, source(peer, replication.source),
          target(peer, replication.target) {}

    replication::Progress progress;
    replication::PeerContext peer;
    replication::RemoteDatabase source;
    replication::RemoteDatabase target;
};

// Begins anew when a feed breaks off. `start` gives what takes the rows.
Task<Result<void>> read_persistently(replication::RemoteDatabase &database,
                                     const std::function<TakeLeaves()> &start) {
    for (std::uint64_t attempts = 0;;) {
        auto take = start();
        auto read = co_await read_feed(database, take);
        bool may_pass = !read.ok() && read.error().code() == ErrorCode::service_unavailable;
        if (!may_pass)
            co_return read;
        auto again = co_await database.wait_to_retry(++attempts, read.error());
        if (!again.ok())
            co_return again.error();
        if (!*again)
            co_return read;
    }
}

Task<Result<void>> read_digest(replication::RemoteDatabase &database, LeafDigest &digest) {
    std::function<TakeLeaves()> start = [&] {
        digest = LeafDigest();
        return [&](const DocumentLeaves &leaves) { digest.add(leaves); };
    };
    auto read = co_await read_persistently(database, start);
    co_return read;
}

// Rows that come twice change nothing.
Task<Result<void>> read_differing(Feeds &feeds, LeafComparison &comparison) {
    std::function<TakeLeaves()> start_source = [&] {
        return [&](const DocumentLeaves &leaves) { comparison.add_source(leaves); };
    };
    std::function<TakeLeaves()> start_target = [&] {
        return [&](const DocumentLeaves &leaves) { comparison.add_target(leaves); };
    };
    auto read = co_await read_persistently(feeds.source, start_source);
    if (read.ok())
        read = co_await read_persistently(feeds.target, start_target);
    co_return read;
}

Task<Result<Verification>> verify(Feeds &feeds) {
    LeafDigest source;
    LeafDigest target;
    auto read = co_await read_digest(feeds.source, source);
    if (read.ok())
        read = co_await read_digest(feeds.target, target);
    if (!read.ok())
        co_return read.error();
    Verification verification;
    verification.documents = source.documents();
    auto buckets = source.differing(target);
    if (std::find(buckets.begin(), buckets.end(), true) == buckets.end())
        co_return verification;
    LeafComparison comparison(std::move(buckets));
    read = co_await read_differing(feeds, comparison);
    if (!read.ok())
        co_return read.error();
    verification.too_many = comparison.overflowed();
    verification.differences = comparison.differences();
    co_return verification;
}

} // namespace

Result<Verification> verify_leaves(ReplicationHost &host, const replication::Replication &replication,
                                   Cancellation &cancellation) {
    std::unique_ptr<Feeds> feeds;
    host.on_loop([&] { feeds = std::make_unique<Feeds>(host.context(), replication, cancellation); });
    auto verification = host.run([&] { return verify(*feeds); });
    host.on_loop([&] { feeds.reset(); });
    return verification;
}

} // namespace divan::cli
