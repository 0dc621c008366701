#include "api/view_query.h"

#include "api/query_time.h"
#include "api/view_rows.h"
#include "collation/sort_key.h"
#include "views/views.h"

#include <mutex>

namespace divan::api {
namespace {

// How often a request that waits for an index looks up.
constexpr Millis kWaitPause{60'000};

// Where the end of an update is put down, for a request that may be gone by then.
struct UpdateOutcome {
    std::shared_ptr<Event> event = std::make_shared<Event>();
    std::mutex mutex;
    std::optional<Result<void>> result;

    std::optional<Result<void>> take() {
        std::lock_guard lock(mutex);
        return result;
    }
};

Result<void> check_partition(bool partitioned, const ViewOptions &options) {
    if (!partitioned && options.partition)
        return Error(ErrorCode::query_parse_error,
                     "`partition` parameter is not supported in this design doc");
    if (partitioned && !options.partition)
        return Error(ErrorCode::query_parse_error,
                     "`partition` parameter is mandatory for queries to this view.");
    return {};
}

Error no_rows(const char *what_to_set) {
    return {ErrorCode::query_parse_error,
            std::string("No rows can match your key range, reverse your start_key and end_key or set ") +
                what_to_set};
}

Result<void> check_range(const ViewOptions &options, collation::Order order) {
    if (!options.start_key || !options.end_key || options.start_key == options.end_key)
        return {};
    int compared = collation::compare(*options.start_key, *options.end_key, order);
    if (compared == 0) {
        // Without an id a bound takes all rows of its key.
        if (options.start_id && options.end_id)
            compared = options.start_id->compare(*options.end_id);
        else
            compared = options.descending ? 1 : -1;
    }
    if (!options.descending && compared >= 0)
        return no_rows("descending=true");
    if (options.descending && compared < 0)
        return no_rows("descending=false");
    return {};
}

} // namespace

ViewType View::type(const ViewOptions &options) const {
    return definition->reduce.empty() || options.reduce == false ? ViewType::map : ViewType::reduce;
}

Task<Result<View>> find_view(Call &call, std::shared_ptr<const design::DesignDocument> document,
                             std::string name) {
    View view;
    view.document = std::move(document);
    view.definition = view.document->view(name);
    if (view.definition == nullptr)
        co_return Error(ErrorCode::not_found, "missing_named_view");
    view.group = call.services().views.group_cached(call.database, *view.document);
    if (view.group != nullptr)
        co_return view;
    auto group =
        co_await call.on_engine([&] { return call.services().views.group(call.database, *view.document); });
    if (!group.ok())
        co_return group.error();
    view.group = std::move(*group);
    co_return view;
}

Result<void> check_view_query(const Call &call, const View &view, ViewOptions &options) {
    bool partitioned = design::has_partitioned_views(*view.document, call.database->partitioned());
    DIVAN_TRY_VOID(apply_query_limit(call.services().config, partitioned, options.limit));
    DIVAN_TRY_VOID(check_view_options(options, view.type(options)));
    DIVAN_TRY_VOID(check_view_is_shown(*call.database, view.document->id, view.definition->name,
                                       view.type(options) == ViewType::reduce));
    DIVAN_TRY_VOID(check_partition(partitioned, options));
    return check_range(options, view.definition->order);
}

Task<Result<void>> update_view(Call &call, std::shared_ptr<views::ViewGroup> group) {
    auto outcome = std::make_shared<UpdateOutcome>();
    group->update([outcome](Result<void> result) {
        {
            std::lock_guard lock(outcome->mutex);
            outcome->result = std::move(result);
        }
        outcome->event->notify();
    });
    for (;;) {
        if (auto result = outcome->take())
            co_return *result;
        auto pause = pause_in_query_time(call, kWaitPause);
        auto wake = co_await call.exchange().wait(outcome->event, pause);
        if (wake == net::Wake::closed)
            co_return ErrorCode::cancelled;
        auto in_time = check_query_time(call);
        if (!in_time.ok())
            co_return in_time.error();
    }
}

Task<Result<RowQuery>> open_view(Call &call, const View &view, ViewOptions options) {
    if (options.update == UpdateMode::wait) {
        auto updated = co_await update_view(call, view.group);
        if (!updated.ok())
            co_return updated.error();
    }
    const auto &services = call.services();
    bool reduced = view.type(options) == ViewType::reduce;
    // A function in JavaScript may take its time: it must not hold those who only read.
    bool slow = reduced && !view.definition->reduce.starts_with("_");
    ViewRows rows{call.database, view.group, view.document, view.definition, std::move(options)};
    RowQuery query;
    if (reduced)
        query.reader = reduce_row_reader(std::move(rows));
    else if (call.database->hides_documents())
        query.reader = shown_row_reader(std::move(rows));
    else
        query.reader = map_row_reader(std::move(rows));
    query.pool = slow ? &services.view_pool : &services.engine_pool;
    co_return query;
}

void update_later(const View &view, const ViewOptions &options) {
    if (options.update == UpdateMode::later)
        view.group->update_later();
}

} // namespace divan::api
