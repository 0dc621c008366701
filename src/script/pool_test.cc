// The contract of pool.h, with real workers.

#include "script/pool_testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <initializer_list>
#include <thread>

namespace divan::script {
namespace {

using testing::call;
using ::testing::ElementsAre;
using testing::emitted;
using ::testing::HasSubstr;
using testing::map;
using testing::options;
using testing::program;
using testing::text;

TEST(PoolTest, MapsEveryFunctionOnEveryDocument) {
    Pool pool(options());
    auto answer =
        map(pool, program({"function(doc) { emit(doc._id, doc.n); }", "doc => emit([doc.n, null])"}),
            {R"({"_id":"a","n":1})", R"({"_id":"b","n":2.5})"});
    EXPECT_EQ(text(answer), "0/0 \"a\" 1\n0/1 [1,null] null\n1/0 \"b\" 2.5\n1/1 [2.5,null] null\n");
}

TEST(PoolTest, FunctionThatThrowsEmitsNothing) {
    Pool pool(options());
    auto answer =
        map(pool, program({"function(doc) { emit(1); if (doc.bad) doc.x.y; }"}), {R"({"bad":1})", "{}"});
    EXPECT_EQ(text(answer), "1/0 1 null\n0/0 TypeError: f0: TypeError: doc.x is undefined (line 1)\n");
}

TEST(PoolTest, ReducesRowsAndThenWhatCameOut) {
    Pool pool(options());
    auto sums = program({"function(keys, values, rereduce) { return [rereduce, keys ? keys.length : 0, "
                         "sum(values.map(v => v[2] || v))]; }"});
    ReduceRows three{R"([["a","1"],["b","2"],["c","3"]])", "[1,2,3]"};
    auto answer = wait_for<ReduceAnswer>([&](auto done) {
        pool.reduce(
            {sums, {{0, {three}, {}}, {0, {three, three}, {}}, {0, {three}, {"[0,0,10]"}}, {0, {}, {"5"}}}},
            std::move(done));
    });
    ASSERT_TRUE(answer.ok()) << answer.error().reason();
    std::vector<std::string> texts;
    for (const auto &value : answer->values)
        texts.push_back(text(value));
    EXPECT_THAT(texts, ElementsAre("[false,3,6]", "[true,0,12]", "[true,0,16]", "[true,0,5]"));
}

TEST(PoolTest, CallsWithLibraryAsThisAndSaysWhatWasThrown) {
    Pool pool(options());
    auto functions =
        program({"function(a, b) { return [this.name, a.x, b, require('lib/m').twice(b)]; }",
                 "function(doc) { throw({forbidden: 'no ' + doc}); }",
                 "function(doc) { throw({unauthorized: {a: 1}}); }",
                 "function(doc) { throw(['error', 'word', 'reason']); }", "function(doc) { throw 'text'; }",
                 "function(doc) { return undefined; }", "function(doc) { nowhere(); }"},
                R"({"name":"d","lib":{"m":"exports.twice = function(n) { return 2 * n; };"}})");
    auto texts =
        call(pool, functions,
             {{0, {"{\"x\":\"\u00e9\"}", "4"}}, {1, {"1"}}, {2, {}}, {3, {}}, {4, {}}, {5, {}}, {6, {}}});
    EXPECT_THAT(texts, ElementsAre("[\"d\",\"\u00e9\",4,8]", "forbidden: no 1", "unauthorized: {\"a\":1}",
                                   "word: reason", "unknown_error: f4: text", "null",
                                   "ReferenceError: f6: ReferenceError: nowhere is not defined (line 1)"));
}

TEST(PoolTest, CompilesWhatCouchdbTakes) {
    Pool pool(options());
    auto functions = program({
        "function(doc) { emit(doc._id); }",
        "function named(doc) {}",
        "doc => emit(doc._id)",
        "  // first\nfunction(doc) {};  // last",
        "(function(doc) {})",
        "var helper = function() { return 1; };\nfunction(doc) { emit(helper()); }",
        "const helper = 2; (doc) => emit(helper);",
        "function(doc",
        "x",
        "1",
        "",
    });
    auto errors = wait_for<std::vector<std::optional<FunctionError>>>(
        [&](auto done) { pool.compile(functions, std::move(done)); });
    ASSERT_TRUE(errors.ok()) << errors.error().reason();
    std::vector<std::string> texts;
    for (const auto &error : *errors)
        texts.push_back(error ? error->error + ": " + error->reason : "");
    EXPECT_THAT(texts,
                ElementsAre("", "", "", "", "", "", "", HasSubstr("compilation_error: f7: SyntaxError: "),
                            HasSubstr("compilation_error: f8: ReferenceError: x is not defined"),
                            "compilation_error: f9: Expression does not eval to a function.",
                            "not_found: missing function"));
    EXPECT_EQ(text(map(pool, functions, {"{\"_id\":\"a\"}"})).substr(0, 60),
              "0/0 \"a\" null\n0/2 \"a\" null\n0/5 1 null\n0/6 2 null\n0/7 compilat");
}

TEST(PoolTest, ReduceThatDoesNotShrinkIsRefusedInCouchdbsWords) {
    Pool pool(options());
    // The example that CouchDB 3.5 answered with an input size of 149 and an output size of 20004.
    auto grows = program({R"js(function(k,v,r){var s="";for(var i=0;i<20000;i++)s+="x";return s})js"});
    std::string keys = "[";
    std::string values = "[";
    for (int i = 0; i < 5; ++i) {
        keys += (i == 0 ? "" : ",") + std::string("[1,\"d0") + std::to_string(i) + "\"]";
        values += (i == 0 ? "" : ",") + std::string("\"xxxxxxxxxx\"");
    }
    ReduceRequest request{grows, {{0, {{keys + "]", values + "]"}}, {}}}};
    auto reduce = [&] {
        auto answer =
            wait_for<ReduceAnswer>([&](auto done) { pool.reduce(ReduceRequest(request), std::move(done)); });
        return answer.ok() ? text(answer->values.at(0)) : answer.error().reason();
    };
    EXPECT_EQ(reduce(),
              "reduce_overflow_error: Reduce output must shrink more rapidly: input size: 149 output "
              "size: 20004 context: ");
    request.limit_threshold_bytes = 30'000;
    EXPECT_EQ(reduce().size(), 20'002U);
    request.limit_threshold_bytes = 5'000;
    request.limit = false;
    EXPECT_EQ(reduce().size(), 20'002U);
}

TEST(PoolTest, ReduceThatFailsSaysSo) {
    Pool pool(options());
    auto functions =
        program({"function(k, v, r) { if (r) throw {error: 'e', reason: 'r'}; return k[0][2].x; }",
                 "function(k, v) { return v.length; }"});
    ReduceRows one{R"([["a","1"]])", "[1]"};
    auto answer = wait_for<ReduceAnswer>([&](auto done) {
        pool.reduce({functions, {{0, {one}, {}}, {0, {}, {"1", "2"}}, {1, {one, one}, {}}}}, std::move(done));
    });
    ASSERT_TRUE(answer.ok());
    EXPECT_THAT(text(answer->values.at(0)), HasSubstr("TypeError: f0: TypeError: k[0][2] is undefined"));
    EXPECT_EQ(text(answer->values.at(1)), "e: r");
    EXPECT_EQ(text(answer->values.at(2)), "2");
}

TEST(PoolTest, ManySlowDocumentsAreNoTimeout) {
    auto impatient = options();
    impatient.function_timeout = Millis(100);
    Pool pool(impatient);
    std::string slow = "var end = Date.now() + 30; while (Date.now() < end);";
    auto maps = program(
        {"function(doc) { " + slow + " emit(doc.n, 0); }", "function(doc) { " + slow + " emit(doc.n, 1); }"});
    std::vector<std::string> documents;
    std::string expected;
    for (int i = 0; i < 12; ++i) {
        documents.push_back("{\"n\":" + std::to_string(i) + "}");
        for (int function = 0; function < 2; ++function)
            expected += std::to_string(i) + "/" + std::to_string(function) + " " + std::to_string(i) + " " +
                        std::to_string(function) + "\n";
    }
    EXPECT_EQ(text(map(pool, maps, documents)), expected);
    EXPECT_EQ(pool.stats().killed, 0U);

    auto reduces = program({"function(k, v, r) { " + slow + " return sum(v); }"});
    ReduceItem item{0, std::vector<ReduceRows>(12, {"[[1,\"a\"]]", "[2]"}), {"100"}};
    auto answer =
        wait_for<ReduceAnswer>([&](auto done) { pool.reduce({reduces, {item, item}}, std::move(done)); });
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(text(answer->values.at(0)), "124");
    EXPECT_EQ(text(answer->values.at(1)), "124");
}

TEST(PoolTest, ProgramsThatWereForgottenAreSentAgain) {
    auto small = options();
    small.programs_max = 2;
    Pool pool(small);
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 4; ++i)
            EXPECT_EQ(emitted(pool, std::to_string(i)), "0/0 " + std::to_string(i) + " null\n");
    EXPECT_EQ(pool.stats().workers, 1U);
}

TEST(PoolTest, FullQueueIsSaidAtOnce) {
    auto small = options();
    small.workers_max = 1;
    small.queue_max = 1;
    Pool pool(small);
    auto slow = program({"function() { var end = Date.now() + 200; while (Date.now() < end); }"});
    std::vector<std::future<Result<MapAnswer>>> answers;
    for (int i = 0; i < 3; ++i) {
        auto promise = std::make_shared<std::promise<Result<MapAnswer>>>();
        answers.push_back(promise->get_future());
        pool.map({slow, {"{}"}},
                 [promise](Result<MapAnswer> answer) { promise->set_value(std::move(answer)); });
    }
    auto refused = answers[2].get();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::service_unavailable);
    EXPECT_TRUE(answers[0].get().ok());
    EXPECT_TRUE(answers[1].get().ok());
}

TEST(PoolTest, EndingCancelsWhatWaitsAndWhatRuns) {
    std::vector<std::future<Result<MapAnswer>>> answers;
    {
        auto one = options();
        one.workers_max = 1;
        Pool pool(one);
        map(pool, program({"doc => 1"}), {"{}"});
        for (int i = 0; i < 3; ++i) {
            auto promise = std::make_shared<std::promise<Result<MapAnswer>>>();
            answers.push_back(promise->get_future());
            pool.map({program({"doc => { while (true); }"}), {"{}"}},
                     [promise](Result<MapAnswer> answer) { promise->set_value(std::move(answer)); });
        }
    }
    for (auto &future : answers) {
        auto answer = future.get();
        ASSERT_FALSE(answer.ok());
        EXPECT_EQ(answer.error().code(), ErrorCode::cancelled);
    }
}

TEST(PoolTest, ReleaseEndsWhatRunsForADatabase) {
    Pool pool(options());
    map(pool, program({"doc => 1"}), {"{}"});
    std::promise<Result<MapAnswer>> promise;
    pool.map({program({"doc => { while (true); }"}), {"{}"}},
             [&promise](Result<MapAnswer> answer) { promise.set_value(std::move(answer)); });
    pool.release("db");
    auto answer = promise.get_future().get();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::script_failed);
    EXPECT_EQ(emitted(pool, "1"), "0/0 1 null\n");
}

TEST(PoolTest, NewOptionsAreThoseOfNewWorkers) {
    auto given = options();
    Pool pool(given);
    EXPECT_EQ(emitted(pool, "1"), "0/0 1 null\n");
    given.function_timeout = Millis(50);
    given.command = {"/bin/false"};
    pool.set_options(given);
    EXPECT_EQ(emitted(pool, "(function() { while (true); })()"),
              "0/0 timeout: f0: it ran for more than 50 ms and was stopped\n");
}

TEST(PoolTest, IdleWorkersAreEnded) {
    auto given = options();
    given.idle_max = Millis(1);
    Pool pool(given);
    EXPECT_EQ(emitted(pool, "1"), "0/0 1 null\n");
    while (pool.stats().workers > 0)
        std::this_thread::yield();
    EXPECT_EQ(emitted(pool, "2"), "0/0 2 null\n");
    EXPECT_EQ(pool.stats().killed, 0U);
}

TEST(PoolTest, CommandThatIsNoneIsAnError) {
    auto given = options();
    given.command = {"/nowhere"};
    Pool pool(given);
    auto answer =
        wait_for<MapAnswer>([&](auto done) { pool.map({program({"doc => 1"}), {"{}"}}, std::move(done)); });
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::script_failed);
}

} // namespace
} // namespace divan::script
