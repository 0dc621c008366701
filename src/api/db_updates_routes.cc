// `_db_updates`: what happened to databases, from the feed of `_global_changes`.

#include "api/changes_feed.h"
#include "api/router.h"

namespace divan::api {
namespace {

// A shorter list than that of `_changes` (global_changes_httpd).
Result<void> check_feed(const net::Query &query) {
    auto feed = query.find("feed").value_or("normal");
    for (std::string_view known : {"normal", "continuous", "longpoll", "eventsource"})
        if (feed == known)
            return {};
    return Error(ErrorCode::bad_request, "Supported `feed` types: normal, continuous, longpoll, eventsource");
}

Task<Result<void>> get_db_updates(Call &call) {
    auto known = check_feed(call.query);
    if (!known.ok())
        co_return known.error();
    auto opened = co_await call.on_engine([&] {
        return call.services().gate.open(call.principal, access::Permission::server_admin, "_global_changes");
    });
    if (!opened.ok())
        co_return opened.error();
    call.database = std::move(*opened);
    auto options = read_feed_options(call, nullptr, std::nullopt);
    if (!options.ok())
        co_return options.error();
    options->database_events = true;
    co_return co_await serve_feed(call, std::move(*options));
}

} // namespace

std::vector<Route> db_updates_routes() {
    return {{"GET",
             "/_db_updates",
             access::Permission::server_admin,
             get_db_updates,
             "Databases that were created, changed or deleted; needs the database _global_changes.",
             {{"feed", "string", "normal, longpoll, continuous or eventsource."},
              {"since", "string", "A sequence, 0 or now."},
              {"limit", "integer", "Rows at most."},
              {"timeout", "integer", "ms to wait."},
              {"heartbeat", "integer", "ms between empty lines."}}}};
}

} // namespace divan::api
