#include "net/server.h"

#include "base/check.h"
#include "net/connection.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace divan::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kDeadlineInterval = std::chrono::milliseconds(500);
constexpr Millis kAcceptPause{100};

// Without the zone of a link-local one.
IpAddress ip_address(const asio::ip::address &address) {
    IpAddress out;
    auto six =
        address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6();
    out.bytes = six.to_bytes();
    out.v4 = six.is_v4_mapped();
    return out;
}

// nullopt: it is gone already.
std::optional<IpAddress> remote_address(const Socket &socket) {
    error_code error;
    auto endpoint = socket.remote_endpoint(error);
    return error ? std::nullopt : std::optional<IpAddress>(ip_address(endpoint.address()));
}

} // namespace

struct Listener::State {
    std::mutex mutex;
    std::shared_ptr<const ListenerOptions> options;

    std::shared_ptr<const ListenerOptions> get() {
        std::lock_guard lock(mutex);
        return options;
    }
};

void Listener::set_options(ListenerOptions options) const {
    auto shared = std::make_shared<const ListenerOptions>(std::move(options));
    std::lock_guard lock(state_->mutex);
    DIVAN_CHECK((state_->options->tls == nullptr) == (shared->tls == nullptr));
    state_->options = std::move(shared);
}

class Server::Impl {
  public:
    Impl(ServerOptions options, Handler handler, ErrorResponse error_response, Observer observer)
        : work_(asio::make_work_guard(io_)), deadline_timer_(io_) {
        context_.options = options;
        context_.handler = std::move(handler);
        context_.error_response = std::move(error_response);
        context_.observer = std::move(observer);
        watch_deadlines();
        for (std::size_t i = 0; i < options.thread_count; ++i)
            threads_.emplace_back([this] { io_.run(); });
    }

    ~Impl() {
        stop();
        work_.reset();
        io_.stop();
        for (auto &thread : threads_)
            thread.join();
    }

