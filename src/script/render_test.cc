// Lists and shows.

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

TEST(RenderTest, ListReadsRowsAndWritesText) {
    Pool pool(options());
    Rows rows({{R"({"key":1})", R"({"key":2})"}, {R"({"key":3})"}});
    EXPECT_EQ(list(pool,
                   "function(head, req) { start({headers: {A: 'b'}}); send('['); var row;"
                   " while (row = getRow()) send(row.key); return ']'; }",
                   rows),
              "null");
    EXPECT_EQ(rows.written, R"(<{"headers":{"A":"b"}}>[123])");
}

TEST(RenderTest, ShowAnswersWhatItProvides) {
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
                ElementsAre(R"({"body":"{}","headers":{"Content-Type":"application/json"}})",
                            HasSubstr("not_acceptable: Content-Type image/png not supported, try one of: "),
                            R"({"body":"hello x"})", "not_found: document not found"));
}

TEST(RenderTest, ListSaysWhatWentWrong) {
    Pool pool(options());
    Rows rows({{"{\"key\":1}"}});
    EXPECT_THAT(list(pool, "function(head, req) { send('a'); getRow(); send('b'); nowhere(); }", rows),
                HasSubstr("render_error: function raised error: "));
    EXPECT_EQ(rows.written, "<{\"headers\":{}}>a");
    Rows more({{"{\"key\":1}"}});
    EXPECT_EQ(list(pool, "function(head, req) { throw ['error', 'not_found', 'no']; }", more),
              "not_found: no");
    EXPECT_EQ(more.written, "");
}

TEST(RenderTest, ListWithoutRowsWritesWhatItReturns) {
    Pool pool(options());
    Rows rows({});
    EXPECT_EQ(list(pool,
                   "function(head, req) { provides('json', function() { return '{}'; });"
                   " provides('html', function() { return '<p>'; }); }",
                   rows, R"({"headers":{"Accept":"text/html,*/*;q=0.1"}})"),
              "null");
    EXPECT_EQ(rows.written, R"(<{"headers":{"Content-Type":"text/html; charset=utf-8"}}><p>)");
    Rows unread({{"{}"}});
    EXPECT_EQ(list(pool, "function(head, req) { return 'tail'; }", unread), "null");
    EXPECT_EQ(unread.written, "<{\"headers\":{}}>tail");
    EXPECT_EQ(unread.page, 0U);
}

TEST(RenderTest, ListIsGivenUpWhenNobodyListens) {
    Pool pool(options());
    Rows rows({{"{}"}});
    rows.listening = false;
    EXPECT_EQ(list(pool, "function(head, req) { while (true) getRow(); }", rows),
              "The operation was cancelled.");
    EXPECT_EQ(emitted(pool, "1"), "0/0 1 null\n");
}

// A list may go on for as long as its rows come.
struct SlowRows final : RowSource {
    Result<std::vector<std::string>> next() override {
        if (++page > 6)
            return std::vector<std::string>();
        auto end = std::chrono::steady_clock::now() + Millis(60); // the engine is slow
        while (std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        return std::vector<std::string>{"{\"key\":1}"};
    }
    bool write(const std::optional<std::string> & /*start*/, std::string chunks) override {
        written += chunks;
        return true;
    }
    int page = 0;
    std::string written;
};

TEST(RenderTest, TimeOfRowsIsNotTheFunctions) {
    auto impatient = options();
    impatient.function_timeout = Millis(150);
    Pool pool(impatient);
    SlowRows rows;
    auto made = program({"function(head, req) { while (getRow()) { var end = Date.now() + 60;"
                         " while (Date.now() < end); send('x'); } }"},
                        "{}");
    made->renders = true;
    auto answer = wait_for<CallAnswer>(
        [&](auto done) { pool.list({made, {0, {"{}", "{}"}}, &rows}, std::move(done)); });
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(text(answer->values.at(0)), "null");
    EXPECT_EQ(rows.written, "xxxxxx");
}

} // namespace
} // namespace divan::script
