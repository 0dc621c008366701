#pragma once

// The blocks of a log in an engine, one after the other.

#include "audit/format.h"

#include <memory>
#include <optional>

namespace divan::audit {

struct FoundBlock {
    std::uint64_t first_number = 0; // by its key
    std::optional<Block> records;   // nothing: it cannot be read
};

// Reads a page of the engine at a time: memory is bounded whatever the log holds. One thread at a time.
class BlockScan {
  public:
    // From the block that holds `number`, or would; to the end, or `reverse` to the beginning. The engine
    // outlives it.
    BlockScan(kv::Engine &engine, std::uint64_t number, bool reverse);
    // nullopt: there are no more.
    Result<std::optional<FoundBlock>> next();

  private:
    Result<void> begin_at_block();

    kv::Engine &engine_;
    kv::ScanRequest request_;
    const std::uint64_t number_;
    bool begun_ = false;
    kv::Page page_;
    std::size_t row_ = 0;
};

// The head as it is stored; nullopt: there is none. Errors: corruption.
[[nodiscard]] Result<std::optional<StoredHead>> read_head(kv::Engine &engine);
// The last record of the log; nullopt: there is none. Errors: corruption.
[[nodiscard]] Result<std::optional<StoredRecord>> read_last_record(kv::Engine &engine);

} // namespace divan::audit
