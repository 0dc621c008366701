#include "script/session.h"

#include <utility>

namespace divan::script {
namespace {

// What a worker gets beside its own limits before it is killed: for a machine that is busy.
constexpr std::chrono::seconds kGrace(2);
// A worker answers after `function_timeout`, but one call may still run, and one that does not stop is ended
// by the worker itself after twice the time.
constexpr int kTimeoutsMax = 3;
// Frames beside the texts of rows: numbers, errors, log.
constexpr std::size_t kFrameReserveBytes = 64 << 20;

} // namespace

Deadline Session::deadline() const {
    return std::chrono::steady_clock::now() + kTimeoutsMax * options_.function_timeout + kGrace;
}

std::size_t Session::frame_bytes_max() const {
    return options_.answer_bytes_max + options_.log_bytes_max + kFrameReserveBytes;
}

Result<Session::Reply> Session::died() {
    DIVAN_TRY_VOID(source_.discard());
    return Reply{{}, true, fresh_};
}

Result<Session::Reply> Session::wait() {
    auto frame = worker_->read(frame_bytes_max(), deadline());
    if (frame.ok())
        return Reply{std::move(frame).value(), false, fresh_};
    if (frame.error().code() == ErrorCode::too_large)
        return nonsense(frame.error());
    return died();
}

Result<Session::Reply> Session::go_on(std::string_view frame) {
    if (worker_->write(frame, deadline()).ok())
        return wait();
    return died();
}

Result<Session::Reply> Session::ask(const Program &program, protocol::Kind kind, std::uint64_t log_bytes_max,
                                    const Body &body) {
    DIVAN_TRY(worker_, source_.worker(program.database));
    fresh_ = std::exchange(worker_->fresh, false);
    bool with_definition = !worker_->programs.contains(program.key);
    for (;;) {
        protocol::Writer writer(kind);
        protocol::write_program(writer, program, with_definition, {options_.answer_bytes_max, log_bytes_max});
        body(writer);
        DIVAN_TRY(auto reply, go_on(std::move(writer).frame()));
        if (reply.died)
            return reply;
        worker_->programs.insert(program.key);
        if (protocol::kind_of(reply.frame) != protocol::Kind::need_program)
            return reply;
        if (with_definition)
            return nonsense(Error(ErrorCode::bad_request, "does not know what it was told"));
        with_definition = true;
        worker_->programs = {program.key};
    }
}

Error Session::nonsense(const Error &what) {
    give_up();
    return {ErrorCode::script_failed, "The JavaScript worker answered nonsense: " + what.reason() + "."};
}

} // namespace divan::script
