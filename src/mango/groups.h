#pragma once

// What cursors of groups share: inside of this module.

#include "mango/aggregate.h"
#include "mango/cursors.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::mango {

// A group while its documents come in.
struct Group {
    std::string values; // [value, ...]
    std::vector<Accumulator> accumulators;

    void add_documents(std::uint64_t count) {
        for (auto &accumulator : accumulators)
            accumulator.add_documents(count);
    }
    // Bytes of memory, about.
    [[nodiscard]] std::size_t size() const {
        std::size_t bytes = sizeof(*this) + values.size();
        for (const auto &accumulator : accumulators)
            bytes += accumulator.size();
        return bytes;
    }
};

// What a query asks of its groups.
class Groups {
  public:
    static Result<Groups> make(const Query &query);

    // Reads the fields of a document; false if it lacks one of the group.
    bool read(std::string_view document);
    // Of the document that was read last: [value, ...], what orders its group, and its part in the
    // aggregates.
    [[nodiscard]] std::string values() const;
    void append_key(std::string &key) const;
    void add_to(Group &group) const;

    [[nodiscard]] Group begin(std::string values) const;
    // {"field": value, ..., "aggregate": result, ...}, or the one value.
    [[nodiscard]] std::string row(const Group &group) const;
    [[nodiscard]] std::size_t size() const { return size_; }
    // Whether groups are only counted.
    [[nodiscard]] bool only_counts() const;

  private:
    Groups(const Query &query, std::span<const selector::Path> paths);

    const Query &query_;
    const std::size_t size_;
    selector::PathReader reader_;
    std::vector<selector::Found> found_;
};

class GroupCursor : public Cursor {
  public:
    GroupCursor(const SourceContext &context, Groups groups)
        : context_(context), groups_(std::move(groups)), skip_(context.query.skip),
          limit_(context.query.limit) {}

    [[nodiscard]] std::string bookmark() const override {
        return last_ ? encode_bookmark(*last_) : context_.query.bookmark.value_or("");
    }

  protected:
    // A group is complete. False: there are enough.
    bool finish(const Group &group, Bookmark bookmark, std::vector<std::string> &rows);

    const SourceContext context_;
    Groups groups_;
    std::uint64_t skip_, limit_;
    std::uint64_t returned_ = 0;
    std::optional<Bookmark> last_;
};

// Groups of which only the documents are counted, in the order of an index all of whose rows match: most of
// their rows are not read. (counted_group_cursor.cc)
[[nodiscard]] Result<std::unique_ptr<Cursor>>
open_counted_group_cursor(const SourceContext &context, Groups groups, const std::optional<Bookmark> &from);

} // namespace divan::mango
