#include "views/builtin_reduce.h"

#include "views/reduce_functions.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace divan::views {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char *kSumError =
    R"({"error":"builtin_reduce_error","reason":"The _sum function requires that map values be numbers, )"
    R"(arrays of numbers, or objects. Objects cannot be mixed with other data structures. Objects can be )"
    R"(arbitrarily nested, provided that the values for all fields are themselves numbers, arrays of )"
    R"(numbers, or objects.","caused_by":)";

struct Row {
    std::string key;
    std::string value;
};
using Rows = std::vector<Row>;

std::unique_ptr<BuiltinReduce> make(std::string_view source, const ReduceLimits &limits = {}) {
    auto made = make_builtin_reduce(source, limits);
    return made.ok() ? std::move(*made) : nullptr;
}

std::string summarise(const BuiltinReduce &function, std::span<const Row> rows) {
    std::vector<ReduceInput> inputs;
    for (const auto &row : rows)
        inputs.push_back({row.key, row.value, "id"});
    return function.reduce(inputs);
}

std::string combine(const BuiltinReduce &function, const std::vector<std::string> &summaries) {
    return function.combine(std::vector<std::string_view>(summaries.begin(), summaries.end()));
}

// A failure as "!word: reason".
std::string finish(const BuiltinReduce &function, std::string_view summary) {
    auto outcome = function.finish(summary);
    if (const auto *text = std::get_if<std::string>(&outcome))
        return *text;
    const auto &failure = std::get<script::FunctionError>(outcome);
    return "!" + failure.error + ": " + failure.reason;
}

std::string answer(const BuiltinReduce &function, std::span<const Row> rows) {
    return finish(function, summarise(function, rows));
}

std::string answer(std::string_view source, const std::vector<std::string> &values) {
    Rows rows;
    for (const auto &value : values)
        rows.push_back({"1", value});
    return answer(*make(source), rows);
}

class Random {
  public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}
    std::int64_t between(std::int64_t least, std::int64_t greatest) {
        return std::uniform_int_distribution<std::int64_t>(least, greatest)(engine_);
    }
    template <typename T> const T &one_of(const std::vector<T> &choices) {
        return choices[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(choices.size()) - 1))];
    }
    std::string integer() {
        static const std::vector<std::int64_t> kBounds{9, 1'000'000, INT64_MAX};
        auto bound = one_of(kBounds);
        auto text = std::to_string(between(-bound, bound));
        for (auto more = between(-6, 3); more > 0 && text != "0"; --more)
            text += std::to_string(between(0, INT64_MAX));
        return text;
    }
    // Sums of these are exact in any order.
    std::string real() { return json::to_text(json::Value(static_cast<double>(between(-999, 999)) / 8)); }

  private:
    std::mt19937 engine_;
};

// Summaries of stretches of the rows, combined in pieces again: as a tree of random shape does.
std::string summarise_in_parts(const BuiltinReduce &function, std::span<const Row> rows, Random &random) {
    if (rows.size() < 2 || random.between(0, 3) == 0)
        return summarise(function, rows);
    std::vector<std::string> parts;
    while (!rows.empty()) {
        auto count = static_cast<std::size_t>(random.between(1, static_cast<std::int64_t>(rows.size())));
        parts.push_back(summarise_in_parts(function, rows.first(count), random));
        rows = rows.subspan(count);
    }
    return combine(function, parts);
}

template <typename MakeRow> void expect_any_split(std::string_view source, MakeRow make_row) {
    auto function = make(source);
    Random random(7);
    for (int round = 0; round < 300; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(1, 60)));
        for (auto &row : rows)
            row = make_row(random);
        auto whole = answer(*function, rows);
        ASSERT_FALSE(whole.starts_with('!')) << whole;
        for (int split = 0; split < 3; ++split)
            ASSERT_EQ(finish(*function, summarise_in_parts(*function, rows, random)), whole) << source;
    }
}

// ---- names

