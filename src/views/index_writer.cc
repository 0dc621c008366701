#include "views/index_writer.h"

#include "base/bytes.h"
#include "db/partition.h"

#include <algorithm>
#include <future>
#include <map>

namespace divan::views {
namespace {

constexpr std::size_t kDocumentsPerPage = 1'000;
constexpr std::size_t kSweepEntriesPerPage = 500;
constexpr std::size_t kFailuresToldPerPage = 20;

// Numbers the rows of a document that have equal keys.
class Ordinals {
  public:
    void clear() {
        first_.reset();
        counts_.clear();
    }
    std::uint64_t next(const DocumentRow &row) {
        // Most documents emit one row.
        if (!first_) {
            first_ = {row.map, row.sort_key};
            return 0;
        }
        if (counts_.empty())
            counts_[*first_] = 1;
        return counts_[{row.map, row.sort_key}]++;
    }

  private:
    using Key = std::pair<MapNumber, std::string>;
    std::optional<Key> first_;
    std::map<Key, std::uint64_t> counts_;
};

} // namespace

// What a page does to the index, collected before it is written.
struct IndexWriter::Changes {
    kv::WriteBatch batch;
    IndexRecord record;
    std::vector<RowChanges> rows; // of each map, if it has levels to repair
    Ordinals ordinals;            // of the document at hand
};

struct IndexWriter::Work final : index::PageWork {
    Work(IndexWriter &index_writer, index::DocumentPage taken)
        : writer(index_writer), page(std::move(taken)) {}

    // What was emitted, with places of documents in the page.
    Result<script::MapAnswer> answer() {
        if (!mapped.valid())
            return script::MapAnswer();
        DIVAN_TRY(auto answer, mapped.get());
        for (auto &row : answer.rows)
            row.document = documents[row.document];
        for (auto &failure : answer.failures)
            failure.document = documents[failure.document];
        return answer;
    }

    Result<void> commit(db::Database &database) override {
        DIVAN_TRY(auto mapped_page, answer());
        return writer.commit_page(database, page, std::move(mapped_page), writer.checkpoint().purge_seq,
                                  false);
    }

    IndexWriter &writer;
    index::DocumentPage page;
    std::vector<std::uint32_t> documents; // places in the page of those that were mapped
    std::future<Result<script::MapAnswer>> mapped;
};

IndexWriter::IndexWriter(const WriterContext &context, std::shared_ptr<const Definition> definition,
                         db::Database::DerivedRows rows, IndexNumber number,
                         std::optional<IndexRecord> record, bool live)
    : context_(context), definition_(std::move(definition)), rows_(rows), number_(number), live_(live),
      record_(std::move(record)) {
    if (record_)
        stored_ = encode_record(*record_);
}

index::Checkpoint IndexWriter::checkpoint() const {
    std::lock_guard lock(mutex_);
    return record_ ? index::Checkpoint{record_->sequence, record_->purge_seq} : index::Checkpoint{};
}

std::optional<IndexRecord> IndexWriter::record() const {
    std::lock_guard lock(mutex_);
    return record_;
}

index::PageOptions IndexWriter::page_options() const {
    return {.design_documents = definition_->include_design,
            .local_sequence = definition_->local_sequence,
            .documents_max = kDocumentsPerPage};
}

MapRows IndexWriter::map_rows(MapNumber map, unsigned height) const {
    return {rows_.engine, rows_.shard, number_, map, height, nullptr};
}

Result<void> IndexWriter::prepare(db::Database &database) {
    timeouts_ = 0;
    if (record())
        return {};
    IndexRecord record;
    record.signature = definition_->signature;
    record.collator_version = collation::collator_version();
    record.live = live_;
    // Nothing can be purged from an empty index.
    record.purge_seq = database.purge_seq();
    DIVAN_TRY(record.born_at, database.last_sequence());
    record.maps.resize(definition_->maps.size());
    return write(database, {}, std::move(record));
}

Result<std::unique_ptr<index::PageWork>> IndexWriter::begin(index::DocumentPage page) {
    return std::unique_ptr<index::PageWork>(map(std::move(page)));
}

std::unique_ptr<IndexWriter::Work> IndexWriter::map(index::DocumentPage page) {
    auto work = std::make_unique<Work>(*this, std::move(page));
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < work->page.documents.size(); ++i) {
        auto &document = work->page.documents[i];
        if (document.text.empty())
            continue;
        texts.push_back(std::move(document.text));
        work->documents.push_back(static_cast<std::uint32_t>(i));
    }
    if (!texts.empty())
        work->mapped = definition_->mapper->map(std::move(texts));
    return work;
}

Result<void> IndexWriter::count_timeouts(std::size_t timeouts, const std::string &reason) {
    timeouts_ += timeouts;
    if (timeouts_ >= context_.timeouts_max)
        return Error(ErrorCode::os_process_error, reason);
    return {};
}

