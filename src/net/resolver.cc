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
constexpr std::size_t kWaitingMax = 1'024;

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
struct Resolver::Shared : std::enable_shared_from_this<Shared> {
    struct Lookup {
        std::uint64_t number = 0;
        std::string host;
        std::uint16_t port = 0;
        UniqueFunction<void(Addresses)> found;
    };
    std::mutex mutex;
    EventLoop *loop = nullptr; // null: stopped
    std::deque<Lookup> queue;
    std::size_t threads = 0;
    std::uint64_t lookups = 0;

    // Begins another thread if there may be more. false: none runs. REQUIRES: the lock
    bool has_thread() {
        try {
            if (threads < kThreadsMax) {
                std::thread([self = shared_from_this()] { self->run(); }).detach();
                ++threads;
            }
        } catch (const std::system_error &) {
            return threads > 0; // those that run take it
        }
        return true;
    }

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

std::uint64_t Resolver::find(std::string host, std::uint16_t port, UniqueFunction<void(Addresses)> found) {
    boost::system::error_code error;
    auto address = boost::asio::ip::make_address(host, error);
    std::lock_guard lock(shared_->mutex);
    auto number = ++shared_->lookups;
    if (shared_->loop == nullptr)
        return number;
    Addresses known;
    if (!error)
        known.endpoints.emplace_back(address, port);
    else if (shared_->queue.size() >= kWaitingMax)
        known.error = "too many names are looked up already";
    else {
        shared_->queue.push_back({number, std::move(host), port, std::move(found)});
        if (shared_->has_thread())
            return number;
        found = std::move(shared_->queue.back().found);
        shared_->queue.pop_back();
        known.error = "the system gives no thread to ask with";
    }
    shared_->loop->post(
        [found = std::move(found), known = std::move(known)]() mutable { found(std::move(known)); });
    return number;
}

void Resolver::withdraw(std::uint64_t lookup) {
    std::lock_guard lock(shared_->mutex);
    std::erase_if(shared_->queue, [lookup](const auto &waiting) { return waiting.number == lookup; });
}

void Resolver::stop() {
    std::deque<Shared::Lookup> dropped;
    std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
    dropped.swap(shared_->queue);
}

} // namespace divan::net