TEST(BuiltinReduce, KnowsNamesByTheirBeginning) {
    for (const char *name : {"_sum", "_summ", "_sum x", "_count", "_stats", "_approx_count_distinct",
                             "_first", "_last", "_top_1", "_bottom_100"})
        EXPECT_NE(make(name), nullptr) << name;
    EXPECT_EQ(make("_first")->ends(), BuiltinReduce::Ends::first);
    EXPECT_EQ(make("_last")->ends(), BuiltinReduce::Ends::last);
    EXPECT_EQ(make("_sum")->ends(), BuiltinReduce::Ends::none);
    auto script = make_builtin_reduce("function(){}");
    ASSERT_TRUE(script.ok());
    EXPECT_EQ(*script, nullptr);
}

TEST(BuiltinReduce, RefusesOtherNames) {
    auto reason = [](std::string_view source) {
        auto made = make_builtin_reduce(source);
        EXPECT_FALSE(made.ok()) << source;
        EXPECT_EQ(made.error().code(), ErrorCode::invalid_design_doc);
        return made.error().reason();
    };
    EXPECT_EQ(reason("_su"), "`_su` is not a supported reduce function.");
    EXPECT_EQ(reason("_top_0"), "rank value must be between 1 and 100");
    EXPECT_EQ(reason("_bottom_101"), "rank value must be between 1 and 100");
    EXPECT_EQ(reason("_top_"), "invalid rank reducer");
    EXPECT_EQ(reason("_top_5x"), "invalid rank reducer");
}

// ---- _count

TEST(Count, CountsRows) {
    EXPECT_EQ(answer("_count", {"1", "\"x\"", "null"}), "3");
    EXPECT_EQ(combine(*make("_count"), {"3", "4"}), "7");
    expect_any_split("_count", [](Random &random) { return Row{"1", random.integer()}; });
}

// ---- _sum

TEST(Sum, AddsNumbers) {
    EXPECT_EQ(answer("_sum", {"1", "2", "3", "4", "5"}), "15");
    EXPECT_EQ(answer("_sum", {"1.5", "-3.25", "0.1"}), "-1.65");
    EXPECT_EQ(answer("_sum", {"2", "10000000000"}), "10000000002");
    EXPECT_EQ(answer("_sum", {"9007199254740993", "123456789012345678901234567890"}),
              "123456789012354686100489308883");
    EXPECT_EQ(answer("_sum", {"0.5", "0.5"}), "1.0");
    EXPECT_EQ(answer("_sum", {"-0"}), "0");
}

TEST(Sum, AddsArraysPlaceByPlace) {
    EXPECT_EQ(answer("_sum", {"[1,2]", "[1,1,1]", "[3]", "5"}), "[10,3,1]");
    EXPECT_EQ(answer("_sum", {"[3]", "5"}), "[8]");
    EXPECT_EQ(answer("_sum", {"5", "[3]"}), "[8]");
    EXPECT_EQ(answer("_sum", {"[]", "[]"}), "[0]");
    EXPECT_EQ(answer("_sum", {"[]"}), "[0]");
    EXPECT_EQ(answer("_sum", {"[1,\"x\"]"}), "[1,\"x\"]");
    EXPECT_EQ(answer("_sum", {"[1,\"x\"]", "[1]"}), "[2,\"x\"]");
}

TEST(Sum, AddsObjectsNameByName) {
    EXPECT_EQ(
        answer("_sum", {R"({"b":1,"a":2})", R"({"c":{"x":2,"y":[1]}})", R"({"a":1,"c":{"x":1}})", "{}"}),
        R"({"a":3,"b":1,"c":{"x":3,"y":[1]}})");
    EXPECT_EQ(answer("_sum", {R"({"a":1,"c":{"x":1}})", "{}"}), R"({"a":1,"c":{"x":1}})");
    EXPECT_EQ(answer("_sum", {R"({"b":1,"a":"x"})"}), R"({"b":1,"a":"x"})");
    EXPECT_EQ(answer("_sum", {R"({"a":1})", R"({"a":[2,3]})"}), R"({"a":[3,3]})");
}

