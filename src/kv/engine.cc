#include "kv/engine.h"

#include "base/check.h"

namespace divan::kv {

void WriteBatch::add(Kind kind, Table table, std::string key, std::string value) {
    DIVAN_CHECK(key.size() <= kKeyBytesMax);
    DIVAN_CHECK(value.size() <= kValueBytesMax);
    bytes_ += key.size() + value.size();
    entries_.push_back({kind, table, std::move(key), std::move(value)});
}

void WriteBatch::put(Table table, std::string key, std::string value) {
    DIVAN_CHECK(!key.empty());
    add(Kind::put, table, std::move(key), std::move(value));
}

void WriteBatch::erase(Table table, std::string key) {
    DIVAN_CHECK(!key.empty());
    add(Kind::erase, table, std::move(key), {});
}

void WriteBatch::erase_once(Table table, std::string key) {
    DIVAN_CHECK(!key.empty());
    add(Kind::erase_once, table, std::move(key), {});
}

void WriteBatch::erase_range(Table table, std::string begin, std::string end) {
    add(Kind::erase_range, table, std::move(begin), std::move(end));
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
