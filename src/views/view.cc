#include "views/view.h"

#include "views/group_state.h"

#include <algorithm>

namespace divan::views {
namespace {

class EmptyMoment final : public ViewMoment {
  public:
    [[nodiscard]] std::uint64_t total_rows() const override { return 0; }
    [[nodiscard]] kv::Sequence sequence() const override { return {}; }
    Result<RowsOfSpan> rows(const RowSpan & /*span*/, bool /*descending*/,
                            std::size_t /*rows_max*/) override {
        return RowsOfSpan();
    }
    Result<std::uint64_t> count(const RowSpan & /*span*/) override { return std::uint64_t{0}; }
};

class IndexMoment final : public ViewMoment {
  public:
    IndexMoment(ViewGroup::State::Moment moment, db::Database::DerivedRows rows, MapNumber map)
        : moment_(std::move(moment)), map_(map), rows_(moment_.map_rows(rows, map)) {}

    [[nodiscard]] std::uint64_t total_rows() const override { return moment_.record.maps[map_].row_count; }
    [[nodiscard]] kv::Sequence sequence() const override { return moment_.record.sequence; }
    Result<RowsOfSpan> rows(const RowSpan &span, bool descending, std::size_t rows_max) override {
        return read_row_views(rows_, span, descending, rows_max);
    }
    Result<std::uint64_t> count(const RowSpan &span) override {
        return span.empty() ? std::uint64_t{0} : count_rows(rows_, span);
    }

  private:
    ViewGroup::State::Moment moment_;
    MapNumber map_;
    MapRows rows_;
};

} // namespace

std::string row_position(std::string_view sort_key, std::string_view id) {
    return full_row_key(sort_key, id, 0);
}

ViewGroup::ViewGroup(std::shared_ptr<State> state, std::shared_ptr<db::Database> database)
    : state_(std::move(state)), database_(std::move(database)) {}

void ViewGroup::update(UniqueFunction<void(Result<void>)> done) {
    auto follower = state_->known_follower();
    auto last = database_->last_sequence_cached();
    if (follower && last && follower->consumer().checkpoint().covers({*last, database_->purge_seq()})) {
        state_->replace_later(database_);
        done({});
        return;
    }
    state_->views.foreground.post([state = state_, database = database_, done = std::move(done)]() mutable {
        index::Checkpoint target;
        target.purge_seq = database->purge_seq();
        auto sequence = database->last_sequence();
        auto known = sequence.ok() ? state->follower(*database) : sequence.error();
        if (!known.ok()) {
            done(known.error());
            return;
        }
        target.sequence = *sequence;
        state->replace_later(database);
        (*known)->update(database, target, std::move(done));
    });
}

void ViewGroup::update_later() {
    state_->views.background.post([state = state_, database = database_] {
        auto follower = state->follower(*database);
        if (follower.ok())
            (*follower)->update_later(database);
    });
}

Result<RowsPage> ViewGroup::rows(const design::ViewDefinition &view, const RowsRequest &request) {
    auto place = state_->definition->place(view);
    DIVAN_TRY(auto moment, state_->moment(*database_));
    RowsPage page;
    if (!moment)
        return page;
    auto rows = moment->map_rows(database_->derived_rows(), place.map);
    page.sequence = moment->record.sequence;
    page.total_rows = moment->record.maps[place.map].row_count;
    auto descending = request.range.descending;
    auto span = full_span(request.range, view.order);
    if (request.offset_wanted) {
        FullSpan before{{}, descending ? span.end : span.begin};
        std::uint64_t count = page.total_rows;
        if (!before.end.empty()) {
            DIVAN_TRY(count, count_rows(rows, before));
        } else if (!descending) {
            count = 0;
        }
        page.offset =
            std::min(page.total_rows, (descending ? page.total_rows - count : count) + request.skip);
    }
    if (!request.from.empty())
        (descending ? span.end : span.begin) = descending ? request.from : request.from + '\0';
    if (request.skip > 0) {
        DIVAN_TRY(span, skip_rows(rows, span, descending, page.total_rows, request.skip));
    }
    DIVAN_TRY(auto read, read_rows(rows, span, descending, request.rows_max));
    page.more = read.more;
    page.rows.reserve(read.rows.size());
    if (!read.rows.empty())
        page.next = std::move(read.rows.back().full);
    for (auto &row : read.rows)
        page.rows.push_back({std::move(row.id), std::move(row.key), std::move(row.value)});
    return page;
}

Result<std::unique_ptr<ViewMoment>> ViewGroup::moment(const design::ViewDefinition &view) {
    auto place = state_->definition->place(view);
    DIVAN_TRY(auto moment, state_->moment(*database_));
    if (!moment)
        return std::unique_ptr<ViewMoment>(std::make_unique<EmptyMoment>());
    return std::unique_ptr<ViewMoment>(
        std::make_unique<IndexMoment>(std::move(*moment), database_->derived_rows(), place.map));
}

Result<GroupInfo> ViewGroup::info() {
    GroupInfo info;
    info.signature = state_->definition->signature;
    info.language = state_->definition->language;
    info.compact_running = state_->compacting;
    info.collator_version = collation::collator_version();
    for (const auto &progress : state_->progress()) {
        info.updater_running |= progress.running;
        info.waiting_clients += progress.waiting;
    }
    DIVAN_TRY(auto moment, state_->moment(*database_));
    if (moment) {
        const auto &record = moment->record;
        info.sequence = record.sequence;
        info.purge_seq = record.purge_seq;
        info.external_bytes = record.external_bytes;
        info.active_bytes = record.stored_bytes;
        info.file_bytes = record.stored_bytes;
        info.collator_version = record.collator_version;
    }
    DIVAN_TRY(info.updates_pending, database_->pending(info.sequence));
    return info;
}

void ViewGroup::start_compaction() {
    if (state_->compacting.exchange(true))
        return;
    state_->compaction_started_micros = state_->views.clock.now().count();
    state_->views.background.post([state = state_, database = database_] {
        auto rows = database->derived_rows();
        ignore_error(rows.engine.compact_shard(rows.shard), "the engine compacts by itself, too");
        state->compacting = false;
    });
}

} // namespace divan::views