TEST(Sum, AnswersAnErrorRowForOtherValues) {
    EXPECT_EQ(answer("_sum", {"1", "\"x\""}), std::string(kSumError) + "\"x\"}");
    EXPECT_EQ(answer("_sum", {"null", "null"}), std::string(kSumError) + "null}");
    EXPECT_EQ(answer("_sum", {"1", "true"}), std::string(kSumError) + "true}");
    EXPECT_EQ(answer("_sum", {"[1,\"x\"]", "[1,2]"}), std::string(kSumError) + "[2]}");
    EXPECT_EQ(answer("_sum", {R"({"a":"x"})", R"({"a":1})"}), std::string(kSumError) + "\"x\"}");
    EXPECT_EQ(answer("_sum", {R"({"a":1})", "1"}), std::string(kSumError) + R"({"a":1}})");
    EXPECT_EQ(answer("_sum", {R"({"a":1})", "[1]"}), std::string(kSumError) + R"({"a":1}})");
    EXPECT_THAT(answer("_sum", {"1e308", "1e308"}), StartsWith(R"({"error":"builtin_reduce_error")"));
    EXPECT_THAT(answer("_sum", {"[1e308]", "[1e308]"}), StartsWith(R"({"error":"builtin_reduce_error")"));
}

TEST(Sum, CarriesErrorRowsAlong) {
    auto function = make("_sum");
    auto failed = answer("_sum", {"\"x\""});
    EXPECT_EQ(finish(*function, combine(*function, {"1", failed, "2"})), failed);
    // Also those that a map emitted, and those within other values.
    const std::string emitted = R"({"error":"builtin_reduce_error","x":1})";
    EXPECT_EQ(answer("_sum", {"1", emitted}), emitted);
    EXPECT_EQ(answer("_sum", {R"({"a":)" + emitted + "}", R"({"a":1})"}), emitted);
    // Another error is a member like others.
    EXPECT_EQ(answer("_sum", {R"({"error":1})", R"({"error":2})"}), R"({"error":3})");
}

// The sizes are those that CouchDB 3.5 names for nine nodes of a tree with 300 such objects.
TEST(Sum, RefusesSumsThatGrow) {
    std::vector<std::string> summaries;
    for (int node = 0; node < 9; ++node) {
        json::Object object;
        for (int i = node * 300 / 9; i < (node + 1) * 300 / 9; ++i) {
            auto digits = std::to_string(1'000 + i).substr(1);
            std::string name;
            for (int times = 0; times < 6; ++times)
                name += "k" + digits;
            object.append(name, 1);
        }
        summaries.push_back(json::to_text(object));
    }
    auto overflow = R"({"error":"builtin_reduce_error","reason":"Reduce output must shrink more rapidly: )"
                    R"(input size: 10042 output size: 9909 context: "})";
    EXPECT_EQ(combine(*make("_sum"), summaries), overflow);
    EXPECT_EQ(answer("_sum", {overflow}), overflow);

    ReduceLimits limits;
    limits.on = false;
    auto unlimited = combine(*make("_sum", limits), summaries);
    EXPECT_EQ(json::parse(unlimited)->object().size(), 300U);
    EXPECT_EQ(finish(*make("_sum", limits), unlimited), unlimited);
    EXPECT_THAT(finish(*make("_sum"), unlimited), HasSubstr("input size: 9922 output size: 9909"));
    limits.on = true;
    limits.threshold_bytes = 9'909;
    EXPECT_EQ(combine(*make("_sum", limits), summaries), unlimited);
    limits.threshold_bytes = 5'000;
    limits.ratio = 0.9;
    EXPECT_EQ(finish(*make("_sum", limits), unlimited), unlimited);
}

TEST(Sum, IsTheSameForAnySplit) {
    expect_any_split("_sum", [](Random &random) { return Row{"1", random.integer()}; });
    expect_any_split("_sum", [](Random &random) { return Row{"1", random.real()}; });
    expect_any_split("_sum", [](Random &random) {
        std::string array("[");
        for (auto count = random.between(0, 4); count > 0; --count)
            array += random.integer() + (count > 1 ? "," : "");
        return Row{"1", random.between(0, 3) == 0 ? random.integer() : array + "]"};
    });
    expect_any_split("_sum", [](Random &random) {
        static const std::vector<std::string> kNames{"a", "b", "c", "d"};
        json::Object inner;
        inner.set(random.one_of(kNames), json::Number{random.integer()});
        json::Object outer;
        outer.set("n" + random.one_of(kNames), json::Number{random.real()});
        outer.set("o" + random.one_of(kNames), std::move(inner));
        return Row{"1", json::to_text(outer)};
    });
}