    Result<std::uint16_t> listen(const ListenAddress &where, std::shared_ptr<Listener::State> listener) {
        error_code error;
        auto address = asio::ip::make_address(where.address, error);
        if (error)
            return Error(ErrorCode::bad_request, fmt::format("`{}` is not an IP address.", where.address));
        auto acceptor = std::make_shared<tcp::acceptor>(io_);
        tcp::endpoint endpoint(address, where.port);
        acceptor->open(endpoint.protocol(), error);
        if (!error)
            acceptor->set_option(asio::socket_base::reuse_address(true), error);
        if (!error)
            acceptor->bind(endpoint, error);
        if (!error)
            acceptor->listen(1'024, error);
        if (error)
            return Error(ErrorCode::bad_request, fmt::format("Cannot listen on {}:{}: {}.", where.address,
                                                             where.port, error.message()));
        auto port = acceptor->local_endpoint().port();
        {
            std::lock_guard lock(mutex_);
            acceptors_.push_back(acceptor);
        }
        accept(acceptor, std::move(listener));
        return port;
    }

    void set_connections_per_address_max(std::size_t count) { connections_per_address_max_ = count; }

    void stop() {
        if (context_.stopping.exchange(true))
            return;
        std::unique_lock lock(mutex_);
        for (auto &acceptor : acceptors_)
            asio::post(io_, [acceptor] {
                error_code ignored;
                acceptor->close(ignored);
            });
        auto each = [&](auto call) {
            for (const auto &connection : connections_)
                call(*connection);
        };
        each([](Connection &connection) { connection.wake_to_stop(); });
        if (!all_closed_.wait_for(lock, context_.options.drain_timeout,
                                  [&] { return connections_.empty(); })) {
            each([](Connection &connection) { connection.close_now(); });
            all_closed_.wait(lock, [&] { return connections_.empty(); });
        }
        lock.unlock();
        deadline_timer_.cancel();
    }

    void post_after(Millis delay, UniqueFunction<void()> work) {
        auto timer = std::make_shared<asio::steady_timer>(io_, delay);
        timer->async_wait([timer, work = std::move(work)](error_code error) mutable {
            if (!error)
                work();
        });
    }

    std::size_t connection_count() {
        std::lock_guard lock(mutex_);
        return connections_.size();
    }

  private:
    void accept(const std::shared_ptr<tcp::acceptor> &acceptor, std::shared_ptr<Listener::State> listener) {
        auto strand = asio::make_strand(io_);
        acceptor->async_accept(
            strand, [this, acceptor, listener = std::move(listener)](error_code error, Socket socket) {
                if (error == asio::error::operation_aborted || !acceptor->is_open())
                    return;
                if (!error) {
                    add(std::move(socket), *listener->get());
                    accept(acceptor, listener);
                } else {
                    // Out of descriptors, most likely: to ask again at once would only burn the processor.
                    post_after(kAcceptPause, [this, acceptor, listener] { accept(acceptor, listener); });
                }
            });
    }

    void observe(ConnectionEvent event, const IpAddress &address) {
        if (context_.observer)
            context_.observer(event, address.text(), {});
    }

    // A socket that is not taken is closed with it.
    void add(Socket socket, const ListenerOptions &listener) {
        error_code error;
        socket.set_option(tcp::no_delay(true), error);
        auto address = remote_address(socket);
        if (!address)
            return;
        if (listener.deny.contains(*address) ||
            (!listener.allow.empty() && !listener.allow.contains(*address)))
            return observe(ConnectionEvent::address_refused, *address);
        if (!count_in(*address))
            return observe(ConnectionEvent::too_many_of_address, *address);
        auto connection =
            std::make_shared<Connection>(std::move(socket), context_, listener.tls, address->text());
        bool refused = false;
        {
            std::lock_guard lock(mutex_);
            refused = connections_.size() >= context_.options.connections_max;
            if (context_.stopping || (refused && listener.tls)) {
                count_out(*address);
                return;
            }
            connections_.insert(connection);
        }
        auto done = [this, connection, address = *address] {
            std::lock_guard lock(mutex_);
            count_out(address);
            connections_.erase(connection);
            if (connections_.empty())
                all_closed_.notify_all();
        };
        if (refused)
            connection->refuse(std::move(done));
        else
            connection->start(std::move(done));
    }

    // False: the address has all the connections that it may have.
    bool count_in(const IpAddress &address) {
        auto most = connections_per_address_max_.load();
        std::lock_guard lock(mutex_);
        auto &count = connections_by_address_[address.bytes];
        if (most != 0 && count >= most)
            return false;
        ++count;
        return true;
    }

    // REQUIRES: mutex_ is held.
    void count_out(const IpAddress &address) {
        auto found = connections_by_address_.find(address.bytes);
        if (--found->second == 0)
            connections_by_address_.erase(found);
    }

    // Deadlines are looked at now and then, so that no request arms a timer.
    void watch_deadlines() {
        deadline_timer_.expires_after(kDeadlineInterval);
        deadline_timer_.async_wait([this](error_code error) {
            if (error)
                return;
            auto now = std::chrono::steady_clock::now();
            {
                std::lock_guard lock(mutex_);
                for (const auto &connection : connections_)
                    connection->check_deadline(now);
            }
            watch_deadlines();
        });
    }

    ServerContext context_;
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer deadline_timer_;
    std::mutex mutex_;
    std::condition_variable all_closed_;
    std::vector<std::shared_ptr<tcp::acceptor>> acceptors_;
    std::unordered_set<std::shared_ptr<Connection>> connections_;
    std::map<std::array<std::uint8_t, 16>, std::size_t> connections_by_address_;
    std::atomic<std::size_t> connections_per_address_max_ = 0;
    std::vector<std::thread> threads_;
};

Server::Server(ServerOptions options, Handler handler, ErrorResponse error_response, Observer observer)
    : impl_(std::make_unique<Impl>(options, std::move(handler), std::move(error_response),
                                   std::move(observer))) {}

Server::~Server() = default;

Result<Listener> Server::listen(const ListenAddress &address, ListenerOptions options) {
    auto state = std::make_shared<Listener::State>();
    state->options = std::make_shared<const ListenerOptions>(std::move(options));
    DIVAN_TRY(auto port, impl_->listen(address, state));
    return Listener(port, std::move(state));
}

void Server::set_connections_per_address_max(std::size_t count) {
    impl_->set_connections_per_address_max(count);
}

void Server::stop() {
    impl_->stop();
}

void Server::post_after(Millis delay, UniqueFunction<void()> work) {
    impl_->post_after(delay, std::move(work));
}

std::size_t Server::connection_count() const {
    return impl_->connection_count();
}

} // namespace divan::net
