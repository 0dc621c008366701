#include "mango/groups.h"

#include "collation/sort_key.h"
#include "json/canonical_text.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::mango {
namespace {

std::vector<std::string> group_fields(const Query &query) {
    return query.distinct ? std::vector{*query.distinct} : query.group_by;
}

} // namespace

Groups::Groups(const Query &query, std::span<const selector::Path> paths)
    : query_(query), size_(group_fields(query).size()), reader_(paths), found_(paths.size()) {}

Result<Groups> Groups::make(const Query &query) {
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

bool Groups::read(std::string_view document) {
    reader_.read(document, found_);
    return std::all_of(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(size_),
                       [](const auto &each) { return each.is_value(); });
}

std::string Groups::values() const {
    std::string text = "[";
    for (std::size_t i = 0; i < size_; ++i)
        text.append(i > 0 ? "," : "").append(found_[i].text);
    return text + "]";
}

void Groups::append_key(std::string &key) const {
    for (std::size_t i = 0; i < size_; ++i)
        collation::append_sort_key(key, found_[i].text);
}

void Groups::add_to(Group &group) const {
    for (std::size_t i = 0; i < group.accumulators.size(); ++i) {
        const auto &found = found_[size_ + i];
        group.accumulators[i].add(found.is_value() ? found.text : std::string_view());
    }
}

Group Groups::begin(std::string values) const {
    Group group{std::move(values), {}};
    for (const auto &aggregate : query_.aggregates)
        group.accumulators.emplace_back(aggregate.function);
    return group;
}

std::string Groups::row(const Group &group) const {
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

bool Groups::only_counts() const {
    return std::all_of(query_.aggregates.begin(), query_.aggregates.end(), [](const Aggregate &aggregate) {
        return aggregate.function == AggregateFunction::count && aggregate.field.empty();
    });
}

bool GroupCursor::finish(const Group &group, Bookmark bookmark, std::vector<std::string> &rows) {
    last_ = std::move(bookmark);
    if (skip_ > 0) {
        --skip_;
        return true;
    }
    rows.push_back(groups_.row(group));
    ++returned_;
    return --limit_ > 0;
}

} // namespace divan::mango
