// _top_N and _bottom_N: the N greatest or least values, equal ones once.

#include "base/bytes.h"
#include "collation/sort_key.h"
#include "views/reduce_functions.h"
#include "json/parser.h"

#include <algorithm>
#include <ranges>
#include <vector>

namespace divan::views {
namespace {

class Ranking {
  public:
    Ranking(bool top, std::size_t count) : top_(top), count_(count) {}

    // Of equal values the one that is added first stays. REQUIRES: canonical JSON
    void add(std::string_view value);
    // false: it cannot be read.
    bool add_summary(std::string_view summary);
    [[nodiscard]] std::string summary() const;
    [[nodiscard]] std::string answer() const;

  private:
    struct Ranked {
        std::string sort_key;
        std::string value;
    };
    [[nodiscard]] bool better(std::string_view a, std::string_view b) const { return top_ ? a > b : a < b; }

    bool top_;
    std::size_t count_;
    std::string sort_key_;       // kept for its memory
    std::vector<Ranked> ranked_; // best first
};

void Ranking::add(std::string_view value) {
    sort_key_.clear();
    collation::append_sort_key(sort_key_, value);
    if (ranked_.size() == count_ && !better(sort_key_, ranked_.back().sort_key))
        return;
    auto place = std::ranges::lower_bound(
        ranked_, sort_key_, [this](const auto &a, const auto &b) { return better(a, b); }, &Ranked::sort_key);
    if (place != ranked_.end() && place->sort_key == sort_key_)
        return;
    ranked_.insert(place, {sort_key_, std::string(value)});
    if (ranked_.size() > count_)
        ranked_.pop_back();
}

bool Ranking::add_summary(std::string_view summary) {
    ByteReader reader(summary);
    while (reader.ok() && !reader.at_end()) {
        auto value = reader.sized();
        if (!reader.ok() || !parse_stored(value))
            return false;
        add(value);
    }
    return reader.ok();
}

std::string Ranking::summary() const {
    std::string out;
    for (const auto &ranked : ranked_)
        append_sized(out, ranked.value);
    return out;
}

std::string Ranking::answer() const {
    std::string out("[");
    for (const auto &ranked : ranked_) {
        if (out.size() > 1)
            out.push_back(',');
        out.append(ranked.value);
    }
    out.push_back(']');
    return out;
}

// Always in the order of view collation, in views with raw collation too, as in CouchDB. Of equal values that
// of the last row stays.
class RankReduce final : public BuiltinReduce {
  public:
    RankReduce(bool top, std::size_t count) : top_(top), count_(count) {}

    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        Ranking ranking(top_, count_);
        for (const auto &row : std::views::reverse(rows))
            ranking.add(row.value);
        return ranking.summary();
    }
    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        Ranking ranking(top_, count_);
        for (auto summary : std::views::reverse(summaries))
            if (!ranking.add_summary(summary))
                return std::string(kDamagedSummary);
        return ranking.summary();
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        Ranking ranking(top_, count_);
        if (!ranking.add_summary(summary))
            return damaged_summary();
        return ranking.answer();
    }

  private:
    bool top_;
    std::size_t count_;
};

} // namespace

std::unique_ptr<BuiltinReduce> make_rank_reduce(bool top, std::size_t count) {
    return std::make_unique<RankReduce>(top, count);
}

} // namespace divan::views
