#include "db/commit_group.h"

#include "db/change_counts.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/partition.h"
#include "db/tree_rows.h"

#include "base/bytes.h"

#include <algorithm>

namespace divan::db {
namespace {

// Attempts of a group when other writers of the shard are faster.
constexpr int kAttemptsMax = 10;
// Lives of the process that a database remembers; a reader with an older token starts from the beginning.
constexpr std::size_t kRunsMax = 1'000;

} // namespace

CommitGroup::CommitGroup(Database::State &database, std::vector<std::unique_ptr<Operation>> operations)
    : database_(database), operations_(std::move(operations)) {}

void CommitGroup::run() {
    Result<void> outcome = database_.check_open();
    std::vector<Result<void>> applied(operations_.size());
    if (outcome.ok()) {
        outcome =
            Error(ErrorCode::service_unavailable, "The database is written to by too many servers at once.");
        for (int i = 0; i < kAttemptsMax; ++i) {
            auto committed = attempt(applied);
            if (!committed.ok())
                outcome = committed.error();
            else if (*committed)
                outcome = {};
            else
                continue;
            break;
        }
    }
    if (outcome.ok()) {
        if (meta_changed_)
            database_.set_meta(meta_);
        if (design_changed_) {
            database_.design_document_count += counts_[static_cast<std::size_t>(Counter::design_documents)];
            database_.design_version = database_.context.next_design_version();
        }
        if (documents_changed_)
            database_.notify();
    }
    for (std::size_t i = 0; i < operations_.size(); ++i)
        operations_[i]->answer(applied[i].ok() ? outcome : applied[i]);
}

// true: committed; false: another writer was faster.
Result<bool> CommitGroup::attempt(std::vector<Result<void>> &applied) {
    DIVAN_TRY_VOID(prepare());
    std::uint32_t sequences_max = 0;
    for (const auto &operation : operations_)
        sequences_max += operation->edit_count();

    // An engine with other writers tells us under its lock what we have read before it.
    std::vector<std::string> reads;
    if (!database_.context.single_writer)
        reads = read_keys_;
    std::vector<kv::KeyRef> refs;
    for (const auto &key : reads)
        refs.push_back({kv::Table::documents, key});
    DIVAN_TRY(auto commit, database_.context.engine.begin(database_.entry.shard, refs, sequences_max));
    // Deleted since: its rows are erased as soon as nobody holds the shard, and must not come back.
    DIVAN_TRY_VOID(database_.check_open());
    if (!reads.empty() && commit->values() != read_values_)
        return false;

    first_sequence_ = commit->first_sequence().value;
    for (std::size_t i = 0; i < operations_.size(); ++i)
        applied[i] = operations_[i]->apply(*this);
    DIVAN_TRY_VOID(flush());
    if (batch_.empty())
        return true;
    if (!audited_.empty())
        database_.context.audit->append(database_.name, kv::Sequence(first_sequence_), audited_, batch_);
    DIVAN_TRY(auto outcome, commit->finish(std::move(batch_), sequences_used_));
    if (!audited_.empty() && outcome != kv::CommitOutcome::conflict)
        database_.context.audit->committed(database_.entry.shard);
    if (outcome == kv::CommitOutcome::unknown)
        return Error(ErrorCode::outcome_unknown);
    if (outcome == kv::CommitOutcome::committed && sequences_used_ > 0)
        database_.note_sequence(kv::Sequence(first_sequence_ + sequences_used_ - 1));
    return outcome == kv::CommitOutcome::committed;
}

Result<void> CommitGroup::prepare() {
    documents_.clear();
    order_.clear();
    rows_.clear();
    batch_.clear();
    counts_.assign(kCounterCount, 0);
    partition_counts_.clear();
    change_counts_.clear();
    sequences_used_ = 0;
    audited_.clear();
    meta_changed_ = false;
    documents_changed_ = false;
    design_changed_ = false;
    read_keys_.clear();

    for (const auto &operation : operations_)
        operation->collect(order_);
    std::sort(order_.begin(), order_.end());
    order_.erase(std::unique(order_.begin(), order_.end()), order_.end());
    for (const auto &id : order_)
        read_keys_.push_back(keys::head(id));
    for (const auto &operation : operations_)
        operation->collect_rows(read_keys_);
    auto rows_end = read_keys_.size();
    bool read_meta = !database_.context.single_writer;
    if (read_meta)
        read_keys_.emplace_back(keys::kMeta);

    DIVAN_TRY_VOID(read_collected());
    meta_ = *database_.meta();
    if (read_meta && read_values_.back()) {
        DIVAN_TRY(meta_, format::decode_meta(*read_values_.back()));
    }
    documents_.reserve(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
        DIVAN_TRY_VOID(add_document(order_[i], read_values_[i]));
    }
    for (auto i = order_.size(); i < rows_end; ++i)
        rows_[read_keys_[i]] = read_values_[i];
    for (const auto &operation : operations_)
        operation->foresee(*this);
    return read_wanted_trees();
}

// The values of read_keys_; in the same call the sizes of partitions, if they have a limit.
Result<void> CommitGroup::read_collected() {
    full_partitions_.clear();
    read_values_.clear();
    auto partitions = limited_partitions();
    std::vector<std::string> partition_keys;
    for (const auto &partition : partitions)
        partition_keys.push_back(keys::partition_counters(partition));
    std::vector<kv::KeyRef> refs;
    refs.reserve(read_keys_.size() + partition_keys.size());
    for (const auto *list : {&read_keys_, &partition_keys})
        for (const auto &key : *list)
            refs.push_back({kv::Table::documents, key});
    if (refs.empty())
        return {};
    DIVAN_TRY(read_values_, database_.context.engine.read(database_.entry.shard, refs));
    auto bytes_max = database_.context.options()->partition_bytes_max;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto &value = read_values_[read_keys_.size() + i];
        auto counters = kv::decode_counters(value ? *value : std::string());
        counters.resize(kCounterCount);
        auto bytes = counters[static_cast<std::size_t>(Counter::external_bytes)];
        if (bytes > 0 && static_cast<std::uint64_t>(bytes) >= bytes_max)
            full_partitions_.insert(partitions[i]);
    }
    read_values_.resize(read_keys_.size());
    return {};
}

