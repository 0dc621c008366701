#pragma once

// Compares two databases by the leaves of their documents, in memory that does not grow with them: first sums
// over buckets of ids, then the documents of those buckets that differ. Revisions are hashes of what was
// written, attachments included, so that equal leaves have equal contents. Pure.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::cli {

// A row of a feed with style=all_docs.
struct DocumentLeaves {
    std::string id;
    std::vector<std::string> revs; // in any order
    bool deleted = false;          // the winner is

    // Sorted: "2-b 3-a", "1-x deleted"
    [[nodiscard]] std::string text() const;
};

class LeafDigest {
  public:
    static constexpr std::size_t kBuckets = 65'536;

    void add(const DocumentLeaves &document);
    [[nodiscard]] std::uint64_t documents() const { return documents_; }
    [[nodiscard]] static std::size_t bucket_of(std::string_view id);
    // Whether each bucket differs.
    [[nodiscard]] std::vector<bool> differing(const LeafDigest &other) const;

  private:
    std::vector<std::uint64_t> sums_ = std::vector<std::uint64_t>(kBuckets);
    std::uint64_t documents_ = 0;
};

struct LeafDifference {
    std::string id;
    std::optional<std::string> source; // DocumentLeaves::text(); nullopt: it is not there
    std::optional<std::string> target;

    // "`a` is only at the old server: 1-x"
    [[nodiscard]] std::string text() const;
};

// The documents of differing buckets, from both sides. A document that comes twice counts as it came last.
class LeafComparison {
  public:
    // Beyond so many documents of one side nothing is listed: what is missing at the other could not be told.
    explicit LeafComparison(std::vector<bool> buckets, std::size_t documents_max = 500'000)
        : buckets_(std::move(buckets)), documents_max_(documents_max) {}

    void add_source(const DocumentLeaves &document) { add(document, source_); }
    void add_target(const DocumentLeaves &document) { add(document, target_); }
    // Too many for the list, which is empty then.
    [[nodiscard]] bool overflowed() const { return overflowed_; }
    [[nodiscard]] std::vector<LeafDifference> differences() const; // by id

  private:
    using Side = std::map<std::string, std::string>;
    void add(const DocumentLeaves &document, Side &side);

    const std::vector<bool> buckets_;
    const std::size_t documents_max_;
    Side source_;
    Side target_;
    bool overflowed_ = false;
};

} // namespace divan::cli
