#pragma once

// The reduce of a view over rows and over summaries of rows, whether it is built in or JavaScript.
//
// Summaries are stored in the levels of an index. Threads: any; JavaScript blocks on a worker.

#include "views/builtin_reduce.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::views {

// Neighbouring rows, and summaries of neighbouring rows. Not both empty.
struct Segment {
    std::vector<ReduceInput> rows;
    std::vector<std::string_view> summaries;
};

class Reducer {
  public:
    virtual ~Reducer() = default;
    // The summary of each segment. What a function does wrong is in its summary. Errors: that the functions
    // could not be run at all.
    virtual Result<std::vector<std::string>> summarise(std::span<const Segment> segments) = 0;
    // What clients see.
    [[nodiscard]] virtual script::Outcome finish(std::string_view summary) const = 0;
    // _first and _last look at one row and keep no summaries.
    [[nodiscard]] virtual BuiltinReduce::Ends ends() const { return BuiltinReduce::Ends::none; }
};

[[nodiscard]] std::unique_ptr<Reducer> make_builtin_reducer(std::unique_ptr<BuiltinReduce> function);
// `function` is its number in the program.
[[nodiscard]] std::unique_ptr<Reducer> make_script_reducer(script::Pool &pool,
                                                           std::shared_ptr<const script::Program> program,
                                                           std::uint32_t function,
                                                           const ReduceLimits &limits);

} // namespace divan::views
