// Groups of documents: in the order of an index one after the other, otherwise all of them in memory.

#include "collation/sort_key.h"
#include "mango/aggregate.h"
#include "mango/cursors.h"
#include "json/canonical_text.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace divan::mango {
namespace {

constexpr std::size_t kGroupsPerPage = 1'000;
// A group that fills a page of rows is counted by the levels of its index instead.
constexpr std::size_t kRowsPerPage = 128;

std::vector<std::string> group_fields(const Query &query) {
    return query.distinct ? std::vector{*query.distinct} : query.group_by;
}

// A group while its documents come in.
struct Group {
    std::string values; // [value, ...]
    std::vector<Accumulator> accumulators;

    void add_documents(std::uint64_t count) {
        for (auto &accumulator : accumulators)
            accumulator.add_documents(count);
    }
};

// What a query asks of its groups.
class Groups {
  public:
    static Result<Groups> make(const Query &query) {
        std::vector<selector::Path> paths;
        auto fields = group_fields(query);
        for (const auto &aggregate : query.aggregates)
            fields.push_back(aggregate.field.empty() ? "_id" : aggregate.field);
        for (const auto &field : fields) {
            DIVAN_TRY(auto path, selector::parse_path(field));
            paths.push_back(std::move(path));
        }
        return Groups(query, paths);
    }

    // Reads the fields of a document; false if it lacks one of the group.
    bool read(std::string_view document) {
        reader_.read(document, found_);
        return std::all_of(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(size_),
                           [](const auto &each) { return each.is_value(); });
    }
    // Of the document that was read last.
    [[nodiscard]] std::string values() const {
        std::string text = "[";
        for (std::size_t i = 0; i < size_; ++i)
            text.append(i > 0 ? "," : "").append(found_[i].text);
        return text + "]";
    }
    void append_key(std::string &key) const {
        for (std::size_t i = 0; i < size_; ++i)
            collation::append_sort_key(key, found_[i].text);
    }
    void add_to(Group &group) const {
        for (std::size_t i = 0; i < group.accumulators.size(); ++i) {
            const auto &found = found_[size_ + i];
            group.accumulators[i].add(found.is_value() ? found.text : std::string_view());
        }
    }

    [[nodiscard]] Group begin(std::string values) const {
        Group group{std::move(values), {}};
        for (const auto &aggregate : query_.aggregates)
            group.accumulators.emplace_back(aggregate.function);
        return group;
    }
    // {"field": value, ..., "aggregate": result, ...}, or the one value.
    [[nodiscard]] std::string row(const Group &group) const {
        json::ElementReader values(group.values);
        if (query_.distinct) {
            values.next();
            return std::string(values.value());
        }
        std::string text;
        json::ObjectWriter writer(text);
        for (const auto &field : query_.group_by) {
            values.next();
            writer.raw(field, values.value());
        }
        for (std::size_t i = 0; i < query_.aggregates.size(); ++i)
            writer.raw(query_.aggregates[i].name, group.accumulators[i].result());
        writer.close();
        return text;
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    // Whether groups are only counted.
    [[nodiscard]] bool only_counts() const {
        return std::all_of(
            query_.aggregates.begin(), query_.aggregates.end(), [](const Aggregate &aggregate) {
                return aggregate.function == AggregateFunction::count && aggregate.field.empty();
            });
    }

  private:
    Groups(const Query &query, std::span<const selector::Path> paths)
        : query_(query), size_(group_fields(query).size()), reader_(paths), found_(paths.size()) {}

    const Query &query_;
    const std::size_t size_;
    selector::PathReader reader_;
    std::vector<selector::Found> found_;
};

// ---- what the cursors share

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
    bool finish(const Group &group, Bookmark bookmark, std::vector<std::string> &rows) {
        last_ = std::move(bookmark);
        if (skip_ > 0) {
            --skip_;
            return true;
        }
        rows.push_back(groups_.row(group));
        ++returned_;
        return --limit_ > 0;
    }

    const SourceContext context_;
    Groups groups_;
    std::uint64_t skip_, limit_;
    std::uint64_t returned_ = 0;
    std::optional<Bookmark> last_;
};

// ---- in the order of an index

class OrderedGroupCursor final : public GroupCursor {
  public:
    OrderedGroupCursor(const SourceContext &context, Groups groups, std::unique_ptr<Source> source)
        : GroupCursor(context, std::move(groups)), source_(std::move(source)) {}

    Result<bool> next(std::vector<std::string> &rows) override {
        if (limit_ == 0)
            return false;
        DIVAN_TRY(bool more, source_->next([&](const Match &match) {
            return take(match, rows) && rows.size() < kGroupsPerPage;
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
};

// ---- in memory

class HashedGroupCursor final : public GroupCursor {
  public:
    HashedGroupCursor(const SourceContext &context, Groups groups, std::unique_ptr<Source> source,
                      std::size_t groups_max, std::string from)
        : GroupCursor(context, std::move(groups)), source_(std::move(source)), groups_max_(groups_max),
          from_(std::move(from)) {
        // All documents are one group, also if there are none.
        if (groups_.size() == 0 && !context.query.bookmark)
            open_.emplace("", groups_.begin("[]"));
    }

    Result<bool> next(std::vector<std::string> &rows) override {
        if (groups_.size() == 0 && groups_.only_counts() && !open_.empty()) {
            DIVAN_TRY(auto count, count_matches(context_));
            open_.begin()->second.add_documents(count);
            finish(open_.begin()->second, {"", json::Array(), ""}, rows);
            return false;
        }
        bool full = false;
        DIVAN_TRY(bool more, source_->next([&](const Match &match) { return !(full = !take(match)); }));
        if (full)
            return Error(
                ErrorCode::bad_request, "too_many_groups",
                fmt::format("Without an index there may be {} groups at most: create an index on the "
                            "fields of the groups.",
                            groups_max_));
        if (more)
            return true;
        for (const auto &[key, group] : open_)
            if (limit_ == 0 || !finish(group, {"", json::Raw{group.values}, ""}, rows))
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
            if (open_.size() == groups_max_)
                return false;
            found = open_.emplace(std::move(key), groups_.begin(groups_.values())).first;
        }
        groups_.add_to(found->second);
        return true;
    }

    std::unique_ptr<Source> source_;
    const std::size_t groups_max_;
    const std::string from_;
    std::map<std::string, Group> open_;
};

Result<std::string> key_of_bookmark(const Bookmark &bookmark, std::size_t size) {
    std::string key;
    if (!bookmark.key.is_array() || bookmark.key.array().size() != size)
        return Error(ErrorCode::bad_request, "invalid_bookmark",
                     "Invalid bookmark value: it is one of other groups.");
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
        context, std::move(groups), std::move(source), options.groups_max, std::move(begin)));
}

} // namespace divan::mango
