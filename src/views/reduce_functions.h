#pragma once

// The built-in reduce functions one by one, and what they share. The factory is in builtin_reduce.cc.

#include "views/builtin_reduce.h"
#include "json/value.h"

#include <optional>

namespace divan::views {

[[nodiscard]] std::unique_ptr<BuiltinReduce> make_sum_reduce(const ReduceLimits &limits);
[[nodiscard]] std::unique_ptr<BuiltinReduce> make_stats_reduce();
[[nodiscard]] std::unique_ptr<BuiltinReduce> make_distinct_reduce();
[[nodiscard]] std::unique_ptr<BuiltinReduce> make_rank_reduce(bool top, std::size_t count);

// Stands for summaries that cannot be read: no function writes it for anything else.
inline constexpr std::string_view kDamagedSummary = "?";
[[nodiscard]] script::FunctionError damaged_summary();

// A value that was emitted, or a summary as JSON. Both were checked when they came in, under a limit of
// depth that can be changed; here it only guards the stack.
[[nodiscard]] std::optional<json::Value> parse_stored(std::string_view json);

// What erlang:external_size/2 gives for a value of CouchDB, without the version byte: the reduce limit and
// its message count in it.
[[nodiscard]] std::size_t term_bytes(const json::Value &value);

} // namespace divan::views
