#include "kv/engine.h"

#include <tuple>

#include "base/bytes.h"
#include "base/check.h"

#include <algorithm>
#include <numeric>

namespace divan::kv {

void check_key(KeyRef key) {
    DIVAN_CHECK(!key.key.empty());
    DIVAN_CHECK(key.key.size() <= kKeyBytesMax);
}

void WriteBatch::append(Kind kind, Table table, std::string key, std::string value) {
    DIVAN_CHECK(key.size() <= kKeyBytesMax);
    DIVAN_CHECK(value.size() <= kValueBytesMax);
    bytes_ += key.size() + value.size();
    entries_.push_back({kind, table, std::move(key), std::move(value)});
}

void WriteBatch::put(Table table, std::string key, std::string value) {
    DIVAN_CHECK(!key.empty());
    append(Kind::put, table, std::move(key), std::move(value));
}

void WriteBatch::erase(Table table, std::string key) {
    DIVAN_CHECK(!key.empty());
    append(Kind::erase, table, std::move(key), {});
}

void WriteBatch::erase_once(Table table, std::string key) {
    DIVAN_CHECK(!key.empty());
    append(Kind::erase_once, table, std::move(key), {});
}

void WriteBatch::erase_range(Table table, std::string begin, std::string end) {
    append(Kind::erase_range, table, std::move(begin), std::move(end));
}

void WriteBatch::add(Table table, std::string key, std::span<const std::int64_t> deltas) {
    DIVAN_CHECK(!key.empty());
    append(Kind::add, table, std::move(key), encode_counters(deltas));
}

std::string encode_counters(std::span<const std::int64_t> counters) {
    std::string out;
    for (auto counter : counters)
        append_u64(out, static_cast<std::uint64_t>(counter));
    return out;
}

std::vector<std::int64_t> decode_counters(std::string_view value) {
    std::vector<std::int64_t> counters;
    ByteReader reader(value);
    while (!reader.at_end() && reader.ok())
        counters.push_back(static_cast<std::int64_t>(reader.u64()));
    return counters;
}

std::string add_counters(std::string_view left, std::string_view right) {
    auto sums = decode_counters(left);
    auto deltas = decode_counters(right);
    sums.resize(std::max(sums.size(), deltas.size()));
    for (std::size_t i = 0; i < deltas.size(); ++i)
        sums[i] += deltas[i];
    return encode_counters(sums);
}

void WriteBatch::sort() {
    std::vector<std::size_t> order(entries_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [this](std::size_t left, std::size_t right) {
        const auto &a = entries_[left];
        const auto &b = entries_[right];
        return std::tie(a.table, a.key, left) < std::tie(b.table, b.key, right);
    });
    std::vector<Entry> sorted;
    sorted.reserve(entries_.size());
    for (auto entry : order)
        sorted.push_back(std::move(entries_[entry]));
    entries_ = std::move(sorted);
}

void WriteBatch::clear() {
    entries_.clear();
    bytes_ = 0;
}

void Page::add(std::string_view key, std::string_view value) {
    rows_.push_back({static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(key.size()),
                     static_cast<std::uint32_t>(value.size())});
    bytes_.append(key);
    bytes_.append(value);
}

std::string_view Page::key(std::size_t row) const {
    return std::string_view(bytes_).substr(rows_[row].begin, rows_[row].key_size);
}

std::string_view Page::value(std::size_t row) const {
    return std::string_view(bytes_).substr(rows_[row].begin + rows_[row].key_size, rows_[row].value_size);
}

} // namespace divan::kv