Result<void> IndexWriter::note_failures(const index::DocumentPage &page, const script::MapAnswer &mapped) {
    std::size_t told = 0;
    for (const auto &failure : mapped.failures) {
        const auto &error = failure.error;
        if (error.error == "compilation_error")
            return Error(ErrorCode::os_process_error, error.reason);
        if (++told <= kFailuresToldPerPage)
            context_.log.info(
                definition_->design_id + ": " + error.error + ": " + error.reason +
                ": the document is left out of the view: " + page.documents[failure.document].id);
        bool slow =
            error.error == "timeout" || error.error == "out_of_memory" || error.error == "script_failed";
        DIVAN_TRY_VOID(count_timeouts(slow ? 1 : 0, error.reason));
    }
    if (told > kFailuresToldPerPage)
        context_.log.info(definition_->design_id + ": and " + std::to_string(told - kFailuresToldPerPage) +
                          " more failures");
    for (const auto &line : mapped.log)
        context_.log.info(definition_->design_id + " " + line.function + ": " + line.text);
    return {};
}

Result<std::unordered_map<std::string, DocumentEntry>>
IndexWriter::known_entries(const index::DocumentPage &page) {
    std::vector<std::string> keys;
    std::vector<kv::KeyRef> refs;
    keys.reserve(page.documents.size());
    for (const auto &document : page.documents)
        keys.push_back(document_entry(number_, document.id));
    for (const auto &key : keys)
        refs.push_back({kv::Table::index, key});
    DIVAN_TRY(auto values, rows_.engine.read(rows_.shard, refs));
    std::unordered_map<std::string, DocumentEntry> known;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i]) {
            DIVAN_TRY(auto entry, read_document(rows_.engine, rows_.shard, number_, *values[i]));
            known.emplace(page.documents[i].id, std::move(entry));
        }
    return known;
}

void IndexWriter::forget_document(const DocumentEntry &entry, Changes &changes) const {
    auto &record = changes.record;
    erase_document(changes.batch, number_, entry);
    for (const auto &row : entry.rows) {
        auto full = full_row_key(row.sort_key, entry.id, row.ordinal);
        erase_row(changes.batch, number_, row.map, full, row.parts);
        --record.maps[row.map].row_count;
        record.external_bytes -= row.bytes;
        record.stored_bytes -= row.bytes + full.size();
        if (record.maps[row.map].height > 0)
            changes.rows[row.map][stored_key(full)] = std::nullopt;
    }
}

void IndexWriter::add_row(script::Emitted &emitted, DocumentEntry &entry, Changes &changes) const {
    auto &record = changes.record;
    DocumentRow row;
    row.map = static_cast<MapNumber>(emitted.function);
    if (definition_->partitioned)
        append_partition(row.sort_key, db::partition_of(entry.id).value_or(""));
    collation::append_sort_key(row.sort_key, std::string_view(emitted.key), definition_->maps[row.map].order);
    row.ordinal = changes.ordinals.next(row);
    row.bytes = emitted.key.size() + emitted.value.size();
    auto full = full_row_key(row.sort_key, entry.id, row.ordinal);
    row.parts =
        put_row(changes.batch, number_, row.map, full, row.sort_key.size(), emitted.key, emitted.value);
    ++record.maps[row.map].row_count;
    record.external_bytes += row.bytes;
    record.stored_bytes += row.bytes + full.size();
    if (record.maps[row.map].height > 0) {
        auto stored = stored_key(full);
        auto &change = changes.rows[row.map][stored];
        change = LoadedRow{std::move(stored),      std::move(full),          entry.id,
                           std::move(emitted.key), std::move(emitted.value), row.sort_key.size()};
    }
    entry.rows.push_back(std::move(row));
}

Result<void> IndexWriter::commit_page(db::Database &database, const index::DocumentPage &page,
                                      script::MapAnswer mapped, std::uint64_t purge_seq, bool may_be_known) {
    DIVAN_TRY_VOID(note_failures(page, mapped));
    Changes changes;
    changes.record = *record();
    changes.rows.resize(definition_->maps.size());
    std::unordered_map<std::string, DocumentEntry> known;
    if (may_be_known || page.last > changes.record.born_at) {
        DIVAN_TRY(known, known_entries(page));
    }
    auto emitted = mapped.rows.begin();
    for (std::size_t i = 0; i < page.documents.size(); ++i) {
        const auto &id = page.documents[i].id;
        if (auto found = known.find(id); found != known.end())
            forget_document(found->second, changes);
        DocumentEntry entry;
        entry.id = id;
        changes.ordinals.clear();
        for (; emitted != mapped.rows.end() && emitted->document == i; ++emitted)
            add_row(*emitted, entry, changes);
        if (!entry.rows.empty())
            put_document(changes.batch, number_, entry);
    }
    for (std::size_t map = 0; map < changes.rows.size(); ++map) {
        auto number = static_cast<MapNumber>(map);
        auto rows = map_rows(number, changes.record.maps[map].height);
        LevelWriter levels(rows, definition_->maps[map].reducers);
        DIVAN_TRY_VOID(levels.repair(changes.rows[map], changes.batch));
        DIVAN_TRY_VOID(count_timeouts(levels.timeouts(), levels.last_timeout()));
    }
    changes.batch.sort();
    changes.record.sequence = page.last;
    changes.record.purge_seq = purge_seq;
    return write(database, std::move(changes.batch), std::move(changes.record));
}

