#include "audit/sealer.h"

#include "audit/pending.h"
#include "base/bytes.h"
#include "kv/reserved_shards.h"

#include <fmt/format.h>

namespace divan::audit {
namespace {

// Of texts: what a page of the query reads in one piece.
constexpr std::size_t kBlockBytesMax = 32 << 10;
constexpr std::size_t kBatchBytesMax = 4 << 20;
constexpr std::size_t kPageBytesMax = 1 << 20;

bool proves(Chain &chain, const StoredRecord &record) {
    return crypto::Secret(chain.tag(record.number, record.text)).equals(record.tag);
}

Error wrong_key() {
    return {
        ErrorCode::bad_request,
        "The key in [audit] key_file is not the one that the audit log was written with. Put the right key "
        "there; if it is the right one, the log was changed: `divan audit verify` says where."};
}

} // namespace

Result<Sealer::Opened> Sealer::open(kv::Engine &engine, const Clock &clock, const crypto::Secret &key,
                                    std::string uuid, std::string node) {
    auto make = [&](Chain chain, Head head) {
        return std::unique_ptr<Sealer>(
            new Sealer(engine, clock, std::move(chain), std::move(head), std::move(node)));
    };
    auto stored = read_head(engine);
    if (stored.ok() && *stored) {
        Chain chain(key, (*stored)->head.uuid);
        if (crypto::Secret(chain.seal_head((*stored)->head)).equals((*stored)->seal))
            return Opened{make(std::move(chain), std::move((*stored)->head)), {}};
    }
    Chain chain(key, std::move(uuid));
    auto last = read_last_record(engine);
    if (stored.ok() && !*stored && last.ok() && !*last) {
        Head head{chain.uuid(), 0, chain.genesis()};
        return Opened{make(std::move(chain), std::move(head)), {}};
    }
    // Somebody was here. The log goes on, and says so: a server that does not start would be the easier prey.
    if (!last.ok() || !*last || !proves(chain, **last))
        return wrong_key();
    Head head{chain.uuid(), (*last)->number, (*last)->mac};
    return Opened{
        make(std::move(chain), std::move(head)),
        fmt::format("The head of the audit log was missing or changed; it goes on behind record {}. "
                    "Compare it with its anchors: divan audit verify --anchors FILE.",
                    (*last)->number)};
}

Head Sealer::head() {
    std::lock_guard lock(mutex_);
    return head_;
}

std::string Sealer::seal_of_anchor(const Head &head, std::string_view time) {
    std::lock_guard lock(mutex_);
    return chain_.seal_anchor(head, time);
}

Result<void> Sealer::seal(std::vector<std::string> bodies, const std::vector<kv::ShardId> &shards) {
    std::lock_guard lock(mutex_);
    auto sealed = seal_all(std::move(bodies), shards);
    if (!sealed.ok())
        give_up();
    return sealed;
}

Result<void> Sealer::retire(kv::ShardId shard) {
    std::lock_guard lock(mutex_);
    auto sealed = seal_all({}, {shard});
    if (!sealed.ok()) {
        give_up();
        return sealed;
    }
    cursors_.erase(shard);
    kv::WriteBatch batch;
    batch.erase(kv::Table::documents, cursor_key(shard));
    return engine_.stage(kv::kAuditShard, std::move(batch));
}

Result<void> Sealer::seal_all(std::vector<std::string> bodies, const std::vector<kv::ShardId> &shards) {
    for (auto &body : bodies) {
        add(body);
        DIVAN_TRY_VOID(commit_if_large());
    }
    for (auto shard : shards) {
        DIVAN_TRY_VOID(add_pending(shard));
    }
    return commit();
}

void Sealer::add(std::string_view body) {
    StoredRecord record;
    record.number = ++next_.count;
    record.text = numbered(record.number, body);
    record.tag = chain_.tag(record.number, record.text);
    record.mac = chain_.link(next_.mac, record.number, record.tag);
    next_.mac = record.mac;
    block_bytes_ += record.text.size();
    block_.push_back(std::move(record));
    if (block_bytes_ >= kBlockBytesMax)
        close_block();
}

void Sealer::close_block() {
    if (block_.empty())
        return;
    batch_.put(kv::Table::documents, block_key(block_.front().number), encode_block(block_));
    block_.clear();
    block_bytes_ = 0;
}

// How far the shard's rows were chained; nullopt: none was.
Result<std::optional<PendingPlace>> Sealer::cursor(kv::ShardId shard) {
    if (auto next = next_cursors_.find(shard); next != next_cursors_.end())
        return std::optional(next->second);
    if (auto known = cursors_.find(shard); known != cursors_.end())
        return std::optional(known->second);
    auto key = cursor_key(shard);
    kv::KeyRef ref{kv::Table::documents, key};
    DIVAN_TRY(auto values, engine_.read(kv::kAuditShard, std::span(&ref, 1)));
    if (!values.front())
        return std::optional<PendingPlace>();
    DIVAN_TRY(auto place, decode_cursor(*values.front()));
    return std::optional(place);
}

Result<void> Sealer::add_pending(kv::ShardId shard) {
    DIVAN_TRY(auto reached, cursor(shard));
    kv::ScanRequest request;
    request.shard = shard;
    request.end = prefix_end(kPendingPrefix);
    request.bytes_max = kPageBytesMax;
    // Rows up to the cursor are there only if the process ended before they were erased.
    bool skip = cursors_.contains(shard) || next_cursors_.contains(shard);
    request.begin = skip ? pending_key(*reached) + '\0' : std::string(kPendingPrefix);
    for (bool more = true; more;) {
        DIVAN_TRY(auto page, engine_.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto place, parse_pending_key(page.key(i)));
            if (reached && place <= *reached)
                done_[shard].emplace_back(page.key(i));
            else
                add_row(shard, place, page.value(i));
            DIVAN_TRY_VOID(commit_if_large());
        }
        more = page.more;
        if (more)
            request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
    return {};
}

void Sealer::add_row(kv::ShardId shard, PendingPlace place, std::string_view value) {
    auto expanded = expand_pending(value, node_, [this](const std::string &body) { add(body); });
    if (!expanded.ok()) {
        Record lost;
        lost.time = clock_.now();
        lost.action = "pending_unreadable";
        lost.outcome = Outcome::failed;
        lost.reason = "Records of a commit cannot be read: the row was changed.";
        lost.details.append("shard", static_cast<std::uint64_t>(shard.value));
        lost.details.append("sequence", place.sequence);
        add(body_of(lost, node_));
    }
    next_cursors_[shard] = place;
    done_[shard].push_back(pending_key(place));
}

Result<void> Sealer::commit_if_large() {
    return batch_.bytes() >= kBatchBytesMax ? commit() : Result<void>();
}

Result<void> Sealer::commit() {
    close_block();
    if (next_.count != head_.count) {
        batch_.put(kv::Table::documents, std::string(kHeadKey),
                   encode_head({next_, chain_.seal_head(next_)}));
        for (const auto &[shard, place] : next_cursors_)
            batch_.put(kv::Table::documents, cursor_key(shard), encode_cursor(place));
        DIVAN_TRY(auto commit, engine_.begin(kv::kAuditShard, {}, 0));
        auto batch = std::move(batch_);
        batch_ = {};
        DIVAN_TRY(auto outcome, commit->finish(std::move(batch), 0));
        if (outcome != kv::CommitOutcome::committed)
            return Error(ErrorCode::outcome_unknown,
                         "It is not known whether records of the audit log were written.");
        head_ = next_;
        for (const auto &[shard, place] : next_cursors_)
            cursors_[shard] = place;
        next_cursors_.clear();
    }
    erase_done();
    return {};
}

void Sealer::erase_done() {
    for (auto &[shard, keys] : done_) {
        kv::WriteBatch batch;
        for (auto &key : keys)
            batch.erase_once(kv::Table::documents, std::move(key));
        ignore_error(engine_.stage(shard, std::move(batch)), "the cursor says that they are done");
    }
    done_.clear();
}

// What was not written is forgotten: the pending rows are still there.
void Sealer::give_up() {
    next_ = head_;
    block_.clear();
    block_bytes_ = 0;
    batch_ = {};
    next_cursors_.clear();
    done_.clear();
}

} // namespace divan::audit
