// Functions and workers that want to do harm: each gets an error in bounded time, and nobody else notices.

#include "script/pool_testing.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <thread>
#include <utility>

namespace divan::script {
namespace {

using ::testing::AnyOf;
using testing::call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::map;
using testing::program;
using testing::text;

constexpr Millis kTimeout(150);

PoolOptions strict() {
    auto options = testing::options();
    options.function_timeout = kTimeout;
    options.memory_bytes_max = 48 << 20;
    options.answer_bytes_max = 8 << 20;
    return options;
}

// A document that one function chokes on stands between two that it does not.
std::string map_three(Pool &pool, const std::string &harm) {
    auto made =
        program({"function(doc) { if (doc.bad) { " + harm + " } emit(doc.n); }", "doc => emit(doc.n)"});
    return text(map(pool, made, {R"({"n":1})", R"({"n":2,"bad":true})", R"({"n":3})"}));
}

const char kRows[] = "0/0 1 null\n0/1 1 null\n1/1 2 null\n2/0 3 null\n2/1 3 null\n1/0 ";

TEST(HostileTest, EndlessLoopIsStopped) {
    Pool pool(strict());
    EXPECT_EQ(map_three(pool, "while (true);"),
              std::string(kRows) + "timeout: f0: it ran for more than 150 ms and was stopped\n");
    EXPECT_EQ(map_three(pool, "while (true) { try { while (true); } catch (e) {} finally { continue; } }"),
              std::string(kRows) + "timeout: f0: it ran for more than 150 ms and was stopped\n");
}

TEST(HostileTest, EndlessMemoryIsRefused) {
    Pool pool(strict());
    for (const char *harm : {
             "var s = 'x'; while (true) s = s + s + 'y';",
             "var a = []; while (true) a.push(a.length);",
             "var a = []; while (true) a.push(new Uint8Array(1 << 20).fill(1));",
             "var a = []; while (true) a.push({a: 'text' + a.length});",
             "var m = new Map(); for (var i = 0; true; ++i) m.set(i, i + 'x');",
             "var a = []; while (true) { try { a.push('x'.repeat(1 << 20) + a.length); } catch (e) {} }",
         }) {
        auto answer = map_three(pool, harm);
        EXPECT_THAT(answer, ::testing::StartsWith(kRows)) << harm;
        EXPECT_THAT(answer, AnyOf(HasSubstr("out_of_memory: f0: "), HasSubstr("timeout: f0: "),
                                  HasSubstr("script_failed: f0: "), HasSubstr("InternalError: f0: ")))
            << harm;
    }
}

TEST(HostileTest, MemoryThatAnotherProgramHoldsIsNobodysFault) {
    auto options = strict();
    options.function_timeout = Millis(5'000);
    Pool pool(options);
    EXPECT_THAT(call(pool, program({"function() { hoard = new Uint8Array(40 << 20).fill(1); return 1; }"}),
                     {{0, {}}}),
                ElementsAre("1"));
    const char large[] = "var a = []; for (var i = 0; i < 20; i++) a.push(new Uint8Array(1 << 20).fill(1));"
                         " var end = Date.now() + 60; while (Date.now() < end);";
    EXPECT_EQ(
        text(map(pool, program({std::string("doc => {") + large + " emit(a.length); }"}), {"{}", "{}"})),
        "0/0 20 null\n1/0 20 null\n");
    EXPECT_THAT(call(pool, program({"function() { hoard = new Uint8Array(40 << 20).fill(1); return 1; }"}),
                     {{0, {}}}),
                ElementsAre("1"));
    EXPECT_THAT(call(pool, program({std::string("function() {") + large + " return a.length; }"}), {{0, {}}}),
                ElementsAre("20"));
}

TEST(HostileTest, CatastrophicExpressionIsStopped) {
    Pool pool(strict());
    EXPECT_EQ(map_three(pool, "/^(a+)+$/.test('a'.repeat(64) + '!');"),
              std::string(kRows) + "timeout: f0: it ran for more than 150 ms and was stopped\n");
}

TEST(HostileTest, DeepRecursionIsRefused) {
    Pool pool(strict());
    EXPECT_EQ(map_three(pool, "(function f() { f(); })();"),
              std::string(kRows) + "InternalError: f0: InternalError: too much recursion (line 1)\n");
    EXPECT_THAT(map_three(pool, "var o = {}; for (var i = 0; i < 1e6; i++) o = {o: o}; emit(o);"),
                AnyOf(HasSubstr("1/0 InternalError: f0: "), HasSubstr("1/0 timeout: f0: ")));
    EXPECT_THAT(map_three(pool, "var o = []; for (var i = 0; i < 20000; i++) o = [o]; emit(o);"),
                HasSubstr("1/0 Error: f0: Error: the value is nested too deeply"));
}

TEST(HostileTest, ComputingThatCannotBeInterruptedEndsTheWorker) {
    Pool pool(strict());
    EXPECT_THAT(map_three(pool, "var x = 3n ** 4000000n; while (true) x = x * x / x;"),
                ::testing::StartsWith(kRows));
}

TEST(HostileTest, FunctionThatIsStoppedAgainAndAgainIsNotCalledAnyMore) {
    Pool pool(strict());
    auto begin = std::chrono::steady_clock::now();
    auto answer = map(pool, program({"doc => { while (true); }", "doc => emit(1)"}),
                      std::vector<std::string>(50, "{}"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20 * kTimeout);
    EXPECT_EQ(answer.rows.size(), 50U);
    ASSERT_EQ(answer.failures.size(), 50U);
    EXPECT_EQ(answer.failures.back().error.reason,
              "f0: not called any more, after it had to be stopped 3 times");
}

TEST(HostileTest, TamperingStaysInItsProgram) {
    Pool pool(strict());
    auto tampering = program({R"js(function(doc) {
        Object.prototype.toJSON = function() { return 'owned'; };
        String.prototype.toJSON = Object.prototype.toJSON;
        Array.prototype.push = function() { throw 'pushed'; };
        JSON.stringify = function() { return '],[{'; };
        JSON.parse = function() { return {}; };
        Object.defineProperty(Object.prototype, 'key', {set: function() { throw 'set'; }});
        Object.defineProperty(Array.prototype, 0, {set: function() { throw 'set'; }});
        Object.freeze = Object.keys = Array.isArray = function() { throw 'frozen'; };
        emit = log = undefined;
    })js"});
    EXPECT_EQ(text(map(pool, tampering, {"{}"})), "");
    auto victim = program(
        {"function(doc) { doc.a = 2; delete doc.b; emit([doc.a, 'x'], {key: JSON.stringify(doc.b)}); }"});
    EXPECT_EQ(text(map(pool, victim, {R"({"a":1,"b":[1]})"})), "0/0 [1,\"x\"] {\"key\":\"[1]\"}\n");
}

TEST(HostileTest, WhatOneMapDoesToTheDocumentTheNextDoesNotSee) {
    Pool pool(strict());
    EXPECT_EQ(text(map(pool,
                       program({"function(doc) { doc.a.b = 2; doc.c = 1; doc.d.push(1); }",
                                "function(doc) { emit(doc.a.b, doc); }"}),
                       {R"({"a":{"b":1},"d":[]})"})),
              "0/1 1 {\"a\":{\"b\":1},\"d\":[]}\n"
              "0/0 TypeError: f0: TypeError: can't define array index property past the end of an array with "
              "non-writable length (line 1)\n");
}

TEST(HostileTest, ThereIsNothingOfTheHost) {
    Pool pool(strict());
    EXPECT_THAT(
        call(pool,
             program({R"js(function() {
                 return ['print', 'load', 'quit', 'os', 'process', 'readline', 'read', 'evalcx', 'gc', 'fetch',
                         'XMLHttpRequest', 'Worker', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'Debugger',
                         'setTimeout', 'console', 'host', 'native', 'FinalizationRegistry', 'getRow', 'send']
                     .filter(name => name in globalThis);
             })js",
                      "function() { return Function('return 1')(); }", "function() { return eval('1'); }",
                      "function() { return (() => {}).constructor('return this')(); }",
                      "function() { return require('fs'); }",
                      "function() { Promise.resolve().then(() => { while (true); }); return 1; }"}),
             {{0, {}}, {1, {}}, {2, {}}, {3, {}}, {4, {}}, {5, {}}}),
        ElementsAre("[]", HasSubstr("EvalError"), HasSubstr("EvalError"), HasSubstr("EvalError"),
                    HasSubstr("invalid_require_path: Object has no property \"fs\"."), "1"));
}

TEST(HostileTest, GiantAnswersAreRefused) {
    Pool pool(strict());
    EXPECT_THAT(map_three(pool, "emit('x'.repeat(9 << 20));"), HasSubstr("1/0 too_large: f0: "));
    EXPECT_THAT(map_three(pool, "for (;;) emit('x'.repeat(1000));"), HasSubstr("1/0 too_large: f0: "));
    EXPECT_THAT(map_three(pool, "for (;;) emit(1);"),
                AnyOf(HasSubstr("1/0 too_large: f0: "), HasSubstr("1/0 timeout: f0: ")));
    EXPECT_THAT(call(pool, program({"function() { return 'x'.repeat(9 << 20); }"}), {{0, {}}}),
                ElementsAre(HasSubstr("too_large: f0: ")));
    // Each within the limit, together beyond it.
    auto answer = wait_for<MapAnswer>([&](auto done) {
        pool.map({program({"doc => emit('x'.repeat(1 << 20))"}), std::vector<std::string>(9, "{}")},
                 std::move(done));
    });
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().reason(), "_design/d emits more than 8388608 bytes for one batch of documents.");
}

TEST(HostileTest, LogIsCutOff) {
    auto options = strict();
    options.log_bytes_max = 100;
    Pool pool(options);
    auto answer = map(
        pool, program({"doc => { log('a'); log({b: [1]}); log('\u00e9'.repeat(1000)); log('c'); }"}), {"{}"});
    ASSERT_EQ(answer.log.size(), 3U);
    EXPECT_EQ(answer.log[0].function, "f0");
    EXPECT_EQ(answer.log[0].text, "a");
    EXPECT_EQ(answer.log[1].text, "{\"b\":[1]}");
    EXPECT_EQ(answer.log[2].text.size(), 42U);
}

TEST(HostileTest, NoProcessSeesTwoDatabases) {
    Pool pool(strict());
    // A global that stays: whoever runs in the same realm, or process, counts on.
    auto counter = [](const std::string &database) {
        auto made = program({"function() { return globalThis.n = (globalThis.n || 0) + 1; }"});
        made->database = database;
        return made;
    };
    EXPECT_THAT(call(pool, counter("a"), {{0, {}}}), ElementsAre("1"));
    EXPECT_THAT(call(pool, counter("b"), {{0, {}}}), ElementsAre("1"));
    EXPECT_THAT(call(pool, counter("c"), {{0, {}}}), ElementsAre("1"));
    EXPECT_THAT(call(pool, counter("c"), {{0, {}}}), ElementsAre("2"));
    EXPECT_LE(pool.stats().workers, 2U);
    EXPECT_GE(pool.stats().started, 3U);
    EXPECT_EQ(pool.stats().killed, 0U);
}

TEST(HostileTest, DatabaseThatOccupiesItsWorkersLeavesOneToOthers) {
    auto options = strict();
    options.function_timeout = Millis(2'000);
    Pool pool(options);
    std::vector<std::future<void>> ends;
    for (int i = 0; i < 2; ++i) {
        auto end = std::make_shared<std::promise<void>>();
        ends.push_back(end->get_future());
        pool.map({program({"doc => { while (true); }"}), {"{}"}},
                 [end](auto /*answer*/) { end->set_value(); });
    }
    auto other = program({"doc => emit(1)"});
    other->database = "other";
    EXPECT_EQ(text(map(pool, other, {"{}"})), "0/0 1 null\n");
    EXPECT_EQ(ends[0].wait_for(Millis(0)), std::future_status::timeout);
    pool.release("db");
}

// Of the processes that this one started, the one with the most memory.
int largest_child() {
    std::pair<std::size_t, int> largest;
    for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(thread.path() / "children");
        for (int pid = 0; file >> pid;) {
            std::size_t all = 0;
            std::size_t resident = 0;
            std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> all >> resident;
            largest = std::max(largest, {resident, pid});
        }
    }
    return largest.second;
}

bool is_running(int pid) {
    std::string word;
    std::string state;
    std::ifstream("/proc/" + std::to_string(pid) + "/stat") >> word >> word >> state;
    return state == "R";
}

TEST(HostileTest, WorkerThatIsKilledCostsNoRow) {
    auto options = strict();
    options.function_timeout = Millis(5'000);
    Pool pool(options);
    auto slow = program({"function(doc) { if (doc.large) large = new Uint8Array(32 << 20).fill(1);"
                         " var end = Date.now() + 3; while (Date.now() < end); emit(doc.n); }"});
    map(pool, slow, {"{\"large\":true}"});
    int worker = largest_child();
    while (is_running(worker)) // it collects garbage behind a request
        std::this_thread::yield();
    std::vector<std::string> documents;
    for (int i = 0; i < 100; ++i)
        documents.push_back("{\"n\":" + std::to_string(i) + "}");
    std::promise<Result<MapAnswer>> promise;
    auto future = promise.get_future();
    pool.map({slow, documents},
             [&promise](Result<MapAnswer> answer) { promise.set_value(std::move(answer)); });
    while (!is_running(worker))
        std::this_thread::yield();
    kill(worker, SIGKILL);
    auto answer = future.get();
    ASSERT_TRUE(answer.ok()) << answer.error().reason();
    EXPECT_EQ(answer->rows.size(), 100U);
    EXPECT_TRUE(answer->failures.empty());
    EXPECT_GE(pool.stats().killed, 1U);
}

// ---- workers that are none

Result<MapAnswer> map_with(const std::string &script) {
    auto options = strict();
    options.command = {"/bin/sh", "-c", script};
    Pool pool(options);
    return wait_for<MapAnswer>(
        [&](auto done) { pool.map({program({"doc => emit(1)"}), {"{}"}}, std::move(done)); });
}

constexpr const char *kReady = R"(printf '\001\000\000\000\001' >&3; )";

TEST(HostileTest, WorkerThatEndsAtOnceIsAnError) {
    auto answer = map_with("exit 1");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::script_failed);
}

TEST(HostileTest, WorkerThatAnswersNonsenseIsAnError) {
    for (const char *nonsense : {
             R"(printf '\005\000\000\000nonse' >&3; cat <&3)",
             R"(printf '\377\377\377\377\003' >&3; cat <&3)",
             R"(printf '\000\000\000\000' >&3; cat <&3)",
             R"(printf '\001\000\000\000\003' >&3; cat <&3)",
         }) {
        auto answer = map_with(kReady + std::string(nonsense));
        ASSERT_FALSE(answer.ok()) << nonsense;
        EXPECT_EQ(answer.error().code(), ErrorCode::script_failed);
    }
}

TEST(HostileTest, WorkerThatAnswersNothingIsKilled) {
    auto answer = map_with(kReady + std::string("exec sleep 100"));
    ASSERT_TRUE(answer.ok());
    EXPECT_THAT(text(*answer), HasSubstr("0/0 script_failed: f0: "));
}

} // namespace
} // namespace divan::script
