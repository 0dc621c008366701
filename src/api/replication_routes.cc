// _replicate and _scheduler.

#include "api/parameters.h"
#include "api/replication_json.h"
#include "api/router.h"
#include "config/config.h"
#include "replication/document.h"
#include "replication/replicator.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>

namespace divan::api {
namespace {

using access::Permission;
using replication::DocumentView;

constexpr Millis kWaitMax{3'600'000}; // for an event; then it is waited for again

Result<replication::Replicator *> replicator_of(const Call &call) {
    if (call.services().replicator == nullptr)
        return Error(ErrorCode::not_implemented, "This server has no replicator.");
    return call.services().replicator;
}

Task<Result<void>> post_replicate(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await call.read_json();
    if (!body.ok())
        co_return body.error();
    if (!body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    auto replicator = replicator_of(call);
    if (!replicator.ok())
        co_return replicator.error();
    auto request = (*replicator)->replicate(std::move(body->object()), call.principal);
    for (;;) {
        auto answer = request->take();
        // A replication that failed is an answer and no failure of this server: it is not logged as one.
        if (answer && !answer->ok()) {
            co_return co_await call.send_error(answer->error());
        }
        if (answer)
            co_return co_await call.send_json((*answer)->status, std::move((*answer)->body));
        auto wake = co_await call.exchange().wait(request->event(), kWaitMax);
        if (wake == net::Wake::closed)
            co_return ErrorCode::cancelled;
    }
}

// ---- jobs

// As couch_replicator_httpd_util:parse_int_param.
Result<std::uint64_t> read_integer(const Call &call, std::string_view name, std::uint64_t otherwise) {
    auto text = call.query.find(name);
    if (!text)
        return otherwise;
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size())
        return Error(ErrorCode::query_parse_error, fmt::format("{} must be an integer", name));
    if (number < 0)
        return Error(ErrorCode::query_parse_error, fmt::format("{} not in range of [0,infinity]", name));
    return static_cast<std::uint64_t>(number);
}

Task<Result<void>> get_jobs(Call &call) {
    constexpr std::uint64_t kLimit = 100;
    auto limit = read_integer(call, "limit", kLimit);
    if (!limit.ok())
        co_return limit.error();
    auto skip = read_integer(call, "skip", 0);
    if (!skip.ok())
        co_return skip.error();
    auto replicator = replicator_of(call);
    if (!replicator.ok())
        co_return replicator.error();
    auto jobs = co_await (*replicator)->jobs(call.exchange().executor());
    auto offset = std::min<std::uint64_t>(*skip, jobs.size());
    auto count = std::min<std::uint64_t>(*limit, jobs.size() - offset);
    auto text = fmt::format("{{\"total_rows\":{},\"offset\":{},\"jobs\":[", jobs.size(), offset);
    for (auto i = offset; i < offset + count; ++i) {
        if (i > offset)
            text.push_back(',');
        append_replication_job(text, jobs[i], call.services().node_name, call.services().clock);
    }
    text.append("]}");
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> get_job(Call &call) {
    auto replicator = replicator_of(call);
    if (!replicator.ok())
        co_return replicator.error();
    auto job = co_await (*replicator)->job(call.path_parameter("job"), call.exchange().executor());
    if (!job)
        co_return ErrorCode::not_found;
    std::string text;
    append_replication_job(text, *job, call.services().node_name, call.services().clock);
    co_return co_await call.send_json(200, std::move(text));
}

// ---- documents

struct DocumentsOptions {
    std::optional<std::string> start, end;
    std::optional<std::vector<std::string>> keys; // in their order
    bool inclusive_end = true;
    bool descending = false;
    std::uint64_t skip = 0;
    std::uint64_t limit = ~std::uint64_t{0};
    std::set<std::string> states; // empty: all
};

Result<std::set<std::string>> read_states(std::string_view text) {
    static constexpr std::string_view kStates[] = {"initializing", "error",     "running", "pending",
                                                   "crashing",     "completed", "failed"};
    constexpr std::string_view kList = "initializing,error,running,pending,crashing,completed,failed";
    std::set<std::string> states;
    std::string unknown;
    while (!text.empty()) {
        auto comma = std::min(text.find(','), text.size());
        std::string state(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (state.empty())
            continue;
        std::transform(state.begin(), state.end(), state.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (std::find(std::begin(kStates), std::end(kStates), state) == std::end(kStates))
            unknown.append(unknown.empty() ? "" : ",").append(state);
        states.insert(std::move(state));
    }
    if (!unknown.empty())
        return Error(ErrorCode::query_parse_error,
                     fmt::format("Unknown states [{}]. Choose from: [{}]", unknown, kList));
    return states;
}

Result<std::string> read_key(std::string_view text) {
    DIVAN_TRY(auto value, json::parse(text));
    return value.is_string() ? value.string() : std::string();
}

Result<DocumentsOptions> read_documents_options(const net::Query &query) {
    DocumentsOptions options;
    for (const auto &[name, value] : query) {
        if (name == "startkey" || name == "start_key") {
            DIVAN_TRY(options.start, read_key(value));
        } else if (name == "endkey" || name == "end_key") {
            DIVAN_TRY(options.end, read_key(value));
        } else if (name == "key") {
            DIVAN_TRY(auto key, read_key(value));
            options.keys = std::vector{std::move(key)};
        } else if (name == "keys") {
            DIVAN_TRY(auto keys, json::parse(value));
            if (!keys.is_array())
                return Error(ErrorCode::query_parse_error, "`keys` must be an array of strings.");
            options.keys.emplace();
            for (const auto &key : keys.array())
                options.keys->push_back(key.is_string() ? key.string() : std::string());
        } else if (name == "inclusive_end") {
            DIVAN_TRY(options.inclusive_end, parse_view_boolean(name, value));
        } else if (name == "descending") {
            DIVAN_TRY(options.descending, parse_view_boolean(name, value));
        } else if (name == "skip") {
            DIVAN_TRY(options.skip, parse_count(name, value));
        } else if (name == "limit") {
            DIVAN_TRY(options.limit, parse_count(name, value));
        } else if (name == "states") {
            DIVAN_TRY(options.states, read_states(value));
        }
    }
    return options;
}

bool lies_within(const DocumentsOptions &options, const std::string &id) {
    auto before = [&](const std::string &a, const std::string &b) {
        return options.descending ? b < a : a < b;
    };
    if (options.start && before(id, *options.start))
        return false;
    return !options.end || before(id, *options.end) || (options.inclusive_end && id == *options.end);
}

// `views` in the order of their ids; those of no state are not known yet and left out.
std::string documents_text(std::vector<DocumentView> views, const DocumentsOptions &options,
                           std::string_view node) {
    std::erase_if(views, [&](const DocumentView &view) {
        return view.state.empty() || (!options.states.empty() && !options.states.contains(view.state));
    });
    auto total = views.size();
    if (options.descending)
        std::reverse(views.begin(), views.end());
    std::vector<const DocumentView *> chosen;
    std::uint64_t offset = 0;
    if (options.keys) {
        for (const auto &key : *options.keys)
            for (const auto &view : views)
                if (view.doc_id == key)
                    chosen.push_back(&view);
    } else {
        for (const auto &view : views) {
            if (lies_within(options, view.doc_id))
                chosen.push_back(&view);
            else if (chosen.empty())
                ++offset;
        }
    }
    auto skipped = std::min<std::uint64_t>(options.skip, chosen.size());
    auto count = std::min<std::uint64_t>(options.limit, chosen.size() - skipped);
    if (chosen.empty())
        offset = 0;
    auto text = fmt::format("{{\"total_rows\":{},\"offset\":{},\"docs\":[", total, offset + skipped);
    for (auto i = skipped; i < skipped + count; ++i) {
        if (i > skipped)
            text.push_back(',');
        append_replication_document(text, *chosen[i], node);
    }
    text.append("]}");
    return text;
}

Task<Result<void>> answer_documents(Call &call, std::string database) {
    auto options = read_documents_options(call.query);
    if (!options.ok())
        co_return options.error();
    auto replicator = replicator_of(call);
    if (!replicator.ok())
        co_return replicator.error();
    auto views = co_await (*replicator)->documents(std::move(database), call.exchange().executor());
    if (!views.ok())
        co_return views.error();
    auto text = documents_text(std::move(*views), *options, call.services().node_name);
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> answer_document(Call &call, std::string database, std::string id) {
    auto replicator = replicator_of(call);
    if (!replicator.ok())
        co_return replicator.error();
    auto view =
        co_await (*replicator)->document(std::move(database), std::move(id), call.exchange().executor());
    if (!view.ok())
        co_return view.error();
    std::string text;
    append_replication_document(text, *view, call.services().node_name);
    co_return co_await call.send_json(200, std::move(text));
}

struct DocumentsPath {
    std::string database;
    std::optional<std::string> id;
};

// What follows "/_scheduler/docs/": the slash of a database's name comes as it is or as %2F. Nothing: it is
// no such path. As couch_replicator_httpd:parse_unquoted_docs_path.
std::optional<DocumentsPath> parse_documents_path(const std::vector<std::string> &parts) {
    if (!parts.empty() && replication::is_replicator_database(parts[0]) && parts.size() <= 2)
        return DocumentsPath{parts[0], parts.size() == 2 ? std::optional(parts[1]) : std::nullopt};
    auto last = std::find(parts.begin(), parts.end(), "_replicator");
    if (last == parts.end() || parts.end() - last > 2)
        return std::nullopt;
    DocumentsPath path;
    for (auto part = parts.begin(); part != last; ++part)
        path.database.append(*part).push_back('/');
    path.database.append(*last);
    if (last + 1 != parts.end())
        path.id = *(last + 1);
    return path;
}

Task<Result<void>> get_documents(Call &call) {
    co_return co_await answer_documents(call, std::string("_replicator"));
}

Task<Result<void>> get_documents_of(Call &call) {
    auto parts = net::split_path(call.head().raw_path(),
                                 call.services().config.boolean("chttpd", "decode_plus_to_space"));
    if (!parts.ok())
        co_return parts.error();
    std::vector<std::string> rest; // behind _scheduler and docs
    for (std::size_t i = 2; i < parts->size(); ++i)
        rest.push_back((*parts)[i].decoded);
    auto path = parse_documents_path(rest);
    if (!path)
        co_return Error(ErrorCode::bad_request, "Invalid path");
    if (!path->id)
        co_return co_await answer_documents(call, std::move(path->database));
    co_return co_await answer_document(call, std::move(path->database), std::move(*path->id));
}

// CouchDB's answer, with no reason.
Task<Result<void>> get_nothing(Call &call) {
    co_return co_await call.send_json(404, std::string(R"({"error":"not found"})"));
}

} // namespace

std::vector<Route> replication_routes() {
    constexpr auto kAdmin = Permission::server_admin;
    const std::vector<ParameterInfo> paging = {{"limit", "integer", "How many."},
                                               {"skip", "integer", "How many to leave out."}};
    auto documents = paging;
    documents.push_back({"states", "string", "Only those in one of these states, separated by commas."});
    documents.push_back({"descending", "boolean", "From the last id to the first."});
    return {
        {"POST", "/_replicate", Permission::signed_in, post_replicate,
         "Replicates a database into another one, or cancels that."},
        {"POST", "/_replicate/{rest...}", kAdmin, post_replicate, "As _replicate."},
        {"GET", "/_scheduler/jobs", kAdmin, get_jobs, "Replications that run or wait.", paging},
        {"GET", "/_scheduler/jobs/{job}", kAdmin, get_job, "One of them."},
        {"GET", "/_scheduler/docs", kAdmin, get_documents, "Documents of `_replicator`, with their states.",
         documents},
        {"GET", "/_scheduler/docs/{replicator_db}", kAdmin, get_documents_of,
         "Documents of a `_replicator` database, with their states.", documents},
        {"GET", "/_scheduler/docs/{replicator_db}/{docid}", kAdmin, get_documents_of, "One of them."},
        {"GET", "/_scheduler/docs/{rest...}", kAdmin, get_documents_of, "The same."},
        {kAnyMethod, "/_scheduler", kAdmin, get_nothing, "Refused: there is none."},
        {"GET", "/_scheduler/{rest...}", kAdmin, get_nothing, "Refused: there is none."},
    };
}

} // namespace divan::api
