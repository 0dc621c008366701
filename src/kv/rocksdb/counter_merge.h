#pragma once

// WriteBatch::add as a RocksDB merge operator. Internal to kv/rocksdb.

#include "kv/engine.h"

#include <rocksdb/merge_operator.h>

namespace divan::kv {

class CounterMerge final : public rocksdb::AssociativeMergeOperator {
  public:
    // Part of the format: RocksDB refuses a directory whose operator has another name.
    [[nodiscard]] const char *Name() const override { return "divan.counters"; }

    bool Merge(const rocksdb::Slice & /*key*/, const rocksdb::Slice *existing, const rocksdb::Slice &deltas,
               std::string *sum, rocksdb::Logger * /*logger*/) const override {
        auto before = existing != nullptr ? existing->ToStringView() : std::string_view();
        *sum = add_counters(before, deltas.ToStringView());
        return true;
    }
};

} // namespace divan::kv
