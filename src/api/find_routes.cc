// Mango queries: _find and _explain.

#include "api/partition_calls.h"
#include "api/query_time.h"
#include "api/router.h"
#include "api/view_options.h"
#include "api/view_query.h"
#include "config/config.h"
#include "mango/find.h"
#include "selector/limits.h"
#include "telemetry/metrics.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::api {
namespace {

using telemetry::Metric;

mango::QueryDefaults query_defaults(const config::Config &config) {
    mango::QueryDefaults defaults;
    defaults.limit = static_cast<std::uint64_t>(config.integer("mango", "default_limit"));
    defaults.sort_in_memory = config.boolean("divan", "mango_sort_in_memory");
    defaults.selector = selector::limits(config);
    return defaults;
}

mango::FindOptions find_options(const config::Config &config, bool explain) {
    auto size = [&](const char *key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    mango::FindOptions options;
    options.explain = explain;
    options.cursor.index_scan_warning_threshold =
        static_cast<std::uint64_t>(config.integer("mango", "index_scan_warning_threshold"));
    options.cursor.sort_documents_max = size("mango_sort_documents_max");
    options.cursor.groups_max = size("mango_groups_max");
    options.cursor.memory_bytes_max = size("mango_memory_bytes_max");
    options.cursor.source.union_documents_max = size("mango_union_documents_max");
    options.cursor.source.regexes_given_up_max = size("mango_regexes_given_up_max");
    return options;
}

Result<void> check_partition(const db::Database &database, const mango::Query &query) {
    if (query.partition.empty() || database.partitioned())
        return {};
    return Error(ErrorCode::query_parse_error, "`partition` parameter is not supported on this db");
}

// Reads the body and plans the query.
Task<Result<std::unique_ptr<mango::Find>>> prepare(Call &call, bool explain) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    std::optional<std::string> partition;
    if (auto parameter = call.query.find("partition"))
        partition = std::string(*parameter);
    const auto &config = call.services().config;
    auto query = mango::read_query(body->object(), partition, query_defaults(config));
    if (!query.ok())
        co_return query.error();
    auto fits = check_partition(*call.database, *query);
    if (!fits.ok())
        co_return fits.error();
    auto find = co_await call.on_engine([&] {
        mango::FindServices services{call.services().designs, call.services().views};
        return mango::Find::prepare(services, call.database, std::move(*query),
                                    find_options(config, explain));
    });
    co_return find;
}

// ---- the answer

// Rows are written as CouchDB writes them: one a line.
class Answer {
  public:
    explicit Answer(const mango::Query &query)
        : text_(query.distinct       ? "{\"distinct\":["
                : query.is_grouped() ? "{\"groups\":["
                                     : "{\"docs\":[") {}

    void add(const std::vector<std::string> &rows) {
        for (const auto &row : rows) {
            text_.append(first_ ? "\r\n" : ",\r\n").append(row);
            first_ = false;
        }
    }
    void end_rows() { text_.append("\r\n]"); }
    void member(std::string_view name, std::string_view json) {
        text_.append(",\r\n\"").append(name).append("\": ").append(json);
    }
    void end() { text_.append("}\r\n"); }
    [[nodiscard]] std::size_t bytes() const { return text_.size(); }
    [[nodiscard]] std::string take() { return std::exchange(text_, std::string()); }

