#include "db/change_counts.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/tree_rows.h"
#include "db/visibility.h"

#include "base/bytes.h"

#include <algorithm>

namespace divan::db {
namespace {

// Rows of a count read by one call to the engine.
constexpr std::size_t kCountRowsPerScanMax = 10'000;

// The sum of the counters of the blocks [first, end) of a level.
Result<std::uint64_t> sum_blocks(kv::Engine &engine, kv::ShardId shard, std::uint8_t level,
                                 std::uint64_t first, std::uint64_t end) {
    std::int64_t sum = 0;
    kv::ScanRequest request;
    request.shard = shard;
    request.table = kv::Table::sequences;
    request.begin = keys::change_count(level, first);
    request.end = keys::change_count(level, end);
    request.rows_max = kCountRowsPerScanMax;
    while (request.begin < request.end) {
        DIVAN_TRY(auto page, engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i)
            for (auto count : kv::decode_counters(page.value(i)))
                sum += count;
        if (!page.more)
            break;
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, sum));
}

} // namespace

Result<Change> Database::State::complete_change(kv::Sequence sequence, std::string_view value) {
    DIVAN_TRY(auto change, format::decode_change(sequence, value));
    if (!change.leaves.empty())
        return change;
    DIVAN_TRY(auto row, read(kv::Table::documents, keys::head(change.id)));
    if (!row)
        return change; // gone since the row was read; a later row or none tells
    DIVAN_TRY(auto head, format::decode_head(*row));
    auto stored = stored_tree(head);
    DIVAN_TRY(auto trees, load_trees(context.engine, entry.shard, std::span(&stored, 1)));
    auto tree = std::move(trees.front());
    if (!tree) {
        // The document was written since its head was read.
        DIVAN_TRY(tree, current_tree(change.id));
    }
    if (tree)
        change.leaves = tree->leaves();
    return change;
}

Result<ChangesPage> Database::changes(const ChangesRange &range) {
    DIVAN_TRY_VOID(state_->check_open());
    kv::ScanRequest request;
    request.shard = state_->entry.shard;
    request.table = kv::Table::sequences;
    request.reverse = range.reverse;
    request.rows_max = range.rows_max;
    auto first = range.reverse ? 0 : range.since.value + 1;
    request.begin = keys::sequence(first);
    request.end = range.reverse && range.before ? keys::sequence(range.before->value)
                                                : prefix_end(keys::kSequencePrefix);
    // Before the scan: what is committed later has a higher number and comes with the next page.
    auto last = range.last.value_or(kv::Sequence(0));
    if (!range.last) {
        DIVAN_TRY(last, last_sequence());
    }
    DIVAN_TRY(auto page, state_->context.engine.scan(request));
    ChangesPage result;
    result.more = page.more;
    result.last = range.reverse ? kv::Sequence(0) : std::max(last, range.since);
    result.changes.reserve(page.size());
    for (std::size_t i = 0; i < page.size(); ++i) {
        kv::Sequence sequence(keys::parse_sequence(page.key(i)));
        DIVAN_TRY(auto change, state_->complete_change(sequence, page.value(i)));
        result.changes.push_back(std::move(change));
    }
    if (!result.changes.empty()) {
        auto newest = result.changes.back().sequence;
        result.last = page.more || newest > result.last ? newest : result.last;
    }
    DIVAN_TRY_VOID(drop_hidden(result.changes));
    return result;
}

Result<std::uint64_t> Database::pending(kv::Sequence since) {
    DIVAN_TRY_VOID(state_->check_open());
    if (hides_documents()) {
        // An exact count would judge every document, and clients ask again and again.
        DIVAN_TRY(auto next, changes({.since = since}));
        return std::uint64_t{next.changes.size()};
    }
    auto &engine = state_->context.engine;
    auto shard = state_->entry.shard;
    // Rows of the block that `since` lies in, then whole blocks, then whole blocks of blocks.
    auto first = since.value + 1;
    kv::ScanRequest rows;
    rows.shard = shard;
    rows.table = kv::Table::sequences;
    rows.keys_only = true;
    rows.begin = keys::sequence(first);
    auto next_block = change_block(first, 0) + 1;
    rows.end = keys::sequence(next_block << kChangeCountBits);
    DIVAN_TRY(auto page, engine.scan(rows));
    std::uint64_t count = page.size();
    auto next_group = (next_block + (1u << kChangeCountBits) - 1) >> kChangeCountBits;
    DIVAN_TRY(auto in_blocks, sum_blocks(engine, shard, 0, next_block, next_group << kChangeCountBits));
    DIVAN_TRY(auto in_groups, sum_blocks(engine, shard, 1, next_group, ~std::uint64_t{0}));
    return count + in_blocks + in_groups;
}

Result<kv::Sequence> Database::last_sequence() {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY(auto last, state_->context.engine.last_sequence(state_->entry.shard));
    state_->note_sequence(last);
    return last;
}

std::optional<kv::Sequence> Database::last_sequence_cached() const {
    auto newest = state_->newest_sequence();
    if (!state_->context.single_writer || newest.value == 0 || state_->deleted)
        return std::nullopt;
    return newest;
}

std::string Database::sequence_token(kv::Sequence sequence) {
    auto token = encode_sequence(sequence, state_->meta()->runs);
    if (visibility_ == nullptr)
        return token;
    std::string sealed;
    visibility_->append_sealed(sealed, token);
    return sealed;
}

kv::Sequence Database::newest_run_begin() const {
    auto meta = state_->meta();
    return kv::Sequence(meta->runs.empty() ? 1 : meta->runs.back().first_sequence);
}

Result<kv::Sequence> Database::since(std::string_view token, kv::Sequence last) const {
    if (token == "now")
        return last;
    if (visibility_ == nullptr)
        return decode_since(token, last, state_->meta()->runs);
    // Under other rules other documents were left out: from the beginning, as nothing tells which.
    auto unsealed = visibility_->unseal(token);
    return unsealed ? decode_since(*unsealed, last, state_->meta()->runs) : kv::Sequence(0);
}

} // namespace divan::db
