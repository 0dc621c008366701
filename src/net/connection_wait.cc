#include "net/connection_wait.h"

#include <cerrno>
#include <sys/socket.h>

namespace divan::net {
namespace {

using boost::system::error_code;

constexpr std::size_t kWatchBytes = 4'096;

} // namespace

void Connection::watch_for_disconnect(const std::shared_ptr<Waiting> &waiting) {
    if (stream_.tls())
        watch_tls(waiting);
    else
        watch_socket(waiting);
}

// Readable while nothing is expected: pipelined bytes, or the end of the connection.
void Connection::watch_socket(const std::shared_ptr<Waiting> &waiting) {
    stream_.socket().async_wait(Socket::wait_read, [self = shared_from_this(), waiting](error_code error) {
        if (error || !waiting->resume)
            return;
        char byte = 0;
        auto got = recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0)
            return;
        // Asio may report a readiness from before the request was read: nothing has happened.
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return self->watch_socket(waiting);
        self->broken_ = true;
        waiting->finish(Wake::closed);
    });
}

// What comes with TLS may be no byte of HTTP, as its end is, so it is read. Pipelined bytes are kept for the
// next request.
void Connection::watch_tls(const std::shared_ptr<Waiting> &waiting) {
    if (buffer_.max_size() - buffer_.size() < kWatchBytes)
        return;
    waiting->reading = true;
    stream_.async_read_some(buffer_.prepare(kWatchBytes),
                            [self = shared_from_this(), waiting](error_code error, std::size_t bytes) {
                                waiting->reading = false;
                                self->buffer_.commit(bytes);
                                // Cancelled, because the wait is over.
                                if (waiting->read_ended)
                                    return (*waiting->read_ended)(true);
                                if (!error || error == asio::error::operation_aborted)
                                    return;
                                self->broken_ = true;
                                waiting->finish(Wake::closed);
                            });
}

Task<Wake> Connection::wait(std::shared_ptr<Event> event, Millis timeout) {
    if (broken_ || context_.stopping)
        co_return Wake::closed;
    auto waiting = std::make_shared<Waiting>(stream_.get_executor());
    waiting->event = event;
    waiting_ = waiting;
    auto wake = co_await suspend<Wake>([&](Resume<Wake> resume) {
        waiting->resume = resume;
        waiting->timer.expires_after(timeout);
        waiting->timer.async_wait([self = shared_from_this(), waiting](error_code error) {
            if (!error)
                waiting->finish(Wake::timeout);
        });
        watch_for_disconnect(waiting);
        if (event)
            event->on_notify([self = shared_from_this(), waiting] {
                self->post([waiting] { waiting->finish(Wake::event); });
            });
    });
    waiting_.reset();
    error_code ignored;
    stream_.socket().cancel(ignored); // the watch for a disconnect
    // It reads into what the next request is read from.
    if (waiting->reading) {
        co_await suspend<bool>([&](Resume<bool> resume) { waiting->read_ended = resume; });
    }
    co_return wake;
}

} // namespace divan::net
