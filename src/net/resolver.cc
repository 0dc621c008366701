#include "net/resolver.h"

#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <deque>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>

namespace divan::net {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kThreadsMax = 4;

Addresses look_up(const std::string &host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo *list = nullptr;
    Addresses found;
    if (int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
        found.error = gai_strerror(error);
        return found;
    }
    for (auto *entry = list; entry != nullptr; entry = entry->ai_next) {
        tcp::endpoint endpoint;
        if (entry->ai_addrlen > endpoint.capacity())
            continue;
        std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
        endpoint.resize(entry->ai_addrlen);
        endpoint.port(port);
        found.endpoints.push_back(endpoint);
    }
    freeaddrinfo(list);
    return found;
}

} // namespace

// Outlives the loop where a lookup does: nobody waits for a name server when the process ends.
struct Resolver::Shared {
    struct Lookup {
        std::string host;
        std::uint16_t port = 0;
        UniqueFunction<void(Addresses)> found;
    };
    std::mutex mutex;
    EventLoop *loop = nullptr; // null: stopped
    std::deque<Lookup> queue;
    std::size_t threads = 0;

    void run() {
        std::unique_lock lock(mutex);
        while (loop != nullptr && !queue.empty()) {
            auto lookup = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            auto addresses = look_up(lookup.host, lookup.port);
            lock.lock();
            if (loop != nullptr)
                loop->post([found = std::move(lookup.found), addresses = std::move(addresses)]() mutable {
                    found(std::move(addresses));
                });
        }
        --threads;
    }
};

Resolver::Resolver(EventLoop &loop) : shared_(std::make_shared<Shared>()) {
    shared_->loop = &loop;
}

Resolver::~Resolver() {
    stop();
}

void Resolver::find(std::string host, std::uint16_t port, UniqueFunction<void(Addresses)> found) {
    boost::system::error_code error;
    auto address = boost::asio::ip::make_address(host, error);
    std::lock_guard lock(shared_->mutex);
    if (shared_->loop == nullptr)
        return;
    if (!error) {
        shared_->loop->post([found = std::move(found), endpoint = tcp::endpoint(address, port)]() mutable {
            found(Addresses{.endpoints = {endpoint}, .error = {}});
        });
        return;
    }
    shared_->queue.push_back({std::move(host), port, std::move(found)});
    if (shared_->threads >= kThreadsMax)
        return;
    try {
        std::thread([shared = shared_] { shared->run(); }).detach();
        ++shared_->threads;
    } catch (const std::system_error &) {
        if (shared_->threads > 0)
            return; // those that run take it
        auto refused = std::move(shared_->queue.back());
        shared_->queue.pop_back();
        shared_->loop->post([found = std::move(refused.found)]() mutable {
            found(Addresses{.endpoints = {}, .error = "the system gives no thread to ask with"});
        });
    }
}

void Resolver::stop() {
    std::deque<Shared::Lookup> dropped;
    std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
    dropped.swap(shared_->queue);
}

} // namespace divan::net
