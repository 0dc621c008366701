#pragma once

// The one who writes a view index: maps documents, keeps rows, levels and checkpoint together.
//
// Of one index there is one writer in a process; on an engine with other writers the checkpoint's condition
// refuses the slower one. Threads: checkpoint() and record() any, the others as index::Consumer says.

#include "index/consumer.h"
#include "telemetry/log.h"
#include "views/definition.h"
#include "views/level_writer.h"

#include <memory>
#include <mutex>
#include <unordered_map>

namespace divan::views {

// What writers share. Outlives them.
struct WriterContext {
    telemetry::Logger &log;
    // An update fails when so many calls of functions have taken too long: their rows would be missing.
    std::size_t timeouts_max;
};

class IndexWriter final : public index::Consumer {
  public:
    // `record` is as it is stored; without one the index is made by the first update.
    IndexWriter(const WriterContext &context, std::shared_ptr<const Definition> definition,
                db::Database::DerivedRows rows, IndexNumber number, std::optional<IndexRecord> record,
                bool live);

    [[nodiscard]] index::Checkpoint checkpoint() const override;
    [[nodiscard]] index::PageOptions page_options() const override;
    Result<void> prepare(db::Database &database) override;
    Result<std::unique_ptr<index::PageWork>> begin(index::DocumentPage page) override;
    Result<void> purged(db::Database &database, const std::vector<std::string> &ids,
                        std::uint64_t purge_seq) override;
    Result<void> sweep(db::Database &database, std::uint64_t purge_seq) override;
    Result<void> caught_up(db::Database &database) override;

    [[nodiscard]] IndexNumber number() const { return number_; }
    [[nodiscard]] std::optional<IndexRecord> record() const;
    // Makes this the index that queries read, and erases the one before. Errors as stage_if().
    Result<void> replace(db::Database &database, IndexNumber old);

  private:
    struct Work;
    struct Changes;

    std::unique_ptr<Work> map(index::DocumentPage page);
    Result<void> commit_page(db::Database &database, const index::DocumentPage &page,
                             script::MapAnswer mapped, std::uint64_t purge_seq, bool may_be_known);
    Result<std::unordered_map<std::string, DocumentEntry>> known_entries(const index::DocumentPage &page);
    void forget_document(const DocumentEntry &entry, Changes &changes) const;
    void add_row(script::Emitted &emitted, DocumentEntry &entry, Changes &changes) const;
    Result<void> write(db::Database &database, kv::WriteBatch batch, IndexRecord record);
    Result<void> build_level(db::Database &database, MapNumber map, unsigned level);
    Result<void> note_failures(const index::DocumentPage &page, const script::MapAnswer &mapped);
    Result<void> count_timeouts(std::size_t timeouts, const std::string &reason);
    [[nodiscard]] MapRows map_rows(MapNumber map, unsigned height) const;

    const WriterContext &context_;
    std::shared_ptr<const Definition> definition_;
    db::Database::DerivedRows rows_;
    const IndexNumber number_;
    const bool live_;
    std::size_t timeouts_ = 0; // of this update

    mutable std::mutex mutex_;
    std::optional<IndexRecord> record_; // as it is stored
    std::optional<std::string> stored_; // its bytes
};

} // namespace divan::views