  private:
    std::string text_;
    bool first_ = true;
};

std::string statistics_json(const mango::Query &query, const mango::Statistics &statistics, double millis) {
    const bool quorum = query.r > 1;
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("total_keys_examined", statistics.keys_examined);
    writer.member("total_docs_examined", quorum ? 0 : statistics.documents_examined);
    writer.member("total_quorum_docs_examined", quorum ? statistics.documents_examined : 0);
    writer.member("results_returned", statistics.results_returned);
    writer.raw("execution_time_ms", fmt::format("{:.3f}", millis));
    writer.close();
    return text;
}

std::string json_string(std::string_view text) {
    std::string out;
    json::write_string(out, text);
    return out;
}

void count(Call &call, const mango::Statistics &statistics, const mango::Warnings &warnings, double millis) {
    auto &metrics = call.services().metrics;
    metrics.mango_query_time.add(millis);
    metrics.count(Metric::mango_keys_examined, static_cast<std::int64_t>(statistics.keys_examined));
    metrics.count(Metric::mango_docs_examined, static_cast<std::int64_t>(statistics.documents_examined));
    metrics.count(Metric::mango_results_returned, static_cast<std::int64_t>(statistics.results_returned));
    metrics.count(Metric::mango_unindexed_queries, warnings.no_index ? 1 : 0);
    metrics.count(Metric::mango_query_invalid_index, warnings.wrong_index ? 1 : 0);
    metrics.count(Metric::mango_too_many_docs_scanned, warnings.many_documents ? 1 : 0);
}

void finish(Call &call, const mango::Find &find, const mango::Cursor &cursor, Answer &answer) {
    auto statistics = cursor.statistics();
    // What was looked at besides is nobody's business who may not see it.
    if (call.database->visibility() != nullptr)
        statistics = {statistics.results_returned, statistics.results_returned, statistics.results_returned,
                      0};
    const auto warnings = find.warnings(statistics);
    const std::chrono::duration<double, std::milli> taken =
        call.services().clock.monotonic() - call.started_at();
    count(call, statistics, warnings, taken.count());
    answer.end_rows();
    // CouchDB has nothing to say when it did not look.
    if (find.plan().kind == mango::Plan::Kind::nothing && !find.query().count && !find.query().is_grouped())
        return answer.end();
    auto bookmark = cursor.bookmark();
    answer.member("bookmark", json_string(bookmark.empty() ? std::string_view("nil") : bookmark));
    if (auto matches = cursor.count())
        answer.member("count", std::to_string(*matches));
    if (find.query().execution_stats)
        answer.member("execution_stats", statistics_json(find.query(), statistics, taken.count()));
    if (!warnings.text.empty())
        answer.member("warning", json_string(warnings.text));
    answer.end();
}

Task<Result<void>> update_indexes(Call &call, mango::Find &find) {
    auto groups = co_await call.on_engine([&] { return find.groups(); });
    if (!groups.ok())
        co_return groups.error();
    for (auto &group : *groups) {
        auto updated = co_await update_view(call, group);
        if (!updated.ok())
            co_return updated.error();
    }
    co_return Result<void>();
}

constexpr std::size_t kPieceBytesMin = 64 << 10;

Task<Result<void>> answer_rows(Call &call, const mango::Find &find, mango::Cursor &cursor) {
    Answer answer(find.query());
    auto nothing = std::make_shared<Event>();
    for (bool more = true; more;) {
        std::vector<std::string> rows;
        auto next = co_await call.on_engine([&] { return cursor.next(rows); });
        auto in_time = check_query_time(call);
        if (next.ok() && !in_time.ok())
            co_return in_time.error();
        if (!next.ok())
            co_return next.error();
        more = *next;
        answer.add(rows);
        if (!more)
            finish(call, find, cursor, answer);
        if (!more && !call.response().started())
            co_return co_await call.send_json(200, answer.take());
        if (more && answer.bytes() < kPieceBytesMin) {
            // A scan that finds nothing ends when nobody waits for it.
            auto wake = co_await call.exchange().wait(nothing, Millis(0));
            if (wake == net::Wake::closed)
                co_return ErrorCode::cancelled;
            continue;
        }
        Result<void> step;
        if (!call.response().started())
            step = co_await call.start_json();
        auto text = answer.take();
        if (!more)
            text.push_back('\n');
        if (step.ok())
            step = co_await call.response().write(std::move(text));
        if (!step.ok())
            co_return step.error();
    }
    co_return co_await call.response().finish();
}

Task<Result<void>> post_find(Call &call) {
    auto find = co_await prepare(call, false);
    if (!find.ok())
        co_return find.error();
    if ((*find)->query().update && !(*find)->query().stale_ok && !(*find)->plan().scans.empty()) {
        auto updated = co_await update_indexes(call, **find);
        if (!updated.ok())
            co_return updated.error();
    }
    auto cursor = co_await call.on_engine([&] { return (*find)->open(); });
    if (!cursor.ok())
        co_return cursor.error();
    co_return co_await answer_rows(call, **find, **cursor);
}

Task<Result<void>> post_explain(Call &call) {
    auto find = co_await prepare(call, true);
    if (!find.ok())
        co_return find.error();
    co_return co_await call.send_json(200, (*find)->explain());
}

} // namespace

std::vector<Route> find_routes() {
    constexpr auto kReader = access::Permission::database_reader;
    return {
        {"POST", "/{db}/_find", kReader, post_find, "Documents that a selector matches."},
        {"POST", "/{db}/_explain", kReader, post_explain,
         "How a query would be answered, and by which index."},
        {"POST", "/{db}/_partition/{partition}/_find", kReader, in_partition<post_find>,
         "Documents of a partition that a selector matches."},
        {"POST", "/{db}/_partition/{partition}/_explain", kReader, in_partition<post_explain>,
         "How a query of a partition would be answered, and by which index."},
    };
}

} // namespace divan::api
