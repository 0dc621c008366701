#include "cli/interrupts.h"

#include <pthread.h>
#include <unistd.h>

namespace divan::cli {

Interrupts::Interrupts() {
    sigemptyset(&signals_);
    for (int signal : {SIGINT, SIGTERM, SIGUSR1})
        sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    // Who reads the output may go away.
    std::signal(SIGPIPE, SIG_IGN);
}

Interrupts::Woken Interrupts::wait(Millis time) const {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    timespec limit{};
    limit.tv_sec = seconds.count();
    limit.tv_nsec = std::chrono::nanoseconds(time - seconds).count();
    int signal = sigtimedwait(&signals_, nullptr, &limit);
    if (signal == SIGINT || signal == SIGTERM)
        return Woken::signal;
    return signal == SIGUSR1 ? Woken::wake : Woken::time;
}

void Interrupts::wake() {
    kill(getpid(), SIGUSR1);
}

} // namespace divan::cli
