// The sandbox alone: what code that has taken over a worker could still do.

#include "script/worker/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace divan::script {
namespace {

constexpr std::size_t kDataBytes = 64 << 20;
constexpr int kNotLocked = 99;

// Runs `attempt` in a child that has locked itself in; what became of it: "exit N" or "signal N".
template <typename Attempt> std::string locked_in(Attempt attempt) {
    pid_t pid = fork();
    if (pid == 0) {
        if (!enter_sandbox(kDataBytes))
            _exit(kNotLocked);
        _exit(attempt());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "exit " + std::to_string(WEXITSTATUS(status));
}

const std::string kKilled = "signal " + std::to_string(SIGSYS);

int error_of(long result) {
    return result == -1 ? errno : 0;
}

std::string exit_with(int code) {
    return "exit " + std::to_string(code);
}

TEST(SandboxTest, ComputesAndTalks) {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    EXPECT_EQ(locked_in([&] {
                  std::vector<int> numbers(1'000'000, 1);
                  int sum = 0;
                  std::thread([&] {
                      for (int number : numbers)
                          sum += number;
                  }).join();
                  return sum == 1'000'000 && write(pipes[1], "x", 1) == 1 ? 0 : 1;
              }),
              "exit 0");
    char byte = 0;
    EXPECT_EQ(read(pipes[0], &byte, 1), 1);
    close(pipes[0]);
    close(pipes[1]);
}

TEST(SandboxTest, FilesCannotBeOpenedOrChanged) {
    EXPECT_EQ(locked_in([] { return error_of(open("/etc/passwd", O_RDONLY)); }), exit_with(EPERM));
    EXPECT_EQ(locked_in([] { return error_of(open("/tmp/x", O_WRONLY | O_CREAT, 0600)); }), exit_with(EPERM));
    EXPECT_EQ(locked_in([] { return error_of(syscall(SYS_open, "/etc/passwd", O_RDONLY)); }),
              exit_with(EPERM));
    EXPECT_EQ(locked_in([] { return error_of(unlink("/tmp/x")); }), exit_with(EPERM));
    EXPECT_EQ(locked_in([] { return error_of(mkdir("/tmp/x", 0700)); }), exit_with(EPERM));
    EXPECT_EQ(locked_in([] { return error_of(dup(0)); }), exit_with(EPERM));
}

TEST(SandboxTest, SocketsEndTheProcess) {
    EXPECT_EQ(locked_in([] { return socket(AF_INET, SOCK_STREAM, 0); }), kKilled);
    EXPECT_EQ(locked_in([] { return socket(AF_UNIX, SOCK_DGRAM, 0); }), kKilled);
    EXPECT_EQ(locked_in([] { return connect(0, nullptr, 0); }), kKilled);
}

TEST(SandboxTest, ProcessesEndTheProcess) {
    EXPECT_EQ(locked_in([] { return fork() == 0 ? 0 : 1; }), kKilled);
    EXPECT_EQ(locked_in([] { return static_cast<int>(syscall(SYS_clone, SIGCHLD, nullptr)); }), kKilled);
    EXPECT_EQ(locked_in([] { return execl("/bin/true", "true", nullptr); }), kKilled);
    EXPECT_EQ(locked_in([] { return kill(getppid(), SIGTERM); }), kKilled);
    EXPECT_EQ(locked_in([] { return static_cast<int>(syscall(SYS_tgkill, 1, 1, SIGTERM)); }), exit_with(255));
    EXPECT_EQ(locked_in([] { return static_cast<int>(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }),
              kKilled);
}

TEST(SandboxTest, MemoryIsLimited) {
    EXPECT_EQ(locked_in([] {
                  void *small = mmap(nullptr, kDataBytes / 2, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  void *large =
                      mmap(nullptr, kDataBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  return small != MAP_FAILED && large == MAP_FAILED ? 0 : 1;
              }),
              "exit 0");
}

TEST(SandboxTest, DataIsMeasured) {
    auto before = data_bytes();
    EXPECT_GT(before, 0U);
    std::string large(kDataBytes, 'x');
    EXPECT_GE(data_bytes(), before + kDataBytes / 2);
}

} // namespace
} // namespace divan::script
