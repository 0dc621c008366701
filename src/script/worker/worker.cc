#include "script/worker/worker.h"

#include "script/protocol.h"
#include "script/worker/channel.h"
#include "script/worker/commands.h"
#include "script/worker/engine.h"
#include "script/worker/options.h"
#include "script/worker/realm.h"
#include "script/worker/sandbox.h"

#include <algorithm>
#include <js/GCAPI.h>
#include <list>
#include <unistd.h>

namespace divan::script {
namespace {

constexpr int kSocket = 3;
constexpr int kBadStart = 2; // exit status
constexpr int kNonsense = 1;
// What the engine may take beside the memory of functions: its own threads, code, a large request.
constexpr std::size_t kReserveBytes = 128 << 20;

bool has_functions(const Realm &realm, const protocol::Request &request) {
    auto exists = [&realm](std::uint32_t function) { return function < realm.function_count(); };
    return std::all_of(request.functions.begin(), request.functions.end(), exists) &&
           std::all_of(request.calls.begin(), request.calls.end(),
                       [&](const auto &call) { return exists(call.function); }) &&
           std::all_of(request.items.begin(), request.items.end(),
                       [&](const auto &item) { return exists(item.function); });
}

class Worker {
  public:
    Worker(Engine &engine, Channel &channel) : engine_(engine), channel_(channel) {}

    void serve(std::string_view frame) {
        auto request = protocol::decode_request(frame);
        if (!request.ok())
            _exit(kNonsense);
        auto *realm = find(*request);
        if (realm == nullptr) {
            channel_.write(protocol::Writer(protocol::Kind::need_program).frame());
            return;
        }
        if (!has_functions(*realm, *request))
            _exit(kNonsense);
        engine_.watchdog().resume();
        auto answer = run_request(engine_, *realm, channel_, *request);
        engine_.watchdog().pause();
        channel_.write(answer.frame);
        if (engine_.is_worn_out())
            _exit(0);
        if (answer.drop_realm) {
            // What was stopped may have filled the memory.
            realms_.pop_front();
            JS_GC(engine_.context());
        } else {
            JS_MaybeGC(engine_.context());
        }
    }

  private:
    // The realm of a request, first in the list from then on. Null: its definition is needed.
    Realm *find(const protocol::Request &request) {
        auto at = std::find_if(realms_.begin(), realms_.end(),
                               [&](const auto &realm) { return realm->key() == request.program_key; });
        if (at != realms_.end()) {
            realms_.splice(realms_.begin(), realms_, at);
            return realms_.front().get();
        }
        if (!request.definition)
            return nullptr;
        if (realms_.size() >= engine_.options().programs_max)
            realms_.pop_back();
        auto realm = Realm::make(engine_, request.program_key, *request.definition);
        if (realm == nullptr)
            _exit(kNonsense);
        realms_.push_front(std::move(realm));
        return realms_.front().get();
    }

    Engine &engine_;
    Channel &channel_;
    std::list<std::unique_ptr<Realm>> realms_; // used last first
};

} // namespace

std::string spidermonkey_version() {
    // "JavaScript-C102.15.1"
    std::string version = JS_GetImplementationVersion();
    return version.substr(std::min(version.size(), version.find_first_of("0123456789")));
}

void run_worker(std::span<char *const> arguments) {
    auto options = parse_worker_options(arguments);
    if (!options)
        _exit(kBadStart);
    Channel channel(kSocket);
    auto *engine = Engine::start(*options);
    if (engine == nullptr ||
        !enter_sandbox(options->memory_bytes_max + options->answer_bytes_max + kReserveBytes))
        _exit(kBadStart);
    channel.write(protocol::Writer(protocol::Kind::ready).frame());
    Worker worker(*engine, channel);
    for (;;)
        worker.serve(channel.read());
}

} // namespace divan::script
