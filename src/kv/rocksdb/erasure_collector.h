#pragma once

// Has files compacted where erasures lie dense. Internal to kv/rocksdb.
//
// A scan steps over every erased entry that a compaction has not removed yet, so a table where
// entries churn gets slow to read although it holds little. RocksDB's own collector does not count
// single deletions, which is what erase_once() writes.

#include <rocksdb/table_properties.h>

namespace divan::kv {

// Asks for a compaction of a file if, in some run of kRunEntries entries, at least kErasuresMin are
// erasures; and of a small file if half of its entries are. Such a file is what many edits of few
// documents leave of a memory table, since most puts and erasures cancel out when it is flushed: a few
// hundred rows, but one more file for every scan of them. Used by one thread, for one file.
class ErasureCollector final : public rocksdb::TablePropertiesCollector {
  public:
    static constexpr std::uint32_t kRunEntries = 1'024;
    static constexpr std::uint32_t kErasuresMin = 768;
    static constexpr std::uint64_t kSmallFileEntriesMax = 8'192;

    rocksdb::Status AddUserKey(const rocksdb::Slice & /*key*/, const rocksdb::Slice & /*value*/,
                               rocksdb::EntryType type, rocksdb::SequenceNumber /*number*/,
                               std::uint64_t /*file_bytes*/) override {
        bool erasure = type == rocksdb::kEntryDelete || type == rocksdb::kEntrySingleDelete;
        erasures_ += erasure ? 1 : 0;
        all_erasures_ += erasure ? 1 : 0;
        all_puts_ += type == rocksdb::kEntryPut ? 1 : 0;
        dense_ = dense_ || erasures_ >= kErasuresMin;
        if (++entries_ == kRunEntries)
            entries_ = erasures_ = 0;
        return rocksdb::Status::OK();
    }
    rocksdb::Status Finish(rocksdb::UserCollectedProperties * /*properties*/) override {
        return rocksdb::Status::OK();
    }
    [[nodiscard]] rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
    [[nodiscard]] const char *Name() const override { return "divan.erasures"; }
    [[nodiscard]] bool NeedCompact() const override {
        return dense_ || (all_erasures_ > 0 && all_erasures_ >= all_puts_ &&
                          all_puts_ + all_erasures_ <= kSmallFileEntriesMax);
    }

  private:
    std::uint32_t entries_ = 0;
    std::uint32_t erasures_ = 0;
    std::uint64_t all_puts_ = 0;
    std::uint64_t all_erasures_ = 0;
    bool dense_ = false;
};

class ErasureCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
  public:
    rocksdb::TablePropertiesCollector *CreateTablePropertiesCollector(Context /*context*/) override {
        return new ErasureCollector; // owned by RocksDB
    }
    [[nodiscard]] const char *Name() const override { return "divan.erasures"; }
};

} // namespace divan::kv
