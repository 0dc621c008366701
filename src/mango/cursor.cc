#include "mango/cursor.h"

#include "mango/cursors.h"
#include "mango/projection.h"

#include <fmt/format.h>

namespace divan::mango {
namespace {

constexpr std::size_t kPageBytesMax = 1 << 20;

class NothingCursor final : public Cursor {
  public:
    explicit NothingCursor(bool counted) : counted_(counted) {}
    Result<bool> next(std::vector<std::string> & /*rows*/) override { return false; }
    [[nodiscard]] std::string bookmark() const override { return {}; }
    [[nodiscard]] Statistics statistics() const override { return {}; }
    [[nodiscard]] std::optional<std::uint64_t> count() const override {
        return counted_ ? std::optional<std::uint64_t>(0) : std::nullopt;
    }

  private:
    bool counted_;
};

// Documents in the order of the source.
class DocumentCursor final : public Cursor {
  public:
    DocumentCursor(const SourceContext &context, std::unique_ptr<Source> source, Projection projection)
        : context_(context), source_(std::move(source)), projection_(std::move(projection)),
          skip_(context.query.skip), limit_(context.query.limit) {
        if (context.query.count)
            counter_.emplace(context);
    }

    Result<bool> next(std::vector<std::string> &rows) override {
        std::size_t bytes = 0;
        if (more_ && limit_ > 0) {
            DIVAN_TRY(more_, source_->next([&](const Match &match) { return take(match, rows, bytes); }));
            if ((more_ && limit_ > 0) || counter_)
                return true;
        }
        return counter_ ? counter_->next() : Result<bool>(false);
    }
    [[nodiscard]] std::string bookmark() const override {
        return last_ ? encode_bookmark(*last_) : context_.query.bookmark.value_or("");
    }
    [[nodiscard]] Statistics statistics() const override {
        auto statistics = source_->statistics();
        statistics.results_returned = returned_;
        return statistics;
    }
    [[nodiscard]] std::optional<std::uint64_t> count() const override {
        return counter_ ? std::optional(counter_->count()) : std::nullopt;
    }

  private:
    bool take(const Match &match, std::vector<std::string> &rows, std::size_t &bytes) {
        note(match);
        if (skip_ > 0) {
            --skip_;
            return true;
        }
        auto &row = rows.emplace_back();
        projection_.append(row, match.text);
        bytes += row.size();
        ++returned_;
        return --limit_ > 0 && bytes < kPageBytesMax;
    }

    void note(const Match &match) {
        if (!last_)
            last_.emplace();
        const auto *index = context_.plan.index();
        last_->index = index == nullptr ? "" : name_of(*index);
        last_->id = match.id;
        last_->key = match.key.empty() ? json::Value() : json::Value(json::Raw{std::string(match.key)});
    }

    const SourceContext context_;
    std::unique_ptr<Source> source_;
    Projection projection_;
    std::uint64_t skip_, limit_;
    std::uint64_t returned_ = 0;
    std::optional<Bookmark> last_;
    bool more_ = true;
    std::optional<MatchCounter> counter_;
};

// ---- warnings

std::string wrong_index(const Query &query, const Index *index) {
    if (query.use_index.empty())
        return {};
    if (index != nullptr && is_asked_for(*index, query))
        return {};
    auto ddoc = design_name(query.use_index[0]);
    if (query.use_index.size() == 1)
        return fmt::format(
            "_design/{} was not used because it does not contain a valid index for this query.", ddoc);
    return fmt::format("_design/{}, {} was not used because it is not a valid index for this query.", ddoc,
                       query.use_index[1]);
}

} // namespace

Result<bool> MatchCounter::next() {
    if (context_.plan.kind == Plan::Kind::index && context_.plan.scan().exact) {
        DIVAN_TRY(count_, count_rows(context_, context_.plan.scan()));
        return false;
    }
    if (source_ == nullptr) {
        DIVAN_TRY(source_, open_source(context_, std::nullopt));
    }
    return source_->next([&](const Match & /*match*/) {
        ++count_;
        return true;
    });
}

Result<std::unique_ptr<Cursor>> open_cursor(const SourceContext &context, const CursorOptions &options) {
    const auto &query = context.query;
    if (query.is_grouped())
        return open_group_cursor(context, options);
    if (context.plan.kind == Plan::Kind::nothing)
        return std::unique_ptr<Cursor>(std::make_unique<NothingCursor>(query.count));
    if (context.plan.sort_in_memory)
        return open_sort_cursor(context, options);
    std::optional<Bookmark> from;
    if (query.bookmark) {
        DIVAN_TRY(from, decode_bookmark(*query.bookmark));
    }
    DIVAN_TRY(auto projection,
              Projection::make(gives_answers(context) ? std::vector<std::string>() : query.fields));
    DIVAN_TRY(auto source, open_source(context, from));
    return std::unique_ptr<Cursor>(
        std::make_unique<DocumentCursor>(context, std::move(source), std::move(projection)));
}

Warnings warnings(const Query &query, const Plan &plan, const Statistics &statistics,
                  const CursorOptions &options) {
    Warnings told;
    auto add = [&](std::string_view line) {
        if (!line.empty())
            told.text.append(told.text.empty() ? "" : "\n").append(line);
        return !line.empty();
    };
    const auto *chosen = plan.choice.index.get();
    told.wrong_index = add(wrong_index(query, plan.index() != nullptr ? plan.index() : chosen));
    if (chosen != nullptr && chosen->is_special() && plan.kind == Plan::Kind::documents)
        told.no_index = add("No matching index found, create an index to optimize query time.");
    if (plan.sort_in_memory)
        add("Sorted in memory: create an index on the sort fields to optimize query time: " +
            missing_index(query));
    const auto returned = std::max<std::uint64_t>(statistics.results_returned, 1);
    const auto threshold = options.index_scan_warning_threshold;
    if (threshold > 0 && !query.is_grouped() && statistics.documents_examined > threshold * returned)
        told.many_documents =
            add("The number of documents examined is high in proportion to the number of results returned. "
                "Consider adding a more specific index to improve this.");
    if (statistics.regexes_given_up > 0)
        add("A $regex took too many steps on some documents, which count as no match.");
    return told;
}

} // namespace divan::mango