Result<void> IndexWriter::write(db::Database &database, kv::WriteBatch batch, IndexRecord record) {
    auto key = index_record(number_);
    auto bytes = encode_record(record);
    if (batch.empty() && stored_ == bytes)
        return {};
    batch.put(kv::Table::index, key, bytes);
    DIVAN_TRY(auto outcome,
              rows_.engine.stage_if(rows_.shard, {kv::Table::index, key}, stored_, std::move(batch)));
    if (database.deleted()) {
        // The eraser may have been here already.
        kv::WriteBatch all;
        all.erase_range(kv::Table::index, "", "");
        DIVAN_TRY_VOID(rows_.engine.stage(rows_.shard, std::move(all)));
        return Error(ErrorCode::not_found, "Database does not exist.");
    }
    if (outcome != kv::CommitOutcome::committed)
        return Error(ErrorCode::service_unavailable, "The index was written by another one: ask again.");
    std::lock_guard lock(mutex_);
    record_ = std::move(record);
    stored_ = std::move(bytes);
    return {};
}

Result<void> IndexWriter::purged(db::Database &database, const std::vector<std::string> &ids,
                                 std::uint64_t purge_seq) {
    index::DocumentPage page;
    page.last = checkpoint().sequence;
    std::vector<std::string> once = ids;
    std::sort(once.begin(), once.end());
    once.erase(std::unique(once.begin(), once.end()), once.end());
    DIVAN_TRY(page.documents, index::read_documents(database, std::move(once), page_options()));
    auto work = map(std::move(page));
    DIVAN_TRY(auto mapped, work->answer());
    return commit_page(database, work->page, std::move(mapped), purge_seq, true);
}

Result<void> IndexWriter::sweep(db::Database &database, std::uint64_t purge_seq) {
    kv::ScanRequest request;
    request.shard = rows_.shard;
    request.table = kv::Table::index;
    request.begin = document_prefix(number_);
    request.end = prefix_end(document_prefix(number_));
    request.rows_max = kSweepEntriesPerPage;
    for (;;) {
        DIVAN_TRY(auto found, rows_.engine.scan(request));
        std::vector<std::string> ids;
        for (std::size_t i = 0; i < found.size(); ++i) {
            DIVAN_TRY(auto entry, read_document(rows_.engine, rows_.shard, number_, found.value(i)));
            ids.push_back(std::move(entry.id));
        }
        DIVAN_TRY(auto heads, database.heads(ids));
        index::DocumentPage gone;
        gone.last = checkpoint().sequence;
        for (std::size_t i = 0; i < ids.size(); ++i)
            if (!heads[i] || heads[i]->deleted)
                gone.documents.push_back({ids[i], {}});
        auto reached = found.more ? checkpoint().purge_seq : purge_seq;
        DIVAN_TRY_VOID(commit_page(database, gone, {}, reached, true));
        if (!found.more)
            return {};
        request.begin = std::string(found.key(found.size() - 1)) + '\0';
    }
}

// Levels grow when the rows are there: a new index gets them all at once, by reading its rows in order.
Result<void> IndexWriter::caught_up(db::Database &database) {
    for (std::size_t map = 0; map < definition_->maps.size(); ++map) {
        for (;;) {
            auto state = record()->maps[map];
            if (state.height >= height_for(state.row_count))
                break;
            DIVAN_TRY_VOID(build_level(database, static_cast<MapNumber>(map), state.height + 1));
        }
    }
    return {};
}

Result<void> IndexWriter::build_level(db::Database &database, MapNumber map, unsigned level) {
    auto rows = map_rows(map, level - 1);
    LevelWriter levels(rows, definition_->maps[map].reducers);
    // What an interrupted attempt has left.
    auto prefix = level_prefix(number_, map, level);
    kv::WriteBatch clean;
    clean.erase_range(kv::Table::index, prefix, prefix_end(prefix));
    DIVAN_TRY_VOID(write(database, std::move(clean), *record()));
    DIVAN_TRY_VOID(levels.build(
        level, [&](kv::WriteBatch batch) { return write(database, std::move(batch), *record()); }));
    DIVAN_TRY_VOID(count_timeouts(levels.timeouts(), levels.last_timeout()));
    auto grown = *record();
    grown.maps[map].height = level;
    return write(database, {}, std::move(grown));
}

Result<void> IndexWriter::replace(db::Database &database, IndexNumber old) {
    auto record = *this->record();
    record.live = true;
    kv::WriteBatch batch;
    for (const auto &prefix : all_prefixes(old))
        batch.erase_range(kv::Table::index, prefix, prefix_end(prefix));
    return write(database, std::move(batch), std::move(record));
}

} // namespace divan::views
