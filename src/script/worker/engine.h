#pragma once

// SpiderMonkey in this process: one context, its limits, and what the call under way writes to.
//
// One thread, but for the watchdog.

#include "script/pool.h"
#include "script/worker/answer.h"
#include "script/worker/options.h"
#include "script/worker/watchdog.h"

#include <jsapi.h>
#include <string_view>

namespace divan::script {

class ListStream;

// Why a call was stopped that would not end by itself.
enum class Stop : std::uint8_t { none, timeout, memory, answer, hung_up };

class Engine {
  public:
    // Once in a process, for its whole life. Null if the system has too little memory for a start.
    static Engine *start(const WorkerOptions &options);
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;
    ~Engine() = delete; // the process ends by _exit()

    [[nodiscard]] static Engine &of(JSContext *cx) {
        return *static_cast<Engine *>(JS_GetContextPrivate(cx));
    }
    [[nodiscard]] JSContext *context() const { return cx_; }
    [[nodiscard]] const WorkerOptions &options() const { return options_; }
    [[nodiscard]] Watchdog &watchdog() const { return *watchdog_; }

    // A call of a function begins: its time counts from here.
    void begin_call(std::uint32_t function) {
        function_ = function;
        stop_ = Stop::none;
        watchdog_->begin_call();
    }
    // Makes the call under way end; a native function returns false after it.
    void stop(Stop reason) { stop_ = reason; }
    // What went wrong in the call that returned false; nothing is pending afterwards. `name` is the
    // function's.
    FunctionError take_error(std::string_view name);
    // A function used up the memory: the process should end.
    [[nodiscard]] bool is_worn_out() const { return worn_out_; }
    // Bytes of the JavaScript heap and of what it points to.
    [[nodiscard]] std::size_t used_bytes() const;

    // Where natives write; null: nowhere.
    RowSink *rows = nullptr;
    LogSink *log = nullptr;
    ListStream *list = nullptr;
    [[nodiscard]] std::uint32_t function() const { return function_; }

  private:
    Engine(const WorkerOptions &options, JSContext *cx) : options_(options), cx_(cx) {}
    static bool on_interrupt(JSContext *cx);

    const WorkerOptions options_;
    JSContext *cx_;
    Watchdog *watchdog_ = nullptr;
    std::uint32_t function_ = 0;
    Stop stop_ = Stop::none;
    bool worn_out_ = false;
    std::size_t used_bytes_at_start_ = 0;
};

} // namespace divan::script
