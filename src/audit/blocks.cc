#include "audit/blocks.h"

#include "base/bytes.h"
#include "kv/reserved_shards.h"

namespace divan::audit {
namespace {

constexpr std::size_t kPageBytesMax = 256 << 10;

} // namespace

BlockScan::BlockScan(kv::Engine &engine, std::uint64_t number, bool reverse)
    : engine_(engine), number_(number) {
    request_.shard = kv::kAuditShard;
    request_.begin = std::string(kBlockPrefix);
    request_.end = reverse ? block_key(number) + '\0' : prefix_end(kBlockPrefix);
    request_.reverse = reverse;
    request_.bytes_max = kPageBytesMax;
}

// The block with a number begins with it or before it.
Result<void> BlockScan::begin_at_block() {
    begun_ = true;
    page_.more = true;
    if (request_.reverse)
        return {};
    auto before = request_;
    before.end = block_key(number_) + '\0';
    before.reverse = true;
    before.rows_max = 1;
    before.keys_only = true;
    DIVAN_TRY(auto found, engine_.scan(before));
    if (!found.empty())
        request_.begin = std::string(found.key(0));
    return {};
}

Result<std::optional<FoundBlock>> BlockScan::next() {
    if (!begun_) {
        DIVAN_TRY_VOID(begin_at_block());
    }
    if (row_ == page_.size()) {
        if (!page_.more)
            return std::optional<FoundBlock>();
        DIVAN_TRY(page_, engine_.scan(request_));
        row_ = 0;
        if (page_.empty()) {
            page_.more = false;
            return std::optional<FoundBlock>();
        }
        auto last = std::string(page_.key(page_.size() - 1));
        if (request_.reverse)
            request_.end = std::move(last);
        else
            request_.begin = std::move(last) + '\0';
    }
    FoundBlock found;
    auto number = parse_block_key(page_.key(row_));
    auto block = decode_block(page_.value(row_));
    ++row_;
    if (number.ok())
        found.first_number = *number;
    if (number.ok() && block.ok())
        found.records = std::move(*block);
    return std::optional<FoundBlock>(std::move(found));
}

Result<std::optional<StoredHead>> read_head(kv::Engine &engine) {
    kv::KeyRef key{kv::Table::documents, kHeadKey};
    DIVAN_TRY(auto values, engine.read(kv::kAuditShard, std::span(&key, 1)));
    if (!values.front())
        return std::optional<StoredHead>();
    DIVAN_TRY(auto head, decode_head(*values.front()));
    return std::optional<StoredHead>(std::move(head));
}

Result<std::optional<StoredRecord>> read_last_record(kv::Engine &engine) {
    BlockScan scan(engine, ~std::uint64_t{0}, true);
    DIVAN_TRY(auto block, scan.next());
    if (!block)
        return std::optional<StoredRecord>();
    if (!block->records || block->records->empty())
        return Error(ErrorCode::corruption, "The last block of the audit log cannot be read.");
    return std::optional<StoredRecord>(std::move(block->records->back()));
}

} // namespace divan::audit
