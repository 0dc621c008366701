#include "script/worker/engine.h"

#include "script/worker/errors.h"
#include "script/worker/sandbox.h"

#include <algorithm>
#include <js/ContextOptions.h>
#include <js/Exception.h>
#include <js/GCAPI.h>
#include <js/Initialization.h>
#include <js/Interrupt.h>
#include <js/Principals.h>
#include <js/Promise.h>
#include <js/Stack.h>
#include <limits>
#include <malloc.h>
#include <string>
#include <sys/resource.h>
#include <utility>

namespace divan::script {
namespace {

// Deep documents are written by recursion.
constexpr std::size_t kStackBytes = 32 << 20;
constexpr std::size_t kStackReserveBytes = 1 << 20;

// Nothing of a function goes on when it has returned: what promises would do later is dropped.
class NoJobs final : public JS::JobQueue {
  public:
    JSObject *getIncumbentGlobal(JSContext *cx) override { return JS::CurrentGlobalOrNull(cx); }
    bool enqueuePromiseJob(JSContext * /*cx*/, JS::HandleObject /*promise*/, JS::HandleObject /*job*/,
                           JS::HandleObject /*site*/, JS::HandleObject /*global*/) override {
        return true;
    }
    void runJobs(JSContext * /*cx*/) override {}
    [[nodiscard]] bool empty() const override { return true; }

  private:
    class Saved final : public SavedJobQueue {};
    js::UniquePtr<SavedJobQueue> saveJobQueue(JSContext * /*cx*/) override { return js::MakeUnique<Saved>(); }
};

// As CouchDB's workers, unless started with --eval: no eval(), no Function() of a text.
bool refuse_eval(JSContext * /*cx*/, JS::RuntimeCode /*kind*/, JS::HandleString /*code*/) {
    return false;
}
constexpr JSSecurityCallbacks kSecurity = {refuse_eval, nullptr};

// The main thread's stack grows as far as its limit allows.
std::size_t widen_stack() {
    rlimit stack{};
    getrlimit(RLIMIT_STACK, &stack);
    if (stack.rlim_cur < kStackBytes) {
        stack.rlim_cur = std::min<rlim_t>(kStackBytes, stack.rlim_max);
        setrlimit(RLIMIT_STACK, &stack);
    }
    return std::min<std::size_t>(stack.rlim_cur, kStackBytes) - kStackReserveBytes;
}

} // namespace

Engine *Engine::start(const WorkerOptions &options) {
    auto stack_bytes = widen_stack();
    if (!JS_Init())
        return nullptr;
    JSContext *cx = JS_NewContext(static_cast<std::uint32_t>(
        std::min<std::size_t>(options.memory_bytes_max, std::numeric_limits<std::uint32_t>::max())));
    if (cx == nullptr)
        return nullptr;
    auto *engine = new Engine(options, cx);
    JS_SetContextPrivate(cx, engine);
    JS_SetNativeStackQuota(cx, stack_bytes);
    JS::ContextOptionsRef(cx).setWasm(false).setAsmJS(false);
    JS_SetSecurityCallbacks(cx, &kSecurity);
    JS::SetJobQueue(cx, new NoJobs);
    JS_AddInterruptCallback(cx, on_interrupt);
    if (!JS::InitSelfHostedCode(cx))
        return nullptr;
    engine->used_bytes_at_start_ = engine->used_bytes();
    engine->watchdog_ =
        new Watchdog(std::chrono::milliseconds(options.function_timeout_ms),
                     data_bytes() + options.memory_bytes_max, [cx] { JS_RequestInterruptCallback(cx); });
    return engine;
}

std::size_t Engine::used_bytes() const {
    auto native = mallinfo2();
    return JS_GetGCParameter(cx_, JSGC_BYTES) + native.uordblks + native.hblkhd;
}

bool Engine::on_interrupt(JSContext *cx) {
    auto &engine = of(cx);
    if (engine.watchdog_->is_timeout()) {
        engine.stop_ = Stop::timeout;
        return false;
    }
    auto is_over = [&engine] {
        return engine.used_bytes() > engine.used_bytes_at_start_ + engine.options_.memory_bytes_max;
    };
    if (is_over())
        JS_GC(cx);
    if (is_over()) {
        engine.stop_ = Stop::memory;
        return false;
    }
    return true;
}

FunctionError Engine::take_error(std::string_view name) {
    auto stop = std::exchange(stop_, Stop::none);
    auto reason = std::string(name) + ": ";
    if (stop != Stop::none)
        JS_ClearPendingException(cx_);
    switch (stop) {
    case Stop::timeout:
        return {"timeout", reason + "it ran for more than " + std::to_string(options_.function_timeout_ms) +
                               " ms and was stopped"};
    case Stop::memory:
        worn_out_ = true;
        return {"out_of_memory", reason + "it used more than " + std::to_string(options_.memory_bytes_max) +
                                     " bytes of memory and was stopped"};
    case Stop::answer:
        return {"too_large", reason + "it wrote more than " + std::to_string(options_.answer_bytes_max) +
                                 " bytes and was stopped"};
    case Stop::hung_up:
        return {"cancelled", reason + "nobody reads its answer"};
    case Stop::none:
        break;
    }
    if (JS_IsThrowingOutOfMemory(cx_)) {
        JS_ClearPendingException(cx_);
        worn_out_ = true;
        return {"out_of_memory", reason + "out of memory"};
    }
    return describe_exception(cx_, name);
}

} // namespace divan::script