TEST(Sum, AgreesWithTheDefinition) {
    auto function = make("_sum");
    Random random(17);
    for (int round = 0; round < 200; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(1, 40)));
        std::vector<std::int64_t> expected{0};
        for (auto &row : rows) {
            json::Array array;
            for (auto count = static_cast<std::size_t>(random.between(0, 5)); array.size() < count;) {
                auto number = random.between(-1'000, 1'000);
                expected.resize(std::max(expected.size(), array.size() + 1));
                expected[array.size()] += number;
                array.emplace_back(number);
            }
            row = {"1", json::to_text(array)};
        }
        json::Array sums(expected.begin(), expected.end());
        ASSERT_EQ(finish(*function, summarise_in_parts(*function, rows, random)), json::to_text(sums));
    }
}

TEST(Sum, FailsForAnySplit) {
    auto function = make("_sum");
    static const std::vector<std::string> kValues{"1",     "[1,2]",        R"({"a":1})",
                                                  "\"x\"", R"({"a":"x"})", "[1,null]"};
    Random random(9);
    for (int round = 0; round < 500; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(1, 8)));
        for (auto &row : rows)
            row = {"1", random.one_of(kValues)};
        auto fails = [](std::string_view text) {
            return text.starts_with(R"({"error":"builtin_reduce_error")");
        };
        auto whole = answer(*function, rows);
        auto parts = finish(*function, summarise_in_parts(*function, rows, random));
        ASSERT_EQ(fails(whole), fails(parts)) << whole << "\n" << parts;
        if (!fails(whole)) {
            ASSERT_EQ(whole, parts);
        }
    }
}

// ---- _stats

TEST(Stats, OfNumbers) {
    EXPECT_EQ(answer("_stats", {"1", "2", "3", "4", "5"}),
              R"({"sum":15,"count":5,"min":1,"max":5,"sumsqr":55})");
    EXPECT_EQ(answer("_stats", {"2", "10000000000"}),
              R"({"sum":10000000002,"count":2,"min":2,"max":10000000000,"sumsqr":100000000000000000004})");
    EXPECT_EQ(answer("_stats", {"1.5", "-3.25", "0.1"}),
              R"({"sum":-1.65,"count":3,"min":-3.25,"max":1.5,"sumsqr":12.8225})");
}

TEST(Stats, OfFiguresAndArrays) {
    EXPECT_EQ(answer("_stats", {R"({"sum":3,"count":2,"min":1,"max":2,"sumsqr":5})", "4"}),
              R"({"sum":7,"count":3,"min":1,"max":4,"sumsqr":21})");
    EXPECT_EQ(answer("_stats", {"[1,2]", "[3,4]"}), R"([{"sum":4,"count":2,"min":1,"max":3,"sumsqr":10},)"
                                                    R"({"sum":6,"count":2,"min":2,"max":4,"sumsqr":20}])");
    EXPECT_EQ(answer("_stats", {"[]", "[]"}), "[]");
    EXPECT_EQ(answer("_stats", {R"([[1,{"sum":3,"count":2,"min":1,"max":2,"sumsqr":5}]])", "[[2,4]]"}),
              R"([[{"sum":3,"count":2,"min":1,"max":2,"sumsqr":5},)"
              R"({"sum":7,"count":3,"min":1,"max":4,"sumsqr":21}]])");
}

