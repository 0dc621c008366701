#pragma once

// A worker lent to one request: questions and answers, and what happens when the worker fails.

#include "base/result.h"
#include "script/pool.h"
#include "script/protocol.h"
#include "script/worker_process.h"

#include <functional>
#include <memory>
#include <string>

namespace divan::script {

// Gives and takes back workers; on the slot's thread.
class WorkerSource {
  public:
    virtual ~WorkerSource() = default;
    // A worker that serves the database, or a fresh one. Errors: script_failed, cancelled.
    virtual Result<WorkerProcess *> worker(const std::string &database) = 0;
    // The worker failed or lied: it is killed. Errors: so it was to be, no other will be had.
    virtual Result<void> discard() = 0;
};

class Session {
  public:
    Session(WorkerSource &source, PoolOptions options) : source_(source), options_(std::move(options)) {}

    [[nodiscard]] const PoolOptions &options() const { return options_; }

    // Writes what comes behind the program.
    using Body = std::function<void(protocol::Writer &)>;
    struct Reply {
        std::string frame;
        bool died = false;  // instead of a frame: the worker died or was too late. A fresh one may be asked.
        bool fresh = false; // nothing was asked of the worker before
    };
    // Asks and waits for the first frame. Errors: no worker can be had.
    Result<Reply> ask(const Program &program, protocol::Kind kind, std::uint64_t log_bytes_max,
                      const Body &body);
    // Of the same exchange: says something more and waits.
    Result<Reply> go_on(std::string_view frame);
    // The next frame of the same exchange.
    Result<Reply> wait();
    // The worker said nonsense: kills it, and is the error to answer.
    Error nonsense(const Error &what);
    // The worker ends itself, or is in the middle of what nobody wants any more.
    void give_up() { ignore_error(source_.discard(), "the answer is known"); }

  private:
    Result<Reply> died();
    [[nodiscard]] Deadline deadline() const;
    [[nodiscard]] std::size_t frame_bytes_max() const;

    WorkerSource &source_;
    const PoolOptions options_;
    WorkerProcess *worker_ = nullptr;
    bool fresh_ = false;
};

} // namespace divan::script
