#pragma once

// A worker's process and the socket to it.

#include "base/result.h"
#include "script/pool.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace divan::script {

using Deadline = std::chrono::steady_clock::time_point;

// One thread at a time, but for kill().
class WorkerProcess {
  public:
    // Starts one; it is ready a little later. Errors: script_failed.
    static Result<std::unique_ptr<WorkerProcess>> spawn(const PoolOptions &options);
    // Kills and reaps.
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess &) = delete;
    WorkerProcess &operator=(const WorkerProcess &) = delete;

    // Waits until the worker says that it is locked in.
    Result<void> await_ready();
    // Errors: script_failed, with what happened: it died, or does not take or answer anything in time;
    // too_large: the frame is longer than `bytes_max`. The process is of no use afterwards.
    Result<void> write(std::string_view frame, Deadline deadline);
    Result<std::string> read(std::size_t bytes_max, Deadline deadline);

    // Whether it waits for a question, as far as can be seen without asking one.
    [[nodiscard]] bool is_alive() const;

    // Any thread: what is under way fails soon.
    void kill();
    [[nodiscard]] int pid() const { return pid_; }

    // What the pool remembers of it.
    std::string database;           // whose programs it has seen; empty: none
    std::set<std::string> programs; // keys of those that it was given
    bool fresh = true;              // nothing was asked of it
    std::uint64_t generation = 0;   // of the options that it was started with

  private:
    WorkerProcess(int pid, int socket) : pid_(pid), socket_(socket) {}
    Result<void> wait(short events, Deadline deadline) const;
    Result<void> read_exactly(char *bytes, std::size_t size, Deadline deadline) const;

    const int pid_;
    const int socket_;
    bool ready_ = false;
};

} // namespace divan::script
