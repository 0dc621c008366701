#pragma once

// Runs functions of design documents in worker processes that can reach nothing.
//
// A worker is this program started anew as `divan script-worker`: SpiderMonkey behind a seccomp filter and
// resource limits, talking over a socketpair. A thread drives each worker. A worker serves one database until
// it is ended; one that is idle is ended for another database when there are no more slots. A fresh process
// is kept ready, so that the first call need not wait for a start.
//
// What comes back from a worker is untrusted: it is checked here, and a worker that answers nonsense is
// killed. A worker that dies costs the request it was given: that is answered `script_failed`, the next one
// gets a fresh worker.
//
// Threads: any. Callbacks run on the thread of a worker, must not block, and are called exactly once.

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "script/program.h"

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace divan::script {

struct PoolOptions {
    std::vector<std::string> command;         // the program and arguments that start a worker
    std::size_t workers_max = 4;              // processes; one database gets at most all but one of them
    std::size_t queue_max = 10'000;           // waiting requests; service_unavailable beyond
    Millis function_timeout{5'000};           // one call of one function; os_process_timeout
    Millis idle_max{300'000};                 // an idle worker is ended; os_process_idle_limit
    std::size_t memory_bytes_max = 256 << 20; // JavaScript heap of a worker
    std::size_t programs_max = 32;            // realms that a worker keeps
    std::size_t answer_bytes_max = 256 << 20; // of one request; an error beyond
    std::size_t log_bytes_max = 16 << 10;     // of log() in one request; cut off beyond
    friend bool operator==(const PoolOptions &, const PoolOptions &) = default;
};

// Why a function gave no value. CouchDB shows these two words: {"error": "compilation_error", "reason": ...}.
struct FunctionError {
    // "compilation_error", "reduce_overflow_error", "timeout", "out_of_memory", "script_failed", "forbidden",
    // "unauthorized", "not_found", "too_large", "unknown_error", the class of an error ("TypeError"), or what
    // the function threw as {error, reason} or ["error", w, r]
    std::string error;
    std::string reason; // names the function, unless it is what the function threw
};

struct LogLine {
    std::string function;
    std::string text;
};

// ---- map: every function of the program on every document
struct MapRequest {
    std::shared_ptr<const Program> program;
    std::vector<std::string> documents; // JSON texts
};
struct Emitted {
    std::uint32_t document; // ascending
    std::uint32_t function; // ascending within a document
    std::string key;        // canonical JSON texts
    std::string value;
};
struct MapFailure {
    std::uint32_t document;
    std::uint32_t function;
    FunctionError error;
};
struct MapAnswer {
    std::vector<Emitted> rows; // of one function and document in the order of the calls of emit()
    // A function that failed on a document emitted nothing for it.
    std::vector<MapFailure> failures;
    std::vector<LogLine> log;
};

// ---- reduce
struct ReduceRows {
    std::string keys;   // JSON text: [[key, id], ...]
    std::string values; // JSON text: [value, ...]
};
// Reduces each of `rows` by function(keys, values, false), then, unless that gave the one and only value, all
// of them together with `reduced` by function(null, values, true).
struct ReduceItem {
    std::uint32_t function;
    std::vector<ReduceRows> rows;
    std::vector<std::string> reduced; // JSON texts, before those of `rows`
};
struct ReduceRequest {
    std::shared_ptr<const Program> program;
    std::vector<ReduceItem> items;
    // [query_server_config] reduce_limit: false = never, and the two figures that CouchDB 3.5 has.
    bool limit = true;
    std::size_t limit_threshold_bytes = 5'000;
    double limit_ratio = 2.0;
};
// A JSON text, or why there is none.
using Outcome = std::variant<std::string, FunctionError>;
struct ReduceAnswer {
    std::vector<Outcome> values; // of each item
    std::vector<LogLine> log;
};

// ---- call: validation functions, filters, updates, shows, rewrites; `this` is the library
struct Invocation {
    std::uint32_t function;
    std::vector<std::string> arguments; // JSON texts
};
struct CallRequest {
    std::shared_ptr<const Program> program;
    std::vector<Invocation> invocations;
};
struct CallAnswer {
    // What each returned, as JSON text; "null" for undefined.
    std::vector<Outcome> values;
    std::vector<LogLine> log;
};

// ---- list: one call that reads rows and writes text while it runs
class RowSource {
  public:
    virtual ~RowSource() = default;
    // The next rows as JSON texts; empty = there are no more. May block; runs on the worker's thread.
    virtual Result<std::vector<std::string>> next() = 0;
    // What start() was given, once, before the first chunk, or with the first one if start() was not called
    // ("{}"); then what was sent since. false = nobody listens any more: the call is given up.
    virtual bool write(const std::optional<std::string> &start, std::string chunks) = 0;
};
struct ListRequest {
    std::shared_ptr<const Program> program;
    Invocation invocation; // arguments: head, request
    RowSource *rows;       // alive until the answer
};

class Pool {
  public:
    explicit Pool(PoolOptions options);
    ~Pool(); // stops
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    template <typename Answer> using Done = UniqueFunction<void(Result<Answer>)>;
    // Errors of all: service_unavailable (queue full), cancelled, script_failed: the worker died, or answered
    // nonsense, or not in time. What a single function did wrong is in the answer.
    // A program that does not compile answers every function of it that was asked for with its error.
    void map(MapRequest request, Done<MapAnswer> done);
    void reduce(ReduceRequest request, Done<ReduceAnswer> done);
    void call(CallRequest request, Done<CallAnswer> done);
    void list(ListRequest request, Done<CallAnswer> done);
    // Compiles every function: nothing, or the error of each that has one, in order.
    void compile(std::shared_ptr<const Program> program,
                 Done<std::vector<std::optional<FunctionError>>> done);

    // Ends the workers of a database, e.g. when it is deleted. Its requests are answered script_failed.
    void release(const std::string &database);

    // Answers what waits with `cancelled` and ends the workers; what comes later is answered `cancelled`,
    // too. Blocks until all callbacks have returned: not for callbacks. Idempotent.
    void stop();

    struct Stats {
        std::size_t workers = 0;
        std::size_t waiting = 0;
        std::uint64_t started = 0; // processes since the beginning
        std::uint64_t killed = 0;  // of them, by the pool for what they did
    };
    [[nodiscard]] Stats stats() const;
    // `command` stays. Workers that were started with other options are replaced as they become idle.
    void set_options(PoolOptions options);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Waits for an answer on this thread: for builders and tests, never on a network thread.
//   auto answer = wait_for<MapAnswer>([&](auto done) { pool.map(std::move(request), std::move(done)); });
template <typename Answer, typename Start> Result<Answer> wait_for(Start start) {
    std::promise<Result<Answer>> promise;
    auto future = promise.get_future();
    start(UniqueFunction<void(Result<Answer>)>(
        [&promise](Result<Answer> answer) { promise.set_value(std::move(answer)); }));
    return future.get();
}

} // namespace divan::script