TEST(Stats, FailsForOtherValues) {
    EXPECT_EQ(answer("_stats", {"null"}), "!invalid_value: non-numeric _stats input: null");
    EXPECT_EQ(answer("_stats", {"1", "\"x\""}), "!invalid_value: non-numeric _stats input: \"x\"");
    EXPECT_EQ(answer("_stats", {R"({"sum":3,"count":2})", "4"}),
              "!invalid_value: user _stats input missing required field min ({\"sum\":3,\"count\":2})");
    EXPECT_EQ(answer("_stats", {R"({"sum":3,"count":"2"})"}),
              "!invalid_value: non-numeric _stats input received for count: \"2\"");
    EXPECT_THAT(answer("_stats", {"[1,2]", "[3]"}), StartsWith("!invalid_value: "));
    EXPECT_THAT(answer("_stats", {"[1,2]", "3"}), StartsWith("!invalid_value: "));
    EXPECT_THAT(answer("_stats", {"1e200"}), AllOf(StartsWith("!invalid_value: "), HasSubstr("too large")));
    auto long_one = answer("_stats", {"\"" + std::string(998, 'x') + "\u00e9\u00e9\u00e9\""});
    EXPECT_TRUE(json::parse("\"" + long_one.substr(long_one.find('x')) + "\"").ok());
    EXPECT_LT(long_one.size(), 1'100U);

    auto function = make("_stats");
    Rows row{{"1", "null"}};
    auto failed = summarise(*function, row);
    EXPECT_EQ(
        finish(*function, combine(*function, {R"({"sum":3,"count":2,"min":1,"max":2,"sumsqr":5})", failed})),
        "!invalid_value: non-numeric _stats input: null");
}

TEST(Stats, AgreesWithTheDefinition) {
    auto function = make("_stats");
    Random random(21);
    for (int round = 0; round < 200; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(1, 50)));
        std::int64_t sum = 0;
        std::int64_t squares = 0;
        std::vector<std::int64_t> values;
        for (auto &row : rows) {
            values.push_back(random.between(-1'000, 1'000));
            sum += values.back();
            squares += values.back() * values.back();
            row = {"1", std::to_string(values.back())};
        }
        auto [least, greatest] = std::ranges::minmax(values);
        std::string expected;
        json::ObjectWriter(expected)
            .member("sum", sum)
            .member("count", static_cast<std::int64_t>(values.size()))
            .member("min", least)
            .member("max", greatest)
            .member("sumsqr", squares)
            .close();
        ASSERT_EQ(finish(*function, summarise_in_parts(*function, rows, random)), expected);
    }
}

TEST(Stats, IsTheSameForAnySplit) {
    expect_any_split("_stats", [](Random &random) { return Row{"1", random.integer()}; });
    expect_any_split("_stats", [](Random &random) {
        return Row{"1", random.between(0, 1) == 0 ? random.real() : std::to_string(random.between(-9, 9))};
    });
    expect_any_split("_stats", [](Random &random) {
        return Row{"1", "[" + random.integer() + ",[" + random.integer() + "]]"};
    });
}

// ---- _approx_count_distinct

TEST(Distinct, CountsFewKeysExactly) {
    auto function = make("_approx_count_distinct");
    Rows rows;
    for (int i = 0; i < 128; ++i) {
        rows.push_back({std::to_string(i), "null"});
        rows.push_back({std::to_string(i), "1"});
        ASSERT_EQ(answer(*function, rows), std::to_string(i + 1));
    }
    // By the text of the key.
    EXPECT_EQ(answer(*function, Rows{{"1", "null"}, {"1.0", "null"}}), "2");
}

TEST(Distinct, EstimatesManyKeys) {
    auto function = make("_approx_count_distinct");
    double worst = 0;
    for (int count : {129, 300, 1'000, 3'000, 10'000, 100'000}) {
        Rows rows;
        for (int i = 0; i < count; ++i)
            rows.push_back({std::to_string(i), "null"});
        auto estimate = std::stod(answer(*function, rows));
        worst = std::max(worst, std::abs(estimate / count - 1));
    }
    EXPECT_LT(worst, 0.06); // standard error: 1.04 / sqrt(2048) = 2.3 %
}

