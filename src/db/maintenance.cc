// Purges, compaction and the expiry of tombstones.

#include "db/maintenance.h"
#include "base/bytes.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/purge_operation.h"

#include <algorithm>
#include <limits>

namespace divan::db {
namespace {

constexpr std::size_t kBodiesPerStep = 500;
constexpr std::size_t kTombstonesPerStep = 500;

std::string next_key(std::string_view key) {
    return std::string(key) + '\0';
}

// Removes bodies of replaced revisions, step by step. Each step is a commit of its own.
Result<void> remove_replaced_bodies(Database::State &state, std::uint64_t keep_newest) {
    kv::ScanRequest request;
    request.shard = state.entry.shard;
    request.begin = std::string(keys::kBodyPrefix);
    request.end = prefix_end(keys::kBodyPrefix);
    request.rows_max = kBodiesPerStep;
    for (;;) {
        DIVAN_TRY_VOID(state.check_open());
        DIVAN_TRY(auto page, state.context.engine.scan(request));
        std::map<std::string, std::vector<std::uint64_t>> bodies;
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto key, keys::parse_body(page.key(i)));
            if (key.chunk != 0)
                continue;
            DIVAN_TRY(auto chunk, format::decode_first_chunk(page.value(i)));
            bodies[std::string(chunk.owner)].push_back(key.body);
        }
        if (!bodies.empty()) {
            DIVAN_TRY_VOID(state.run<Result<void>>([&](auto done) {
                return std::make_unique<RemoveBodiesOperation>(std::move(bodies), keep_newest,
                                                               std::move(done));
            }));
        }
        state.compaction_done += page.size();
        if (!page.more)
            return {};
        request.begin = next_key(page.key(page.size() - 1));
    }
}

} // namespace

namespace {

// REQUIRES: the caller has set `compacting`.
Result<void> run_compaction(Database::State &state, std::uint64_t keep_newest) {
    state.compaction_started_micros = state.context.clock.now().count();
    state.compaction_done = 0;
    auto outcome = remove_replaced_bodies(state, keep_newest);
    if (outcome.ok())
        outcome = state.context.engine.compact_shard(state.entry.shard);
    state.compacting = false;
    return outcome;
}

} // namespace

Result<void> compact(Database::State &state, std::uint64_t keep_newest) {
    if (state.compacting.exchange(true))
        return {};
    return run_compaction(state, keep_newest);
}

Result<bool> needs_compaction(Database::State &state) {
    auto options = state.context.options();
    DIVAN_TRY(auto counters, state.counters());
    auto replaced = static_cast<double>(counters[static_cast<std::size_t>(Counter::replaced_bytes)]);
    auto active = static_cast<double>(counters[static_cast<std::size_t>(Counter::active_bytes)]);
    return replaced >= static_cast<double>(options->compaction_replaced_bytes_min) &&
           replaced >= options->compaction_replaced_share * (replaced + active);
}

Result<void> expire_tombstones(Database::State &state, std::chrono::hours age_min) {
    auto now = std::chrono::duration_cast<std::chrono::hours>(state.context.clock.now());
    if (now < age_min)
        return {};
    // Every commit of a new hour leaves a mark, so what lies before the first mark that is too young
    // is old enough.
    kv::ScanRequest marks;
    marks.shard = state.entry.shard;
    marks.begin = keys::time_mark(static_cast<std::uint64_t>((now - age_min).count()));
    marks.end = prefix_end(keys::kTimeMarkPrefix);
    marks.rows_max = 1;
    DIVAN_TRY(auto mark, state.context.engine.scan(marks));
    DIVAN_TRY(auto last, state.context.engine.last_sequence(state.entry.shard));
    auto bound = mark.empty() ? last.value + 1 : ByteReader(mark.value(0)).varint();
    kv::ScanRequest request;
    request.shard = state.entry.shard;
    request.table = kv::Table::sequences;
    request.begin = std::string(keys::kSequencePrefix);
    request.end = keys::sequence(bound);
    request.rows_max = kTombstonesPerStep;
    for (;;) {
        DIVAN_TRY(auto page, state.context.engine.scan(request));
        RevsById doomed;
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto change,
                      state.complete_change(kv::Sequence(keys::parse_sequence(page.key(i))), page.value(i)));
            if (change.deleted)
                for (const auto &leaf : change.leaves)
                    doomed[change.id].push_back(leaf.rev);
        }
        if (!doomed.empty()) {
            DIVAN_TRY(auto purged, state.run<Result<RevsById>>([&](auto done) {
                return std::make_unique<PurgeOperation>(std::move(doomed), true, std::move(done));
            }));
        }
        if (!page.more)
            return {};
        request.begin = next_key(page.key(page.size() - 1));
    }
}

Result<std::map<std::string, std::vector<doc::RevId>>>
Database::purge(const std::map<std::string, std::vector<doc::RevId>> &asked) {
    DIVAN_TRY_VOID(state_->check_writable());
    for (const auto &[id, revs] : asked) {
        DIVAN_TRY_VOID(state_->check_known_id(id));
    }
    return state_->run<Result<RevsById>>(
        [&](auto done) { return std::make_unique<PurgeOperation>(asked, true, std::move(done)); });
}

namespace {

Result<std::vector<PurgeInfo>> read_purges(Database::State &state, std::uint64_t first,
                                           std::size_t rows_max) {
    kv::ScanRequest request;
    request.shard = state.entry.shard;
    request.begin = keys::purge(first);
    request.end = prefix_end(keys::kPurgePrefix);
    std::vector<PurgeInfo> infos;
    while (infos.size() < rows_max) {
        request.rows_max = std::min<std::size_t>(1'000, rows_max - infos.size());
        DIVAN_TRY(auto page, state.context.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto stored, format::decode_purge(page.value(i)));
            auto purge_seq = ByteReader(page.key(i).substr(keys::kPurgePrefix.size())).u64();
            infos.push_back(
                {purge_seq, std::move(stored.uuid), std::move(stored.id), std::move(stored.revs)});
        }
        if (!page.more)
            break;
        request.begin = next_key(page.key(page.size() - 1));
    }
    return infos;
}

} // namespace

Result<std::vector<PurgeInfo>> Database::purge_infos() {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY_VOID(check_shows_all("The purges"));
    return read_purges(*state_, 0, std::numeric_limits<std::size_t>::max());
}

Result<Database::PurgesPage> Database::purges_since(std::uint64_t purge_seq, std::size_t rows_max) {
    DIVAN_TRY_VOID(state_->check_open());
    PurgesPage page;
    DIVAN_TRY(page.purges, read_purges(*state_, purge_seq + 1, rows_max));
    page.whole =
        page.purges.empty() ? purge_seq >= this->purge_seq() : page.purges.front().purge_seq == purge_seq + 1;
    return page;
}

std::uint64_t Database::purge_seq() const {
    return state_->meta()->purge_seq;
}

Result<void> Database::start_compaction() {
    DIVAN_TRY_VOID(state_->check_open());
    // It runs from now on, for those who look: a thread may be free later only.
    if (state_->compacting.exchange(true))
        return {};
    state_->context.pool.post([state = state_] {
        ignore_error(run_compaction(*state, 0), "in the background: the next round tries again");
    });
    return {};
}

} // namespace divan::db
