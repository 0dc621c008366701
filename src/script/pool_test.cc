// The contract of pool.h, with real workers.

#include "script/pool_testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::script {
namespace {

using testing::call;
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
    EXPECT_THAT(texts, ::testing::ElementsAre("[false,3,6]", "[true,0,12]", "[true,0,16]", "[true,0,5]"));
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
    auto texts = call(pool, functions,
                      {{0, {R"({"x":"é"})", "4"}}, {1, {"1"}}, {2, {}}, {3, {}}, {4, {}}, {5, {}}, {6, {}}});
    EXPECT_THAT(
        texts, ::testing::ElementsAre("[\"d\",\"\u00e9\",4,8]", "forbidden: no 1", "unauthorized: {\"a\":1}",
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
    EXPECT_THAT(texts, ::testing::ElementsAre(
                           "", "", "", "", "", "", "", HasSubstr("compilation_error: f7: SyntaxError: "),
                           HasSubstr("compilation_error: f8: ReferenceError: x is not defined"),
                           "compilation_error: f9: Expression does not eval to a function.",
                           "not_found: missing function"));
    EXPECT_EQ(text(map(pool, functions, {"{\"_id\":\"a\"}"})).substr(0, 60),
              "0/0 \"a\" null\n0/2 \"a\" null\n0/5 1 null\n0/6 2 null\n0/7 compilat");
}

// Rows of a list, and what it wrote.
struct Rows final : RowSource {
    explicit Rows(std::vector<std::vector<std::string>> its_pages) : pages(std::move(its_pages)) {}
    Result<std::vector<std::string>> next() override {
        if (page == pages.size())
            return std::vector<std::string>();
        return pages[page++];
    }
    bool write(const std::optional<std::string> &start, std::string chunks) override {
        if (start)
            written += "<" + *start + ">";
        written += chunks;
        return listening;
    }
    std::vector<std::vector<std::string>> pages;
    std::size_t page = 0;
    std::string written;
    bool listening = true;
};

std::string list(Pool &pool, const std::string &source, Rows &rows, const std::string &request = "{}") {
    auto made = program({source}, "{}");
    made->renders = true;
    auto answer = wait_for<CallAnswer>(
        [&](auto done) { pool.list({made, {0, {"{}", request}}, &rows}, std::move(done)); });
    return answer.ok() ? text(answer->values.at(0)) : std::string(answer.error().reason());
}

TEST(PoolTest, ListReadsRowsAndWritesText) {
    Pool pool(options());
    Rows rows({{R"({"key":1})", R"({"key":2})"}, {R"({"key":3})"}});
    EXPECT_EQ(list(pool,
                   "function(head, req) { start({headers: {A: 'b'}}); send('['); var row;"
                   " while (row = getRow()) send(row.key); return ']'; }",
                   rows),
              "null");
    EXPECT_EQ(rows.written, R"(<{"headers":{"A":"b"}}>[123])");
}

TEST(PoolTest, ShowAnswersWhatItProvides) {
    Pool pool(options());
    auto shows = program(
        {"function(doc, req) { provides('html', () => '<b>'); provides('json', () => ({body: '{}'})); }",
         "function(doc, req) { return 'hello ' + doc.name; }", "function(doc, req) { return doc.name; }"},
        "{}");
    shows->renders = true;
    EXPECT_THAT(call(pool, shows,
                     {{0, {"{}", R"({"headers":{"Accept":"application/json"}})"}},
                      {0, {"{}", R"({"headers":{"Accept":"image/png"}})"}},
                      {1, {R"({"name":"x"})", "{}"}},
                      {2, {"null", R"({"path":["db","_design","d","_show","s","id"]})"}}}),
                ::testing::ElementsAre(
                    R"({"body":"{}","headers":{"Content-Type":"application/json"}})",
                    HasSubstr("not_acceptable: Content-Type image/png not supported, try one of: "),
                    R"({"body":"hello x"})", "not_found: document not found"));
}

} // namespace
} // namespace divan::script
