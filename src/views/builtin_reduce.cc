#include "views/builtin_reduce.h"

#include "views/reduce_functions.h"
#include "json/parser.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <charconv>

namespace divan::views {
namespace {

constexpr std::size_t kRankMax = 100;
// About 400 bytes of stack a level.
constexpr std::size_t kDepthMax = 10'000;

class CountReduce final : public BuiltinReduce {
  public:
    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        return std::to_string(rows.size());
    }
    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        std::uint64_t total = 0;
        for (auto summary : summaries) {
            auto count = read(summary);
            if (!count)
                return std::string(kDamagedSummary);
            total += *count;
        }
        return std::to_string(total);
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        auto count = read(summary);
        if (!count)
            return damaged_summary();
        return std::to_string(*count);
    }

  private:
    static std::optional<std::uint64_t> read(std::string_view summary) {
        std::uint64_t count = 0;
        auto [end, error] = std::from_chars(summary.begin(), summary.end(), count);
        if (error != std::errc() || end != summary.end())
            return std::nullopt;
        return count;
    }
};

// Rows come in the order of the index, so nothing is compared.
class EndReduce final : public BuiltinReduce {
  public:
    explicit EndReduce(Ends end) : end_(end) {}

    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        return std::string(end_ == Ends::first ? rows.front().value : rows.back().value);
    }
    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        return std::string(end_ == Ends::first ? summaries.front() : summaries.back());
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        auto value = parse_stored(summary);
        if (!value)
            return damaged_summary();
        return json::to_text(*value);
    }
    [[nodiscard]] Ends ends() const override { return end_; }

  private:
    Ends end_;
};

template <typename Function, typename... Arguments>
std::unique_ptr<BuiltinReduce> make(Arguments... arguments) {
    return std::make_unique<Function>(arguments...);
}

Result<std::unique_ptr<BuiltinReduce>> make_ranked(bool top, std::string_view rank) {
    std::size_t count = 0;
    auto [end, error] = std::from_chars(rank.begin(), rank.end(), count);
    if (error != std::errc() || end != rank.end())
        return Error(ErrorCode::invalid_design_doc, "invalid rank reducer");
    if (count < 1 || count > kRankMax)
        return Error(ErrorCode::invalid_design_doc,
                     fmt::format("rank value must be between 1 and {}", kRankMax));
    return make_rank_reduce(top, count);
}

} // namespace

script::FunctionError damaged_summary() {
    return {"internal_server_error", "Stored data is damaged: a summary"};
}

std::optional<json::Value> parse_stored(std::string_view json) {
    auto value = json::parse(json, {.depth_max = kDepthMax});
    if (!value.ok())
        return std::nullopt;
    return std::move(*value);
}

Result<std::unique_ptr<BuiltinReduce>> make_builtin_reduce(std::string_view source,
                                                           const ReduceLimits &limits) {
    constexpr std::string_view kTop = "_top_";
    constexpr std::string_view kBottom = "_bottom_";
    if (source.starts_with("_sum"))
        return make_sum_reduce(limits);
    if (source.starts_with("_count"))
        return make<CountReduce>();
    if (source.starts_with("_stats"))
        return make_stats_reduce();
    if (source.starts_with("_approx_count_distinct"))
        return make_distinct_reduce();
    if (source.starts_with(kTop))
        return make_ranked(true, source.substr(kTop.size()));
    if (source.starts_with(kBottom))
        return make_ranked(false, source.substr(kBottom.size()));
    if (source.starts_with("_first"))
        return make<EndReduce>(BuiltinReduce::Ends::first);
    if (source.starts_with("_last"))
        return make<EndReduce>(BuiltinReduce::Ends::last);
    if (source.starts_with('_'))
        return Error(ErrorCode::invalid_design_doc,
                     fmt::format("`{}` is not a supported reduce function.", source));
    return std::unique_ptr<BuiltinReduce>();
}

} // namespace divan::views
