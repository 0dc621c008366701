#include "views/group_state.h"

#include "base/bytes.h"

namespace divan::views {

Result<void> ViewGroup::State::open(db::Database &database) {
    auto rows = database.derived_rows();
    kv::ScanRequest request;
    request.shard = rows.shard;
    request.table = kv::Table::index;
    request.begin = std::string(kIndexRecords);
    request.end = prefix_end(kIndexRecords);
    std::lock_guard lock(mutex_);
    for (;;) {
        DIVAN_TRY(auto page, rows.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto record, decode_record(page.value(i)));
            if (record.signature != definition->signature || record.maps.size() != definition->maps.size())
                continue;
            auto number = ByteReader(page.key(i).substr(kIndexRecords.size())).u32();
            auto &place = record.live ? live_ : next_;
            bool live = record.live;
            place = make_index(database, number, std::move(record), live);
        }
        if (!page.more)
            return {};
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
}

ViewGroup::State::Index ViewGroup::State::make_index(db::Database &database, IndexNumber number,
                                                     std::optional<IndexRecord> record, bool live) {
    Index made;
    made.writer = std::make_shared<IndexWriter>(views.writers, definition, database.derived_rows(), number,
                                                std::move(record), live);
    made.follower = std::make_shared<index::Follower>(views.followers, made.writer);
    return made;
}

Result<IndexNumber> ViewGroup::State::take_number(db::Database &database) {
    auto rows = database.derived_rows();
    for (;;) {
        kv::KeyRef key{kv::Table::index, kNextNumber};
        DIVAN_TRY(auto values, rows.engine.read(rows.shard, std::span(&key, 1)));
        auto number = values.front() ? ByteReader(*values.front()).u32() : 1;
        kv::WriteBatch batch;
        std::string next;
        append_u32(next, number + 1);
        batch.put(kv::Table::index, std::string(kNextNumber), std::move(next));
        DIVAN_TRY(auto outcome, rows.engine.stage_if(rows.shard, key, values.front(), std::move(batch)));
        if (outcome == kv::CommitOutcome::committed)
            return number;
    }
}

Result<std::shared_ptr<index::Follower>> ViewGroup::State::follower(db::Database &database) {
    std::lock_guard lock(mutex_);
    if (!live_.follower) {
        DIVAN_TRY(auto number, take_number(database));
        live_ = make_index(database, number, std::nullopt, true);
    }
    return live_.follower;
}

std::shared_ptr<index::Follower> ViewGroup::State::known_follower() const {
    std::lock_guard lock(mutex_);
    return live_.follower;
}

std::shared_ptr<IndexWriter> ViewGroup::State::writer() const {
    std::lock_guard lock(mutex_);
    return live_.writer;
}

std::vector<index::Follower::Progress> ViewGroup::State::progress() const {
    std::lock_guard lock(mutex_);
    std::vector<index::Follower::Progress> all;
    for (const auto *each : {&live_, &next_})
        if (each->follower)
            all.push_back(each->follower->progress());
    return all;
}

void ViewGroup::State::replace_later(const std::shared_ptr<db::Database> &database) {
    auto current = writer();
    auto record = current ? current->record() : std::nullopt;
    if (record && record->collator_version != collation::collator_version() && !replacing_.exchange(true))
        views.background.post([self = shared_from_this(), database] {
            if (!self->begin_replacement(database))
                self->replacing_ = false; // the next query tries again
        });
}

bool ViewGroup::State::begin_replacement(const std::shared_ptr<db::Database> &database) {
    std::shared_ptr<index::Follower> next;
    index::Checkpoint target;
    {
        std::lock_guard lock(mutex_);
        auto begun = next_.writer ? next_.writer->record() : std::nullopt;
        if (begun && begun->collator_version != collation::collator_version())
            return false;
        if (!next_.writer) {
            auto number = take_number(*database);
            if (!number.ok())
                return false;
            next_ = make_index(*database, *number, std::nullopt, false);
        }
        next = next_.follower;
        target = live_.writer->checkpoint();
    }
    // The follower rests while it answers.
    next->update(database, target, [self = shared_from_this(), database](const Result<void> &built) {
        if (built.ok())
            self->finish_replacement(*database);
        self->replacing_ = false;
    });
    return true;
}

// Unless the old index is being written: then the next query tries again.
void ViewGroup::State::finish_replacement(db::Database &database) {
    std::lock_guard lock(mutex_);
    if (live_.follower->progress().running)
        return;
    if (auto replaced = next_.writer->replace(database, live_.writer->number()); !replaced.ok())
        return;
    live_ = std::move(next_);
    next_ = {};
}

Result<std::optional<ViewGroup::State::Moment>> ViewGroup::State::moment(db::Database &database) const {
    auto current = writer();
    if (!current)
        return std::optional<Moment>();
    auto rows = database.derived_rows();
    Moment moment;
    moment.index = current->number();
    DIVAN_TRY(moment.snapshot, rows.engine.snapshot());
    auto key = index_record(moment.index);
    kv::KeyRef ref{kv::Table::index, key};
    DIVAN_TRY(auto values, rows.engine.read(rows.shard, std::span(&ref, 1), moment.snapshot.get()));
    if (!values.front())
        return std::optional<Moment>();
    DIVAN_TRY(moment.record, decode_record(*values.front()));
    return std::optional<Moment>(std::move(moment));
}

} // namespace divan::views
