#include "net/connection_pool.h"

namespace divan::net {

std::shared_ptr<Wire> ConnectionPool::take(const Destination &destination) {
    for (auto idle = idle_.begin(); idle != idle_.end();) {
        if (idle->destination != destination) {
            ++idle;
            continue;
        }
        auto wire = std::move(idle->wire);
        idle = idle_.erase(idle);
        if (!wire->stale())
            return wire;
        wire->close();
    }
    return nullptr;
}

void ConnectionPool::keep(const Destination &destination, std::shared_ptr<Wire> wire) {
    if (closed_ || options_.idle_connections_max == 0) {
        wire->close();
        return;
    }
    while (idle_.size() >= options_.idle_connections_max)
        drop_oldest();
    idle_.push_front({destination, std::move(wire), std::chrono::steady_clock::now()});
    watch();
}

void ConnectionPool::close() {
    closed_ = true;
    timer_.reset();
    while (!idle_.empty())
        drop_oldest();
}

void ConnectionPool::drop_oldest() {
    idle_.back().wire->close();
    idle_.pop_back();
}

// One timer, for the oldest.
void ConnectionPool::watch() {
    if (timer_ || idle_.empty())
        return;
    auto age = std::chrono::steady_clock::now() - idle_.back().since;
    auto left = std::chrono::ceil<Millis>(options_.keep_alive_timeout - age);
    timer_ = loop_.after(std::max(left, Millis(1)), [this] {
        auto ran = std::move(timer_);
        close_old();
    });
}

void ConnectionPool::close_old() {
    auto before = std::chrono::steady_clock::now() - options_.keep_alive_timeout;
    while (!idle_.empty() && idle_.back().since <= before)
        drop_oldest();
    watch();
}

} // namespace divan::net
