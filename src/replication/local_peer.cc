#include "replication/local_peer.h"

#include "access/gate.h"
#include "base/encoding.h"
#include "feed/filters.h"
#include "replication/rights.h"
#include "selector/limits.h"
#include "telemetry/log.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

// A wait ends after this, so that a stopped feed is noticed.
constexpr Millis kWaitMax{300'000};

// What a local database answers as a peer; the words are those of remote ones.
Error not_found_error(const Context &context, const Endpoint &endpoint) {
    return {ErrorCode::internal_server_error, "db_not_found",
            fmt::format("could not open {}{}/", context.server_url, percent_encode(endpoint.database))};
}

// {"query":{...}}: what a filter function sees of the request.
std::string filter_request(const json::Object &params) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.value("query", json::Value(params));
    writer.close();
    return text;
}

} // namespace

LocalPeer::LocalPeer(PeerContext context, const Endpoint &endpoint, std::shared_ptr<db::Database> database)
    : context_(context), endpoint_(endpoint), database_(std::move(database)),
      user_context_(access::user_context_json(context.replication.principal, endpoint.database)) {}

Task<Result<PeerInfo>> LocalPeer::info() {
    if (!database_)
        co_return not_found_error(context_.context, endpoint_);
    auto info = co_await on_pool([&] { return database_->info(); });
    if (!info.ok())
        co_return info.error();
    co_return PeerInfo{json::to_text(json::Value(info->update_seq)), info->instance_start_time};
}

Task<Result<void>> LocalPeer::create() {
    if (database_)
        co_return Result<void>();
    const auto &what = context_.replication;
    db::DatabaseOptions options;
    options.q = what.create_q.value_or(options.q);
    options.n = what.create_n.value_or(options.n);
    options.partitioned = what.create_partitioned;
    auto &gate = *context_.context.gate;
    auto made = co_await on_pool([&]() -> Result<std::shared_ptr<db::Database>> {
        DIVAN_TRY(auto *store,
                  gate.catalog(what.principal, access::Permission::database_creator, endpoint_.database));
        auto created = store->create(endpoint_.database, options);
        if (!created.ok() && created.error().code() != ErrorCode::file_exists)
            return created.error();
        if (created.ok() && context_.context.on_target_created) {
            DIVAN_TRY_VOID(context_.context.on_target_created(what));
        }
        return gate.open(what.principal, permission_at(gate, Cause::target, endpoint_.database),
                         endpoint_.database);
    });
    if (!made.ok())
        co_return made.error();
    database_ = std::move(*made);
    co_return Result<void>();
}

Task<Result<std::optional<json::Object>>> LocalPeer::read_document(std::string id) {
    co_return co_await on_pool([&]() -> Result<std::optional<json::Object>> {
        std::string text;
        if (id.starts_with("_local/")) {
            DIVAN_TRY(auto local, database_->local(id));
            if (!local)
                return std::optional<json::Object>();
            DIVAN_TRY(auto value, json::parse(local->json, {.depth_max = json::kAnyDepth}));
            value.object().set("_rev", local->rev);
            return std::optional(std::move(value.object()));
        }
        const std::string ids[] = {id};
        DIVAN_TRY(auto texts, database_->texts(ids));
        if (!texts.front())
            return std::optional<json::Object>();
        DIVAN_TRY(auto value, json::parse(*texts.front(), {.depth_max = json::kAnyDepth}));
        return std::optional(std::move(value.object()));
    });
}

Task<Result<std::string>> LocalPeer::write_local(std::string id, json::Object document) {
    std::optional<std::string> rev;
    if (const auto *given = document.find("_rev"); given != nullptr && given->is_string())
        rev = given->string();
    document.erase("_id");
    document.erase("_rev");
    auto text = json::to_text(json::Value(std::move(document)));
    const auto &gate = *context_.context.gate;
    co_return co_await on_pool([&]() -> Result<std::string> {
        // Who may read a source need not be somebody who may write into it.
        DIVAN_TRY(auto opened, gate.open(context_.replication.principal,
                                         gate.in_system_database(access::Permission::database_checkpointer,
                                                                 endpoint_.database, "GET", "/_changes"),
                                         endpoint_.database));
        return opened->write_local(std::move(id), std::move(text), rev, false);
    });
}

Task<Result<std::string>> LocalPeer::ensure_full_commit() {
    if (database_->deleted())
        co_return not_found_error(context_.context, endpoint_);
    co_return database_->instance_start_time();
}

// ---- changes

// Blocks on the engine.
Result<feed::PageOptions> LocalPeer::page_options() {
    feed::PageOptions options;
    options.all_leaves = !context_.replication.winning_revs_only;
    const auto &filter = context_.replication.filter;
    auto &context = context_.context;
    switch (filter.kind) {
    case Filter::Kind::none:
        break;
    case Filter::Kind::doc_ids:
        options.doc_ids.emplace(filter.doc_ids.begin(), filter.doc_ids.end());
        break;
    case Filter::Kind::selector: {
        DIVAN_TRY(auto selector, json::parse(filter.selector));
        DIVAN_TRY(options.selector, selector::Selector::compile(selector, selector::limits(context.config)));
        break;
    }
    case Filter::Kind::function: {
        if (filter.name == "_design") {
            options.design_only = true;
            break;
        }
        DIVAN_TRY(auto function,
                  feed::find_function_filter(database_, *context.designs, "filters", filter.name,
                                             "`filter` must be of the form `designname/filtername`"));
        function.request = filter_request(filter.query_params);
        options.function = std::make_shared<feed::FunctionFilter>(std::move(function));
        break;
    }
    case Filter::Kind::view: {
        const auto *view = filter.query_params.find("view");
        DIVAN_TRY(auto function,
                  feed::find_function_filter(database_, *context.designs, "views",
                                             view != nullptr && view->is_string() ? view->string() : "",
                                             "`view` must be of the form `designname/viewname`"));
        options.function = std::make_shared<feed::FunctionFilter>(std::move(function));
        break;
    }
    }
    return options;
}

