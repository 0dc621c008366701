#include "anomaly/blocked_addresses.h"

#include <algorithm>

namespace divan::anomaly {
namespace {

// An address has one text, however a client came by it.
std::string canonical(std::string_view address) {
    auto parsed = net::IpAddress::parse(address);
    return parsed ? parsed->text() : std::string();
}

} // namespace

Result<void> BlockedAddresses::block(std::string_view address, Kind kind, std::string event,
                                     const BlockOptions &options) {
    auto parsed = net::IpAddress::parse(address);
    if (!parsed)
        return Error(ErrorCode::forbidden, "This is no IP address.");
    if (options.exempt.contains(*parsed))
        return Error(ErrorCode::forbidden, "The address is among [anomaly] block_exempt.");
    auto text = parsed->text();
    std::lock_guard lock(mutex_);
    if (!by_address_.contains(text) && by_address_.size() >= options.addresses_max)
        return Error(ErrorCode::forbidden,
                     "As many addresses as [anomaly] blocked_addresses_max are blocked.");
    auto until = clock_.monotonic() + options.time;
    by_address_.insert_or_assign(text, Block{text, kind, std::move(event), until, {}});
    count_ = by_address_.size();
    return {};
}

std::optional<std::chrono::nanoseconds> BlockedAddresses::remaining(std::string_view address) const {
    if (count_ == 0)
        return std::nullopt;
    auto text = canonical(address);
    std::lock_guard lock(mutex_);
    auto found = by_address_.find(text);
    auto now = clock_.monotonic();
    if (found == by_address_.end() || found->second.until <= now)
        return std::nullopt;
    return found->second.until - now;
}

std::vector<BlockedAddresses::Block> BlockedAddresses::list() const {
    std::vector<Block> blocks;
    std::lock_guard lock(mutex_);
    auto now = clock_.monotonic();
    for (const auto &[address, block] : by_address_) {
        if (block.until <= now)
            continue;
        blocks.push_back(block);
        blocks.back().remaining = block.until - now;
    }
    return blocks;
}

std::optional<BlockedAddresses::Block> BlockedAddresses::remove(std::string_view address) {
    auto text = canonical(address);
    std::lock_guard lock(mutex_);
    auto found = by_address_.find(text);
    if (found == by_address_.end() || found->second.until <= clock_.monotonic())
        return std::nullopt;
    auto block = std::move(found->second);
    by_address_.erase(found);
    count_ = by_address_.size();
    return block;
}

std::vector<BlockedAddresses::Block> BlockedAddresses::take(std::chrono::nanoseconds ended_at) {
    std::vector<Block> ended;
    std::lock_guard lock(mutex_);
    for (auto block = by_address_.begin(); block != by_address_.end();) {
        if (block->second.until <= ended_at) {
            ended.push_back(std::move(block->second));
            block = by_address_.erase(block);
        } else {
            ++block;
        }
    }
    count_ = by_address_.size();
    return ended;
}

std::vector<BlockedAddresses::Block> BlockedAddresses::take_ended() {
    return take(clock_.monotonic());
}

std::vector<BlockedAddresses::Block> BlockedAddresses::take_all() {
    return take(std::chrono::nanoseconds::max());
}

std::optional<std::chrono::nanoseconds> BlockedAddresses::until_next_end() const {
    std::lock_guard lock(mutex_);
    if (by_address_.empty())
        return std::nullopt;
    auto first = std::min_element(by_address_.begin(), by_address_.end(), [](const auto &a, const auto &b) {
        return a.second.until < b.second.until;
    });
    return std::max(first->second.until - clock_.monotonic(), std::chrono::nanoseconds(0));
}

} // namespace divan::anomaly
