#include "access/system_database.h"

namespace divan::access {

void SystemDatabase::Listeners::notify() {
    ++count;
    std::vector<std::shared_ptr<Event>> told;
    {
        std::lock_guard lock(mutex);
        std::erase_if(events, [](const auto &event) { return event.expired(); });
        for (const auto &event : events)
            if (auto alive = event.lock())
                told.push_back(std::move(alive));
    }
    for (const auto &event : told)
        event->notify();
}

SystemDatabase::SystemDatabase(db::Store &store, std::string name) : store_(store), name_(std::move(name)) {
    store_.on_event([listeners = listeners_, name = name_](const db::DatabaseEvent &event) {
        if (event.name != name)
            return;
        if (event.type != db::DatabaseEvent::Type::updated)
            ++listeners->openings;
        listeners->notify();
    });
}

std::shared_ptr<const SystemDatabase::Source> SystemDatabase::source_cached() const {
    auto source = std::atomic_load(&source_);
    bool valid = source && source->opening == listeners_->openings &&
                 (source->database == nullptr || !source->database->deleted());
    return valid ? source : nullptr;
}

Result<std::shared_ptr<const SystemDatabase::Source>> SystemDatabase::source() {
    if (auto known = source_cached())
        return known;
    Source source{nullptr, listeners_->openings};
    auto opened = store_.open(name_);
    if (opened.ok())
        source.database = std::move(*opened);
    else if (opened.error().code() != ErrorCode::not_found)
        return opened.error();
    auto made = std::make_shared<const Source>(std::move(source));
    std::atomic_store(&source_, made);
    return made;
}

Result<SystemDatabase::State> SystemDatabase::state() {
    DIVAN_TRY(auto source, this->source());
    State state{source->database, source->opening, {}};
    if (state.database) {
        DIVAN_TRY(state.sequence, state.database->last_sequence());
    }
    return state;
}

std::optional<SystemDatabase::State> SystemDatabase::state_cached() const {
    auto source = source_cached();
    if (!source)
        return std::nullopt;
    State state{source->database, source->opening, {}};
    if (state.database) {
        auto sequence = state.database->last_sequence_cached();
        if (!sequence)
            return std::nullopt;
        state.sequence = *sequence;
    }
    return state;
}

void SystemDatabase::listen(const std::shared_ptr<Event> &event) {
    std::lock_guard lock(listeners_->mutex);
    listeners_->events.push_back(event);
}

} // namespace divan::access
