#include "cli/leaf_digest.h"

#include "crypto/digest.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace divan::cli {
namespace {

std::uint64_t hash(std::string_view text) {
    auto digest = crypto::md5(text);
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof number);
    return number;
}

} // namespace

std::string DocumentLeaves::text() const {
    auto sorted = revs;
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    for (const auto &rev : sorted)
        text.append(text.empty() ? "" : " ").append(rev);
    return deleted ? text + " deleted" : text;
}

std::size_t LeafDigest::bucket_of(std::string_view id) {
    return hash(id) % kBuckets;
}

void LeafDigest::add(const DocumentLeaves &document) {
    // No id has a byte of 0.
    sums_[bucket_of(document.id)] += hash(document.id + '\0' + document.text());
    ++documents_;
}

std::vector<bool> LeafDigest::differing(const LeafDigest &other) const {
    std::vector<bool> differs(kBuckets);
    for (std::size_t i = 0; i < kBuckets; ++i)
        differs[i] = sums_[i] != other.sums_[i];
    return differs;
}

std::string LeafDifference::text() const {
    if (!target)
        return fmt::format("`{}` is only at the old server: {}", id, source.value_or(""));
    if (!source)
        return fmt::format("`{}` is only at the new server: {}", id, *target);
    return fmt::format("`{}` differs: {} at the old server, {} at the new one", id, *source, *target);
}

void LeafComparison::add(const DocumentLeaves &document, Side &side) {
    if (!buckets_[LeafDigest::bucket_of(document.id)])
        return;
    if (side.size() >= documents_max_ && !side.contains(document.id)) {
        overflowed_ = true;
        return;
    }
    side[document.id] = document.text();
}

std::vector<LeafDifference> LeafComparison::differences() const {
    if (overflowed_)
        return {};
    std::vector<LeafDifference> differences;
    for (const auto &[id, leaves] : source_) {
        auto other = target_.find(id);
        if (other == target_.end())
            differences.push_back({id, leaves, std::nullopt});
        else if (other->second != leaves)
            differences.push_back({id, leaves, other->second});
    }
    for (const auto &[id, leaves] : target_)
        if (!source_.contains(id))
            differences.push_back({id, std::nullopt, leaves});
    std::sort(differences.begin(), differences.end(),
              [](const auto &a, const auto &b) { return a.id < b.id; });
    return differences;
}

} // namespace divan::cli