Task<Result<void>> LocalPeer::judge(const std::shared_ptr<feed::FilterBatch> &batch) {
    const auto &function = *reader_->options().function;
    auto &context = context_.context;
    using Outcome = Result<std::vector<script::LogLine>>;
    while (!batch->done()) {
        auto outcome = co_await suspend<Outcome>([&](Resume<Outcome> resume) {
            auto &loop = context.loop;
            // The pool: looking for a worker may block.
            context.pool.post([&, resume] {
                batch->judge_some(*context.scripts, function, [&loop, resume](Outcome judged) {
                    loop.post([resume, judged = std::move(judged)]() mutable { resume(std::move(judged)); });
                });
            });
        });
        if (!outcome.ok())
            co_return outcome.error();
        if (context_.cancellation.cancelled())
            co_return ErrorCode::cancelled;
        for (const auto &line : *outcome)
            context.log.info(fmt::format("{} {}: {}", function.program->design_id, line.function, line.text));
    }
    co_return Result<void>();
}

Task<Result<feed::Page>> LocalPeer::read_page(std::size_t rows_max) {
    if (!reader_->options().function) {
        co_return co_await on_pool([&] { return reader_->read(rows_max); });
    }
    auto unjudged = co_await on_pool([&] { return reader_->read_unjudged(); });
    if (!unjudged.ok())
        co_return unjudged.error();
    auto judged = co_await judge(unjudged->batch);
    if (!judged.ok())
        co_return judged.error();
    co_return feed::PageReader::judged(std::move(*unjudged));
}

Task<Result<ChangesPage>> LocalPeer::changes(ChangesQuery query) {
    if (!event_) {
        // Before the first read, so that nothing is committed unseen between reading and waiting.
        event_ = std::make_shared<Event>();
        database_->listen(event_);
    }
    if (!reader_ || reader_at_ != query.since) {
        auto opened = co_await on_pool([&]() -> Result<void> {
            DIVAN_TRY(auto options, page_options());
            DIVAN_TRY(auto last, database_->last_sequence());
            auto since = json::parse(query.since);
            auto token = since.ok() && since->is_string() ? since->string() : query.since;
            DIVAN_TRY(auto from, database_->since(token, last));
            reader_.emplace(*database_, std::move(options), from, last);
            return {};
        });
        if (!opened.ok())
            co_return opened.error();
    }
    for (;;) {
        auto page = co_await read_page(query.rows_max);
        if (!page.ok())
            co_return page.error();
        if (page->changes.empty() && query.wait && !page->more) {
            auto woken = co_await wait_for(context_.context.loop, event_, kWaitMax, context_.cancellation);
            if (woken == WaitEnd::cancelled)
                co_return ErrorCode::cancelled;
            if (database_->deleted())
                co_return not_found_error(context_.context, endpoint_);
            // What was passed over is behind us.
            bool moved = page->last > reader_->at();
            reader_->go_on(page->last);
            if (woken == WaitEnd::timeout || moved)
                query.wait = false;
            continue;
        }
        ChangesPage changes;
        auto count = std::min(page->changes.size(), query.rows_max);
        bool cut = count < page->changes.size();
        auto last = cut ? page->changes[count - 1].sequence : page->last;
        for (std::size_t i = 0; i < count; ++i) {
            ChangedDocument document{std::move(page->changes[i].id), {}, page->changes[i].deleted};
            for (const auto &leaf : page->changes[i].leaves) {
                document.revs.push_back(leaf.rev);
                if (context_.replication.winning_revs_only)
                    break;
            }
            changes.changes.push_back(std::move(document));
        }
        reader_->go_on(last);
        changes.end = !cut && !page->more;
        changes.last = reader_at_ = json::to_text(json::Value(database_->sequence_token(last)));
        auto pending = co_await on_pool([&] { return database_->pending(last); });
        if (!pending.ok())
            co_return pending.error();
        changes.pending = *pending;
        co_return changes;
    }
}

Task<Result<std::unique_ptr<Peer>>> open_local_peer(PeerContext context, const Endpoint &endpoint,
                                                    Cause side) {
    auto &gate = *context.context.gate;
    const auto &principal = context.replication.principal;
    auto opened = co_await run_on(context.context.pool, context.context.loop, [&] {
        return gate.open(principal, permission_at(gate, side, endpoint.database), endpoint.database);
    });
    std::shared_ptr<db::Database> database;
    if (opened.ok())
        database = std::move(*opened);
    else if (opened.error().code() != ErrorCode::not_found)
        co_return opened.error();
    // One that is not there may be created; info() tells if it was not.
    co_return std::unique_ptr<Peer>(std::make_unique<LocalPeer>(context, endpoint, std::move(database)));
}

} // namespace divan::replication
