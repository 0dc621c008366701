// Groups of documents: in the order of an index one after the other, otherwise all of them in memory.

#include "collation/sort_key.h"
#include "mango/groups.h"
#include "json/canonical_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace divan::mango {
namespace {

constexpr std::size_t kGroupsPerPage = 1'000;
constexpr std::size_t kPageBytesMax = 1 << 20;

// ---- in the order of an index

class OrderedGroupCursor final : public GroupCursor {
  public:
    OrderedGroupCursor(const SourceContext &context, Groups groups, std::unique_ptr<Source> source)
        : GroupCursor(context, std::move(groups)), source_(std::move(source)) {}

    Result<bool> next(std::vector<std::string> &rows) override {
        if (limit_ == 0)
            return false;
        page_bytes_ = 0;
        DIVAN_TRY(bool more, source_->next([&](const Match &match) {
            return take(match, rows) && rows.size() < kGroupsPerPage && page_bytes_ < kPageBytesMax;
        }));
        if (more && limit_ > 0)
            return true;
        if (limit_ > 0 && open_)
            finish(*open_, bookmark_of(), rows);
        open_.reset();
        return false;
    }
    [[nodiscard]] Statistics statistics() const override {
        auto statistics = source_->statistics();
        statistics.results_returned = returned_;
        return statistics;
    }

  private:
    // Goes on behind all rows of the group: those that begin with the columns up to the last of the group.
    [[nodiscard]] Bookmark bookmark_of() const { return {name_of(*context_.plan.index()), row_key_, ""}; }

    bool take(const Match &match, std::vector<std::string> &rows) {
        if (!groups_.read(match.text))
            return true;
        std::string key;
        groups_.append_key(key);
        if (open_ && key != key_) {
            bool go_on = finish(*open_, bookmark_of(), rows);
            page_bytes_ += open_->size();
            open_.reset();
            if (!go_on)
                return false;
        }
        if (!open_) {
            open_ = groups_.begin(groups_.values());
            key_ = std::move(key);
            row_key_ = beginning_of(match.key);
        }
        groups_.add_to(*open_);
        return true;
    }

    [[nodiscard]] json::Value beginning_of(std::string_view row_key) const {
        json::Array columns;
        json::ElementReader reader(row_key);
        while (columns.size() < context_.plan.group_columns && reader.next())
            columns.emplace_back(json::Raw{std::string(reader.value())});
        return columns;
    }

    std::unique_ptr<Source> source_;
    std::optional<Group> open_;
    std::string key_;
    json::Value row_key_;
    std::size_t page_bytes_ = 0;
};

// ---- in memory

class HashedGroupCursor final : public GroupCursor {
  public:
    HashedGroupCursor(const SourceContext &context, Groups groups, std::unique_ptr<Source> source,
                      const CursorOptions &options, std::string from)
        : GroupCursor(context, std::move(groups)), source_(std::move(source)), counter_(context),
          options_(options), from_(std::move(from)) {
        // All documents are one group, also if there are none.
        if (groups_.size() == 0 && !context.query.bookmark)
            open_.emplace("", groups_.begin("[]"));
    }

    Result<bool> next(std::vector<std::string> &rows) override {
        // Behind the one group of all documents there is none.
        if (limit_ == 0 || (groups_.size() == 0 && open_.empty()))
            return false;
        if (groups_.size() == 0 && groups_.only_counts()) {
            DIVAN_TRY(bool uncounted, counter_.next());
            if (uncounted)
                return true;
            open_.begin()->second.add_documents(counter_.count());
            finish(open_.begin()->second, {"", json::Array(), ""}, rows);
            return false;
        }
        bool full = false;
        DIVAN_TRY(bool more, source_->next([&](const Match &match) { return !(full = !take(match)); }));
        if (full)
            return Error(
                ErrorCode::bad_request, "too_many_groups",
                fmt::format("Without an index there may be {} groups at most, and {} bytes of them: create "
                            "an index on the fields of the groups.",
                            options_.groups_max, options_.memory_bytes_max));
        if (more)
            return true;
        for (const auto &[key, group] : open_)
            if (!finish(group, {"", json::Raw{group.values}, ""}, rows))
                break;
        return false;
    }
    [[nodiscard]] Statistics statistics() const override {
        auto statistics = source_->statistics();
        statistics.results_returned = returned_;
        return statistics;
    }

  private:
    bool take(const Match &match) {
        if (!groups_.read(match.text))
            return true;
        std::string key;
        groups_.append_key(key);
        if (!from_.empty() && key <= from_)
            return true;
        auto found = open_.find(key);
        if (found == open_.end()) {
            if (open_.size() == options_.groups_max)
                return false;
            bytes_ += key.size();
            found = open_.emplace(std::move(key), groups_.begin(groups_.values())).first;
        } else {
            bytes_ -= found->second.size();
        }
        groups_.add_to(found->second);
        bytes_ += found->second.size();
        return bytes_ <= options_.memory_bytes_max;
    }

    std::unique_ptr<Source> source_;
    MatchCounter counter_;
    const CursorOptions options_;
    const std::string from_;
    std::map<std::string, Group> open_;
    std::size_t bytes_ = 0; // of the open groups
};

Error bookmark_of_others() {
    return {ErrorCode::bad_request, "invalid_bookmark", "Invalid bookmark value: it is one of other groups."};
}

Result<std::string> key_of_bookmark(const Bookmark &bookmark, std::size_t size) {
    std::string key;
    if (!bookmark.key.is_array() || bookmark.key.array().size() != size)
        return bookmark_of_others();
    for (const auto &value : bookmark.key.array())
        collation::append_sort_key(key, value);
    return key;
}

} // namespace

Result<std::unique_ptr<Cursor>> open_group_cursor(const SourceContext &context,
                                                  const CursorOptions &options) {
    const auto &query = context.query;
    std::optional<Bookmark> from;
    if (query.bookmark) {
        DIVAN_TRY(from, decode_bookmark(*query.bookmark));
    }
    DIVAN_TRY(auto groups, Groups::make(query));
    if (context.plan.group_columns > 0) {
        if (from && (!from->key.is_array() || from->key.array().size() != context.plan.group_columns ||
                     !from->id.empty()))
            return bookmark_of_others();
        if (context.plan.kind == Plan::Kind::index && context.plan.scan().exact && groups.only_counts())
            return open_counted_group_cursor(context, std::move(groups), from);
        DIVAN_TRY(auto source, open_source(context, from));
        return std::unique_ptr<Cursor>(
            std::make_unique<OrderedGroupCursor>(context, std::move(groups), std::move(source)));
    }
    std::string begin;
    if (from) {
        DIVAN_TRY(begin, key_of_bookmark(*from, groups.size()));
    }
    DIVAN_TRY(auto source, open_source(context, std::nullopt));
    return std::unique_ptr<Cursor>(std::make_unique<HashedGroupCursor>(
        context, std::move(groups), std::move(source), options, std::move(begin)));
}

} // namespace divan::mango
