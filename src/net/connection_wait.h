#pragma once

// A wait of a handler. For the files of this module only.

#include "net/connection.h"

namespace divan::net {

// What a wait() waits for: the first that happens resumes it.
struct Connection::Waiting {
    explicit Waiting(const Strand &strand) : timer(strand) {}
    asio::steady_timer timer;
    std::optional<Resume<Wake>> resume;
    std::shared_ptr<Event> event;
    bool reading = false;                   // a read of TLS is under way
    std::optional<Resume<bool>> read_ended; // who waits for its end

    void finish(Wake wake) {
        if (!resume)
            return;
        auto resumed = *resume;
        resume.reset();
        timer.cancel();
        if (event)
            event->on_notify({});
        resumed(wake);
    }
};

} // namespace divan::net
