#include "cli/leaf_verification.h"

#include "replication/peer.h"

#include <algorithm>

namespace divan::cli {
namespace {

constexpr std::size_t kPageRows = 1'000;

// Both ends, for one verification.
struct Feeds {
    Feeds(replication::Context &context, const replication::Replication &replication,
          Cancellation &cancellation)
        : peer(context, replication, progress, cancellation),
          source(replication::make_remote_peer(peer, replication.source)),
          target(replication::make_remote_peer(peer, replication.target)) {}

    replication::Progress progress;
    replication::PeerContext peer;
    std::unique_ptr<replication::Peer> source;
    std::unique_ptr<replication::Peer> target;
};

DocumentLeaves leaves_of(const replication::ChangedDocument &changed) {
    DocumentLeaves leaves{changed.id, {}, changed.deleted};
    for (const auto &rev : changed.revs)
        leaves.revs.push_back(rev.text());
    return leaves;
}

// One pass over a feed. A document that is written meanwhile comes twice.
Task<Result<void>> read_feed(replication::Peer &peer, std::function<void(const DocumentLeaves &)> take) {
    std::string since = "0";
    for (;;) {
        replication::ChangesQuery query;
        query.since = since;
        query.rows_max = kPageRows;
        auto page = co_await peer.changes(std::move(query));
        if (!page.ok())
            co_return page.error();
        for (const auto &changed : page->changes)
            take(leaves_of(changed));
        if (page->end)
            co_return Result<void>();
        since = std::move(page->last);
    }
}

Task<Result<void>> read_digest(replication::Peer &peer, LeafDigest &digest) {
    std::function<void(const DocumentLeaves &)> take = [&](const auto &leaves) { digest.add(leaves); };
    auto read = co_await read_feed(peer, std::move(take));
    co_return read;
}

Task<Result<void>> read_differing(Feeds &feeds, LeafComparison &comparison) {
    std::function<void(const DocumentLeaves &)> take_source = [&](const auto &leaves) {
        comparison.add_source(leaves);
    };
    std::function<void(const DocumentLeaves &)> take_target = [&](const auto &leaves) {
        comparison.add_target(leaves);
    };
    auto read = co_await read_feed(*feeds.source, std::move(take_source));
    if (read.ok())
        read = co_await read_feed(*feeds.target, std::move(take_target));
    co_return read;
}

Task<Result<Verification>> verify(Feeds &feeds) {
    LeafDigest source;
    LeafDigest target;
    auto read = co_await read_digest(*feeds.source, source);
    if (read.ok())
        read = co_await read_digest(*feeds.target, target);
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
    OnLoop<Feeds> feeds(host, host.context(), replication, cancellation);
    return host.run([&] { return verify(*feeds); });
}

} // namespace divan::cli
