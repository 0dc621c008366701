#include "views/reducer.h"

#include "json/parser.h"
#include "json/writer.h"

namespace divan::views {
namespace {

class BuiltinReducer final : public Reducer {
  public:
    explicit BuiltinReducer(std::unique_ptr<BuiltinReduce> function) : function_(std::move(function)) {}

    Result<std::vector<std::string>> summarise(std::span<const Segment> segments) override {
        std::vector<std::string> summaries;
        summaries.reserve(segments.size());
        for (const auto &segment : segments) {
            if (segment.rows.empty()) {
                summaries.push_back(function_->combine(segment.summaries));
                continue;
            }
            auto reduced = function_->reduce(segment.rows);
            if (!segment.summaries.empty()) {
                auto parts = segment.summaries;
                parts.push_back(reduced);
                reduced = function_->combine(parts);
            }
            summaries.push_back(std::move(reduced));
        }
        return summaries;
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        return function_->finish(summary);
    }
    [[nodiscard]] BuiltinReduce::Ends ends() const override { return function_->ends(); }

  private:
    std::unique_ptr<BuiltinReduce> function_;
};

// A summary of JavaScript is this and a JSON text: the value, or {"error", "reason"}.
constexpr char kValue = '0';
constexpr char kFailure = '1';

std::string failure_summary(const script::FunctionError &failure) {
    std::string summary(1, kFailure);
    json::ObjectWriter writer(summary);
    writer.member("error", std::string_view(failure.error))
        .member("reason", std::string_view(failure.reason));
    writer.close();
    return summary;
}

class ScriptReducer final : public Reducer {
  public:
    ScriptReducer(script::Pool &pool, std::shared_ptr<const script::Program> program, std::uint32_t function,
                  const ReduceLimits &limits)
        : pool_(pool), program_(std::move(program)), function_(function), limits_(limits) {}

    Result<std::vector<std::string>> summarise(std::span<const Segment> segments) override {
        std::vector<std::string> summaries(segments.size());
        std::vector<std::size_t> asked;
        script::ReduceRequest request;
        request.program = program_;
        request.limit = limits_.on;
        request.limit_threshold_bytes = limits_.threshold_bytes;
        request.limit_ratio = limits_.ratio;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            // What failed for some rows has failed for more.
            if (auto failed = first_failure(segments[i])) {
                summaries[i] = *failed;
                continue;
            }
            if (segments[i].rows.empty() && segments[i].summaries.size() == 1) {
                summaries[i] = segments[i].summaries.front();
                continue;
            }
            request.items.push_back(item(segments[i]));
            asked.push_back(i);
        }
        if (asked.empty())
            return summaries;
        DIVAN_TRY(auto answer, script::wait_for<script::ReduceAnswer>(
                                   [&](auto done) { pool_.reduce(std::move(request), std::move(done)); }));
        if (answer.values.size() != asked.size())
            return Error(ErrorCode::internal_server_error, "A reduce was answered in part.");
        for (std::size_t i = 0; i < asked.size(); ++i) {
            auto &value = answer.values[i];
            if (auto *text = std::get_if<std::string>(&value))
                summaries[asked[i]] = text->insert(0, 1, kValue);
            else
                summaries[asked[i]] = failure_summary(std::get<script::FunctionError>(value));
        }
        return summaries;
    }

    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        if (!summary.empty() && summary.front() == kValue)
            return std::string(summary.substr(1));
        script::FunctionError failure{"internal_server_error", "Stored data is damaged: a summary"};
        auto parsed = json::parse(summary.empty() ? summary : summary.substr(1));
        if (parsed.ok() && parsed->is_object()) {
            const auto *error = parsed->object().find("error");
            const auto *reason = parsed->object().find("reason");
            if (error != nullptr && error->is_string() && reason != nullptr && reason->is_string())
                failure = {error->string(), reason->string()};
        }
        return failure;
    }

  private:
    static std::optional<std::string_view> first_failure(const Segment &segment) {
        for (auto summary : segment.summaries)
            if (summary.empty() || summary.front() != kValue)
                return summary;
        return std::nullopt;
    }

    [[nodiscard]] script::ReduceItem item(const Segment &segment) const {
        script::ReduceItem item;
        item.function = function_;
        for (auto summary : segment.summaries)
            item.reduced.emplace_back(summary.substr(1));
        if (segment.rows.empty())
            return item;
        script::ReduceRows rows;
        rows.keys.push_back('[');
        rows.values.push_back('[');
        for (const auto &row : segment.rows) {
            if (rows.keys.size() > 1) {
                rows.keys.push_back(',');
                rows.values.push_back(',');
            }
            rows.keys.append("[").append(row.key).push_back(',');
            json::write_string(rows.keys, row.id);
            rows.keys.push_back(']');
            rows.values.append(row.value);
        }
        rows.keys.push_back(']');
        rows.values.push_back(']');
        item.rows.push_back(std::move(rows));
        return item;
    }

    script::Pool &pool_;
    std::shared_ptr<const script::Program> program_;
    std::uint32_t function_;
    ReduceLimits limits_;
};

} // namespace

std::unique_ptr<Reducer> make_builtin_reducer(std::unique_ptr<BuiltinReduce> function) {
    return std::make_unique<BuiltinReducer>(std::move(function));
}

std::unique_ptr<Reducer> make_script_reducer(script::Pool &pool,
                                             std::shared_ptr<const script::Program> program,
                                             std::uint32_t function, const ReduceLimits &limits) {
    return std::make_unique<ScriptReducer>(pool, std::move(program), function, limits);
}

} // namespace divan::views