TEST(Distinct, IsTheSameForAnySplit) {
    expect_any_split("_approx_count_distinct",
                     [](Random &random) { return Row{std::to_string(random.between(0, 40)), "1"}; });
    auto function = make("_approx_count_distinct");
    Random random(4);
    for (int round = 0; round < 20; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(100, 2'000)));
        for (auto &row : rows)
            row = {random.integer(), "1"};
        auto parts = summarise_in_parts(*function, rows, random);
        ASSERT_EQ(parts, summarise(*function, rows));
    }
}

TEST(Distinct, TakesRegistersInRangeOnly) {
    auto function = make("_approx_count_distinct");
    EXPECT_EQ(finish(*function, "d" + std::string(2'048, '\0')), "0");
    EXPECT_FALSE(finish(*function, "d" + std::string(2'048, '\x36')).starts_with('!'));
    EXPECT_TRUE(finish(*function, "d" + std::string(2'048, '\x37')).starts_with('!'));
    EXPECT_TRUE(finish(*function, "d" + std::string(2'047, '\0')).starts_with('!'));
}

// ---- _top_N and _bottom_N

TEST(Rank, BestValuesOnce) {
    const std::vector<std::string> values{"3", "1", "3", "2", "\"a\"", "null"};
    EXPECT_EQ(answer("_top_2", values), R"(["a",3])");
    EXPECT_EQ(answer("_top_1", values), R"(["a"])");
    EXPECT_EQ(answer("_bottom_2", values), "[null,1]");
    EXPECT_EQ(answer("_bottom_10", values), R"([null,1,2,3,"a"])");
    EXPECT_EQ(answer("_top_2", {"2", "1"}), "[2,1]");
}

TEST(Rank, AgreesWithSorting) {
    auto function = make("_top_5");
    Random random(11);
    for (int round = 0; round < 200; ++round) {
        Rows rows(static_cast<std::size_t>(random.between(1, 40)));
        std::set<std::int64_t, std::greater<>> values;
        for (auto &row : rows)
            row = {"1", std::to_string(*values.insert(random.between(-20, 20)).first)};
        std::string expected;
        for (auto value : values)
            if (std::ranges::count(expected, ',') < 5)
                expected += std::to_string(value) + ",";
        expected.back() = ']';
        ASSERT_EQ(finish(*function, summarise_in_parts(*function, rows, random)), "[" + expected);
    }
}

TEST(Rank, IsTheSameForAnySplit) {
    for (const char *source : {"_top_3", "_bottom_4"})
        expect_any_split(source, [](Random &random) {
            static const std::vector<std::string> kValues{"1",           "1.0",        "\"a\"", "\"A\"",
                                                          "\"e\u0301\"", "\"\u00e9\"", "[1,2]", "{}",
                                                          "null",        "2.5",        "true"};
            return Row{"1", random.one_of(kValues)};
        });
}

// ---- _first and _last

TEST(Ends, OfTheRows) {
    const std::vector<std::string> values{"3", "\"x\"", R"({"a":1})"};
    EXPECT_EQ(answer("_first", values), "3");
    EXPECT_EQ(answer("_last", values), R"({"a":1})");
    for (const char *source : {"_first", "_last"})
        expect_any_split(source, [](Random &random) { return Row{"1", random.integer()}; });
}

// ---- summaries from a damaged disk

TEST(BuiltinReduce, AnswersAnErrorForDamagedSummaries) {
    for (const char *source :
         {"_sum", "_count", "_stats", "_approx_count_distinct", "_first", "_last", "_top_3", "_bottom_3"}) {
        auto function = make(source);
        Rows rows{{"1", "1"}, {"2", "2"}};
        auto good = summarise(*function, rows);
        for (const char *bad : {"?", "x", "[1", "s1234567", "d12"}) {
            EXPECT_THAT(finish(*function, bad), StartsWith("!internal_server_error: ")) << source << bad;
            EXPECT_THAT(finish(*function, combine(*function, {bad, bad})),
                        StartsWith("!internal_server_error: "))
                << source << bad;
        }
        EXPECT_THAT(finish(*function, ""), testing::AnyOf(StartsWith("!internal_server_error: "), "[]"))
            << source;
        Random random(13);
        for (int round = 0; round < 3'000; ++round) {
            auto bytes = good;
            if (random.between(0, 1) == 0)
                bytes.resize(static_cast<std::size_t>(random.between(0, 40)), '1');
            for (auto &byte : bytes)
                if (random.between(0, 3) == 0)
                    byte = static_cast<char>(random.between(0, 255));
            auto outcome = finish(*function, combine(*function, {good, bytes, good}));
            ASSERT_TRUE(outcome.starts_with('!') || json::parse(outcome).ok()) << source << outcome;
            outcome = finish(*function, bytes);
            ASSERT_TRUE(outcome.starts_with('!') || json::parse(outcome).ok()) << source << outcome;
        }
    }
}

} // namespace
} // namespace divan::views
