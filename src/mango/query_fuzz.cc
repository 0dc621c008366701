// Queries as clients send them: read, planned, and what is matched is in what is read.

#include "collation/sort_key.h"
#include "mango/bookmark.h"
#include "mango/source.h"
#include "mango/testing_indexes.h"
#include "selector/selector.h"

using namespace divan;        // NOLINT
using namespace divan::mango; // NOLINT

namespace {

class NoEstimator final : public Estimator {
  public:
    Result<std::uint64_t> rows(const Index & /*index*/, std::span<const views::RowSpan> spans) override {
        return std::uint64_t{spans.size()};
    }
    Result<std::uint64_t> documents() override { return std::uint64_t{1'000}; }
};

const Indexes &indexes() {
    static const Indexes all = {std::make_shared<Index>(), test_index("d", "a", {"a"}),
                                test_index("d", "ab", {"a", "b"}), test_index("d", "tags", {"tags.[]"}),
                                test_index("p", "p", {"b"}, R"({"a":1})")};
    return all;
}

void check_spans(const Plan &plan, const Query &query) {
    selector::Matcher matcher(query.selector);
    for (const auto &scan : plan.scans)
        for (std::size_t i = 1; i < scan.spans.size(); ++i)
            DIVAN_CHECK(!scan.spans[i - 1].end.empty() && scan.spans[i - 1].end <= scan.spans[i].begin);
    if (plan.kind != Plan::Kind::index || plan.index()->name() != "a")
        return;
    for (const char *value : {"null", "1", "\"x\"", "[1]", "{\"k\":1}"}) {
        if (!matcher.matches(std::string(R"({"_id":"d","a":)") + value + "}"))
            continue;
        auto position = position_of(*plan.index(), "", parsed("[" + std::string(value) + "]"), "d");
        bool inside = false;
        for (const auto &span : plan.scan().spans)
            inside |= position >= span.begin && (span.end.empty() || position < span.end);
        DIVAN_CHECK(inside);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    ignore_error(decode_bookmark(text), "any text may come");
    auto body = json::parse(text, {.depth_max = 200});
    if (!body.ok() || !body->is_object())
        return 0;
    ignore_error(read_new_index(body->object(), {}), "any body may come");
    auto query = read_query(body->object(), std::nullopt, {});
    if (!query.ok())
        return 0;
    NoEstimator estimator;
    auto plan = make_plan(indexes(), *query, std::nullopt, estimator, {});
    if (plan.ok())
        check_spans(*plan, *query);
    return 0;
}