// The partitions of the documents of this group, if their size matters.
std::vector<std::string> CommitGroup::limited_partitions() const {
    std::vector<std::string> partitions;
    if (!database_.entry.options.partitioned || database_.context.options()->partition_bytes_max == 0)
        return partitions;
    // Ids are sorted: those of one partition stand together.
    for (const auto &id : order_)
        if (auto partition = partition_of(id);
            partition && (partitions.empty() || partitions.back() != *partition))
            partitions.emplace_back(*partition);
    return partitions;
}

// Before the shard is locked: a tree changes only together with its head.
Result<void> CommitGroup::read_wanted_trees() {
    std::vector<StoredTree> stored;
    std::vector<WorkingDocument *> owners;
    for (auto &[id, document] : documents_)
        if (document.tree_wanted && !document.tree_complete) {
            stored.push_back(stored_tree(*document.stored));
            owners.push_back(&document);
        }
    DIVAN_TRY(auto trees, load_trees(database_.context.engine, database_.entry.shard, stored));
    for (std::size_t i = 0; i < trees.size(); ++i)
        // Without its rows the document was written just now, and the comparison under the lock tells.
        if (trees[i]) {
            owners[i]->tree = std::move(*trees[i]);
            owners[i]->tree_complete = true;
        }
    return {};
}

Result<void> CommitGroup::add_document(const std::string &id, const std::optional<std::string> &value) {
    auto &document = documents_[id];
    document.id = id;
    if (!value)
        return {};
    DIVAN_TRY(document.stored, format::decode_head(*value));
    document.document_number = document.stored->document_number;
    document.tree_complete = !document.stored->has_tree;
    merge_history(document.tree, document.stored->recent);
    return {};
}

WorkingDocument &CommitGroup::document(const std::string &id) {
    auto found = documents_.find(id);
    DIVAN_CHECK(found != documents_.end());
    return found->second;
}

std::optional<std::string> &CommitGroup::row(const std::string &key) {
    auto found = rows_.find(key);
    DIVAN_CHECK(found != rows_.end());
    return found->second;
}

