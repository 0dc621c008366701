#include "views/mapper.h"

#include "collation/sort_key.h"
#include "design/query_index.h"
#include "json/canonical_text.h"
#include "json/parser.h"

#include <optional>
#include <set>

namespace divan::views {
namespace {

constexpr std::string_view kValue = "null";

// The rows of one index for one document after the other.
class IndexMap {
  public:
    IndexMap(const design::QueryIndex &index, const selector::PathReader &reader)
        : index_(index), reader_(reader), found_(reader.size()) {
        if (index.filter)
            filter_.emplace(index.filter);
    }

    // Calls `emit` with the key of each row.
    template <typename Emit> void map(std::string_view document, Emit emit) {
        if (filter_ && !filter_->matches(document))
            return;
        reader_.read(document, found_);
        for (std::size_t i = 0; i < found_.size(); ++i)
            if (!found_[i].is_value())
                return;
        if (index_.element_column() == nullptr)
            emit(key(found_));
        else
            map_elements(emit);
    }

  private:
    // A row for each value among the elements: equal ones are one.
    template <typename Emit> void map_elements(Emit emit) {
        const auto *column = index_.element_column();
        auto &value = found_[static_cast<std::size_t>(column - index_.columns.data())];
        std::set<std::string> seen;
        auto use = [&](std::string_view element) {
            std::string sort_key;
            collation::append_sort_key(sort_key, element);
            value.text = element;
            if (seen.insert(std::move(sort_key)).second)
                emit(key(found_));
        };
        const auto whole = value.text;
        if (!whole.starts_with('[')) {
            if (column->element->steps.empty())
                use(whole);
            return;
        }
        const selector::Path paths[] = {*column->element};
        selector::PathReader inside(paths);
        json::ElementReader elements(whole);
        while (elements.next()) {
            selector::Found found[1];
            inside.read(elements.value(), found);
            if (found[0].is_value())
                use(found[0].text);
        }
    }

    static std::string key(std::span<const selector::Found> values) {
        std::size_t bytes = 2 + values.size();
        for (const auto &value : values)
            bytes += value.text.size();
        std::string out;
        out.reserve(bytes);
        out.push_back('[');
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0)
                out.push_back(',');
            out.append(values[i].text);
        }
        out.push_back(']');
        return out;
    }

    const design::QueryIndex &index_;
    const selector::PathReader &reader_;
    std::vector<selector::Found> found_;
    std::optional<selector::Matcher> filter_;
};

class QueryMapper final : public Mapper {
  public:
    QueryMapper(const std::vector<std::string> &maps, const selector::Limits &limits) {
        for (const auto &map : maps)
            maps_.push_back(read(map, limits));
    }

    std::future<Result<script::MapAnswer>> map(std::vector<std::string> documents) const override {
        script::MapAnswer answer;
        std::vector<std::optional<IndexMap>> maps;
        for (const auto &map : maps_) {
            auto &added = maps.emplace_back();
            if (map)
                added.emplace(map->index, map->reader);
        }
        answer.rows.reserve(documents.size() * maps.size());
        for (std::size_t document = 0; document < documents.size(); ++document)
            for (std::size_t number = 0; number < maps.size(); ++number)
                if (maps[number])
                    maps[number]->map(documents[document], [&](std::string key) {
                        answer.rows.push_back({static_cast<std::uint32_t>(document),
                                               static_cast<std::uint32_t>(number), std::move(key),
                                               std::string(kValue)});
                    });
        std::promise<Result<script::MapAnswer>> promise;
        promise.set_value(std::move(answer));
        return promise.get_future();
    }

  private:
    struct Map {
        design::QueryIndex index;
        selector::PathReader reader;
    };

    static std::optional<Map> read(const std::string &text, const selector::Limits &limits) {
        auto map = json::parse(text, {.depth_max = json::kAnyDepth});
        if (!map.ok())
            return std::nullopt;
        auto index = design::read_query_index(*map, limits);
        if (!index.ok())
            return std::nullopt;
        std::vector<selector::Path> paths;
        for (const auto &column : index->columns)
            paths.push_back(column.path);
        return Map{std::move(*index), selector::PathReader(paths)};
    }

    std::vector<std::optional<Map>> maps_;
};

} // namespace

std::unique_ptr<const Mapper> make_query_mapper(const std::vector<std::string> &maps,
                                                const selector::Limits &limits) {
    return std::make_unique<QueryMapper>(maps, limits);
}

} // namespace divan::views
