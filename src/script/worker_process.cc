#include "script/worker_process.h"

#include "script/protocol.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace divan::script {
namespace {

// What a worker's socket is in the worker; it has nothing else but /dev/null.
constexpr int kWorkerSocket = 3;
constexpr int kSocketBufferBytes = 1 << 20;
// A loaded machine takes its time to start a process.
constexpr std::chrono::seconds kStartTimeout(30);
// A frame is taken in such pieces, so that a length alone takes no memory.
constexpr std::size_t kPieceBytes = 1 << 20;

Error failed(std::string what) {
    return {ErrorCode::script_failed, "The JavaScript worker " + std::move(what)};
}

class FileActions {
  public:
    explicit FileActions(int socket) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, socket, kWorkerSocket);
        posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerSocket + 1);
    }
    FileActions(const FileActions &) = delete;
    FileActions &operator=(const FileActions &) = delete;
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    [[nodiscard]] const posix_spawn_file_actions_t *get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

// No signal is blocked or ignored, and those of a terminal do not reach the worker.
class Attributes {
  public:
    Attributes() {
        posix_spawnattr_init(&attributes_);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes_, &signals);
        sigfillset(&signals);
        posix_spawnattr_setsigdefault(&attributes_, &signals);
        posix_spawnattr_setflags(&attributes_,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    Attributes(const Attributes &) = delete;
    Attributes &operator=(const Attributes &) = delete;
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t *get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

} // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::spawn(const PoolOptions &options) {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return failed("cannot be started: " + std::string(std::strerror(errno)));
    for (int socket : sockets)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
    // Above those that the actions open.
    constexpr int kHigh = 10;
    int theirs = fcntl(sockets[1], F_DUPFD_CLOEXEC, kHigh);
    close(sockets[1]);

    auto words = options.command;
    for (auto number : {options.memory_bytes_max, options.answer_bytes_max, options.programs_max,
                        static_cast<std::size_t>(options.function_timeout.count())})
        words.push_back(std::to_string(number));
    std::vector<char *> arguments;
    for (auto &word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // Nothing of the server's environment; one time zone, so that an index is the same on every machine.
    char zone[] = "TZ=UTC";
    char *environment[] = {zone, nullptr};

    pid_t pid = 0;
    int error = theirs < 0 ? errno
                           : posix_spawn(&pid, arguments[0], FileActions(theirs).get(), Attributes().get(),
                                         arguments.data(), environment);
    if (theirs >= 0)
        close(theirs);
    if (error != 0) {
        close(sockets[0]);
        return failed("cannot be started: " + std::string(std::strerror(error)));
    }
    return std::unique_ptr<WorkerProcess>(new WorkerProcess(pid, sockets[0]));
}

WorkerProcess::~WorkerProcess() {
    kill();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    close(socket_);
}

void WorkerProcess::kill() {
    // Not reaped before the destructor: the id is still its own.
    ::kill(pid_, SIGKILL);
}

Result<void> WorkerProcess::await_ready() {
    if (ready_)
        return {};
    DIVAN_TRY(auto frame, read(1, std::chrono::steady_clock::now() + kStartTimeout));
    if (protocol::kind_of(frame) != protocol::Kind::ready)
        return failed("said nonsense");
    ready_ = true;
    return {};
}

bool WorkerProcess::is_alive() const {
    char byte = 0;
    return recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<void> WorkerProcess::wait(short events, Deadline deadline) const {
    for (;;) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            return failed("did not answer in time and was stopped.");
        constexpr long kPollMax = 60'000; // ms
        pollfd poll_one{socket_, events, 0};
        int ready = poll(&poll_one, 1, static_cast<int>(std::min(long{left.count()}, kPollMax)));
        if (ready > 0)
            return {};
        if (ready < 0 && errno != EINTR)
            return failed("cannot be waited for: " + std::string(std::strerror(errno)));
    }
}

Result<void> WorkerProcess::write(std::string_view frame, Deadline deadline) {
    while (!frame.empty()) {
        auto sent = send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            frame.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            DIVAN_TRY_VOID(wait(POLLOUT, deadline));
        } else if (errno != EINTR) {
            return failed("ended unexpectedly.");
        }
    }
    return {};
}

Result<void> WorkerProcess::read_exactly(char *bytes, std::size_t size, Deadline deadline) const {
    while (size > 0) {
        auto got = recv(socket_, bytes, size, MSG_DONTWAIT);
        if (got > 0) {
            bytes += got;
            size -= static_cast<std::size_t>(got);
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            DIVAN_TRY_VOID(wait(POLLIN, deadline));
        } else if (got == 0 || errno != EINTR) {
            return failed("ended unexpectedly.");
        }
    }
    return {};
}

Result<std::string> WorkerProcess::read(std::size_t bytes_max, Deadline deadline) {
    char prefix[protocol::kLengthBytes];
    DIVAN_TRY_VOID(read_exactly(prefix, sizeof prefix, deadline));
    auto size = std::size_t{protocol::Reader(std::string_view(prefix, sizeof prefix)).u32()};
    if (size > bytes_max)
        return Error(ErrorCode::too_large, "a frame of " + std::to_string(size) + " bytes");
    std::string frame;
    while (frame.size() < size) {
        auto at = frame.size();
        frame.resize(std::min(size, at + std::max(kPieceBytes, at)));
        DIVAN_TRY_VOID(read_exactly(frame.data() + at, frame.size() - at, deadline));
    }
    return frame;
}

} // namespace divan::script