Result<void> CommitGroup::complete_tree(WorkingDocument &document) {
    if (document.tree_complete)
        return {};
    DIVAN_TRY(auto tree,
              load_tree(database_.context.engine, database_.entry.shard, stored_tree(*document.stored)));
    // What this group added is newer than what was loaded.
    for (const auto &leaf : document.tree.leaves())
        if (auto history = document.tree.history(leaf.rev))
            merge_history(tree, *history);
    document.tree = std::move(tree);
    document.tree_complete = true;
    return {};
}

kv::Sequence CommitGroup::next_sequence() {
    return kv::Sequence(first_sequence_ + sequences_used_++);
}

format::Meta &CommitGroup::mutable_meta() {
    meta_changed_ = true;
    return meta_;
}

void CommitGroup::count(const WorkingDocument &document, Counter counter, std::int64_t delta) {
    auto index = static_cast<std::size_t>(counter);
    counts_[index] += delta;
    if (!database_.entry.options.partitioned)
        return;
    auto partition = partition_of(document.id);
    if (!partition)
        return;
    auto counts = partition_counts_.find(*partition);
    if (counts == partition_counts_.end())
        counts = partition_counts_.emplace(*partition, std::vector<std::int64_t>(kCounterCount)).first;
    counts->second[index] += delta;
}

Result<void> CommitGroup::check_partition_size(const WorkingDocument &document, const Body &body,
                                               std::uint64_t replaced) {
    if (full_partitions_.empty())
        return {};
    auto partition = partition_of(document.id);
    if (!partition || !full_partitions_.contains(*partition))
        return {};
    std::uint64_t replaced_bytes = 0;
    if (document.stored && document.stored->recent.front().info.body == replaced) {
        replaced_bytes = document.stored->external_bytes;
    } else {
        DIVAN_TRY(auto found, stored_body(document, replaced));
        replaced_bytes = found ? format::external_bytes(*found) : 0;
    }
    if (format::external_bytes(body) <= replaced_bytes)
        return {};
    return Error(ErrorCode::partition_overflow,
                 "Partition limit exceeded due to update on '" + document.id + "'");
}

Result<std::optional<Body>> CommitGroup::stored_body(const WorkingDocument &document, std::uint64_t body) {
    if (auto found = document.new_bodies.find(body); found != document.new_bodies.end())
        return std::optional<Body>(found->second);
    if (!document.stored || body == 0)
        return std::optional<Body>();
    if (document.stored->body_inline && document.stored->recent.front().info.body == body) {
        DIVAN_TRY(auto decoded, format::decode_body(document.stored->body));
        return std::optional<Body>(std::move(decoded));
    }
    DIVAN_TRY(auto payload, format::read_chunks(database_.context.engine, database_.entry.shard,
                                                keys::body(document.stored->document_number, body)));
    if (!payload)
        return std::optional<Body>();
    DIVAN_TRY(auto decoded, format::decode_body(*payload));
    return std::optional<Body>(std::move(decoded));
}

// The first sequences of this life of the process go into the database's history.
void CommitGroup::note_run() {
    auto run_id = database_.run_id;
    if (!meta_.runs.empty() && meta_.runs.back().id == run_id)
        return;
    auto &runs = mutable_meta().runs;
    runs.push_back({run_id, first_sequence_});
    if (runs.size() > kRunsMax)
        runs.erase(runs.begin());
}

// Once an hour: which sequence had been reached. Tombstones expire by it.
void CommitGroup::mark_time() {
    auto hour = database_.context.hour();
    if (database_.time_mark_hour.exchange(hour) == hour)
        return;
    std::string value;
    append_varint(value, first_sequence_);
    batch_.put(kv::Table::documents, keys::time_mark(hour), std::move(value));
}

void CommitGroup::move_change(kv::Sequence from, kv::Sequence to) {
    if (from.value != 0)
        batch_.erase_once(kv::Table::sequences, keys::sequence(from.value));
    for (std::uint8_t level = 0; level < kChangeCountLevels; ++level) {
        if (from.value != 0)
            --change_counts_[{level, change_block(from.value, level)}];
        if (to.value != 0)
            ++change_counts_[{level, change_block(to.value, level)}];
    }
}

} // namespace divan::db
