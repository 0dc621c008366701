#include "kv/memory/rows.h"

#include "kv/page_filler.h"

namespace divan::kv {
namespace {

// The value at a commit; null where the row did not exist then.
const std::string *value_at(const MemoryRows::Versions &versions, std::uint64_t at) {
    for (auto version = versions.rbegin(); version != versions.rend(); ++version)
        if (version->commit <= at)
            return version->value ? &*version->value : nullptr;
    return nullptr;
}

template <typename Iterator> void fill(PageFiller &filler, Iterator row, Iterator end, std::uint64_t at) {
    for (; row != end; ++row) {
        const auto *value = value_at(row->second, at);
        if (value != nullptr && !filler.add(row->first, *value))
            return;
    }
}

std::uint64_t value_bytes(const MemoryRows::Version &version) {
    return version.value ? version.value->size() : 0;
}

std::size_t index_of(Table table) {
    return static_cast<std::size_t>(table);
}

} // namespace

std::optional<std::string> MemoryRows::read(ShardId shard, KeyRef key, std::uint64_t at) const {
    auto home = shards_.find(shard);
    if (home == shards_.end())
        return std::nullopt;
    const auto &rows = home->second.tables[index_of(key.table)];
    auto row = rows.find(key.key);
    if (row == rows.end())
        return std::nullopt;
    const auto *value = value_at(row->second, at);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

Page MemoryRows::scan(const ScanRequest &request, std::uint64_t at) const {
    PageFiller filler(request);
    auto home = shards_.find(request.shard);
    if (home == shards_.end() || range_is_empty(request.begin, request.end))
        return filler.take();
    const auto &rows = home->second.tables[index_of(request.table)];
    auto begin = rows.lower_bound(request.begin);
    auto end = request.end.empty() ? rows.end() : rows.lower_bound(request.end);
    if (request.reverse)
        fill(filler, std::make_reverse_iterator(end), std::make_reverse_iterator(begin), at);
    else
        fill(filler, begin, end, at);
    return filler.take();
}

void MemoryRows::apply(ShardId shard, WriteBatch batch, std::uint64_t last_sequence) {
    ++commit_;
    auto &home = shards_[shard];
    if (last_sequence != 0)
        home.last_sequence = last_sequence;
    for (const auto &entry : batch.entries()) {
        switch (entry.kind) {
        case WriteBatch::Kind::put:
            write(shard, entry.table, entry.key, entry.value);
            break;
        case WriteBatch::Kind::erase:
        case WriteBatch::Kind::erase_once:
            write(shard, entry.table, entry.key, std::nullopt);
            break;
        case WriteBatch::Kind::erase_range:
            erase_range(shard, entry.table, entry.key, entry.value);
            break;
        case WriteBatch::Kind::add: {
            auto before = read(shard, {entry.table, entry.key}, kNewest);
            write(shard, entry.table, entry.key, add_counters(before.value_or(""), entry.value));
            break;
        }
        }
    }
}

void MemoryRows::write(ShardId shard, kv::Table table, const std::string &key,
                       std::optional<std::string> value) {
    auto &home = shards_[shard];
    auto &rows = home.tables[index_of(table)];
    if (!value && !rows.contains(key))
        return;
    auto [row, inserted] = rows.try_emplace(key);
    home.bytes += inserted ? key.size() : 0;
    auto &versions = row->second;
    if (!versions.empty() && (pins_.empty() || *pins_.rbegin() < versions.back().commit)) {
        home.bytes -= value_bytes(versions.back());
        versions.pop_back();
    }
    versions.push_back({commit_, std::move(value)});
    home.bytes += value_bytes(versions.back());
    if (versions.size() > 1) {
        replaced_.push_back({commit_, shard, table, key});
    } else if (!versions.back().value) {
        home.bytes -= key.size();
        rows.erase(row);
    }
}

void MemoryRows::erase_range(ShardId shard, kv::Table table, const std::string &begin,
                             const std::string &end) {
    if (range_is_empty(begin, end))
        return;
    auto &rows = shards_[shard].tables[index_of(table)];
    auto row = rows.lower_bound(begin);
    while (row != rows.end() && (end.empty() || row->first < end)) {
        auto key = row->first; // write() may remove the row
        ++row;
        write(shard, table, key, std::nullopt);
    }
}

std::uint64_t MemoryRows::last_sequence(ShardId shard) const {
    auto home = shards_.find(shard);
    return home == shards_.end() ? 0 : home->second.last_sequence;
}

std::uint64_t MemoryRows::pin() {
    pins_.insert(commit_);
    return commit_;
}

void MemoryRows::release(std::uint64_t pinned) {
    pins_.erase(pins_.find(pinned));
    auto oldest = pins_.empty() ? commit_ : *pins_.begin();
    while (!replaced_.empty() && replaced_.front().commit <= oldest) {
        collect(replaced_.front(), oldest);
        replaced_.pop_front();
    }
}

void MemoryRows::collect(const Replaced &replaced, std::uint64_t oldest_pin) {
    auto home = shards_.find(replaced.shard);
    if (home == shards_.end())
        return;
    auto &rows = home->second.tables[index_of(replaced.table)];
    auto row = rows.find(replaced.key);
    if (row == rows.end())
        return;
    auto &versions = row->second;
    auto keep = versions.begin();
    while (std::next(keep) != versions.end() && std::next(keep)->commit <= oldest_pin)
        ++keep;
    for (auto version = versions.begin(); version != keep; ++version)
        home->second.bytes -= value_bytes(*version);
    versions.erase(versions.begin(), keep);
    if (versions.size() == 1 && !versions.front().value) {
        home->second.bytes -= row->first.size();
        rows.erase(row);
    }
}

MemoryRows::Shard MemoryRows::remove(ShardId shard) {
    auto home = shards_.find(shard);
    if (home == shards_.end())
        return {};
    auto removed = std::move(home->second);
    shards_.erase(home);
    return removed;
}

std::uint64_t MemoryRows::bytes(ShardId shard) const {
    auto home = shards_.find(shard);
    return home == shards_.end() ? 0 : home->second.bytes;
}

std::uint64_t MemoryRows::bytes() const {
    std::uint64_t sum = 0;
    for (const auto &[id, shard] : shards_)
        sum += shard.bytes;
    return sum;
}

} // namespace divan::kv
