// Views: queries, what their index holds, compaction and cleanup.

#include "api/design_calls.h"
#include "api/query_handlers.h"
#include "api/router.h"
#include "api/view_query.h"
#include "design/advice.h"
#include "views/views.h"
#include "json/writer.h"

namespace divan::api {
namespace {

using access::Permission;

Task<Result<void>> answer_view(Call &call, std::shared_ptr<const design::DesignDocument> document,
                               ViewOptions options) {
    auto view = co_await find_view(call, std::move(document), call.path_parameter("view"));
    if (!view.ok())
        co_return view.error();
    auto checked = check_view_query(call, *view, options);
    if (!checked.ok())
        co_return checked.error();
    auto query = co_await open_view(call, *view, options);
    if (!query.ok())
        co_return query.error();
    auto answered = co_await answer_rows(call, std::move(*query));
    update_later(*view, options);
    co_return answered;
}

} // namespace

Task<Result<void>> get_view(Call &call) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto options = read_view_options(call.query, nullptr, {.one_key_is_key = true});
    if (!options.ok())
        co_return options.error();
    co_return co_await answer_view(call, std::move(*document), std::move(*options));
}

Task<Result<void>> post_view(Call &call) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    if (const auto *queries = body->object().find("queries"))
        co_return Error(ErrorCode::bad_request,
                        queries->is_array()
                            ? "The `queries` parameter is no longer supported at this endpoint"
                            : "`queries` member must be an array.");
    if (const auto *keys = body->object().find("keys"); keys != nullptr && !keys->is_array())
        co_return Error(ErrorCode::bad_request, "`keys` member must be an array.");
    auto options = read_view_options(call.query, &body->object(), {.one_key_is_key = true});
    if (!options.ok())
        co_return options.error();
    co_return co_await answer_view(call, std::move(*document), std::move(*options));
}

namespace {

Result<std::vector<ViewOptions>> read_all_options(const Call &call, const View &view,
                                                  const json::Object &body) {
    DIVAN_TRY(auto queries, read_queries(body));
    std::vector<ViewOptions> all;
    for (const auto *query : queries) {
        DIVAN_TRY(auto options, read_view_options(call.query, query,
                                                  {.precedence = Precedence::body, .one_key_is_key = true}));
        DIVAN_TRY_VOID(check_view_query(call, view, options));
        all.push_back(std::move(options));
    }
    return all;
}

} // namespace

Task<Result<void>> post_view_queries(Call &call) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    auto view = co_await find_view(call, std::move(*document), call.path_parameter("view"));
    if (!view.ok())
        co_return view.error();
    auto all = read_all_options(call, *view, body->object());
    if (!all.ok())
        co_return all.error();
    std::vector<RowQuery> queries;
    for (const auto &options : *all) {
        auto query = co_await open_view(call, *view, options);
        if (!query.ok())
            co_return query.error();
        queries.push_back(std::move(*query));
    }
    auto answered = co_await answer_row_sets(call, std::move(queries));
    for (const auto &options : *all)
        update_later(*view, options);
    co_return answered;
}

namespace {

// ---- what an index holds

// Divan's own member, only where there is something to say.
void append_warnings(std::string &out, const std::vector<design::Advice> &advice) {
    out.push_back('[');
    for (std::size_t i = 0; i < advice.size(); ++i) {
        if (i > 0)
            out.push_back(',');
        json::ObjectWriter writer(out);
        writer.member("view", std::string_view(advice[i].view));
        writer.member("warning", std::string_view(advice[i].text));
        writer.close();
    }
    out.push_back(']');
}

std::string info_text(const Call &call, const views::GroupInfo &info,
                      const std::vector<design::Advice> &advice) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("name", std::string_view(call.path_parameter("ddoc"))).key("view_index");
    json::ObjectWriter index(text);
    index.key("updates_pending");
    json::ObjectWriter pending(text);
    for (const char *kind : {"minimum", "preferred", "total"})
        pending.member(kind, info.updates_pending);
    pending.close();
    // What an index holds has been synced.
    index.member("waiting_commit", false).member("waiting_clients", info.waiting_clients);
    index.member("updater_running", info.updater_running).member("update_seq", info.sequence.value);
    index.key("sizes");
    json::ObjectWriter sizes(text);
    sizes.member("file", info.file_bytes).member("external", info.external_bytes);
    sizes.member("active", info.active_bytes);
    sizes.close();
    index.member("signature", std::string_view(info.signature)).member("purge_seq", info.purge_seq);
    index.member("language", std::string_view(info.language)).member("compact_running", info.compact_running);
    index.key("collator_versions");
    text.push_back('[');
    json::write_string(text, info.collator_version);
    text.push_back(']');
    index.close();
    if (!advice.empty()) {
        writer.key("warnings");
        append_warnings(text, advice);
    }
    writer.close();
    return text;
}

Task<Result<void>> get_info(Call &call) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto info = co_await call.on_engine([&]() -> Result<views::GroupInfo> {
        if (call.database->visibility() != nullptr)
            return Error(ErrorCode::forbidden,
                         "What an index holds is not for users under document or field rules.");
        DIVAN_TRY(auto group, call.services().views.group(call.database, **document));
        return group->info();
    });
    if (!info.ok())
        co_return info.error();
    auto text = info_text(call, *info, design::advise(**document));
    co_return co_await call.send_json(200, std::move(text));
}

// ---- maintenance

Task<Result<void>> post_compact(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto begun = co_await call.on_engine([&]() -> Result<void> {
        auto group = call.services().views.group(call.database, **document);
        if (group.ok())
            (*group)->start_compaction();
        else if (group.error().code() != ErrorCode::not_implemented) // then there is no index
            return group.error();
        return {};
    });
    if (!begun.ok())
        co_return begun.error();
    co_return co_await call.send_ok(202);
}

Task<Result<void>> post_cleanup(Call &call) {
    auto cleaned = co_await call.on_engine([&] { return call.services().views.cleanup(call.database); });
    if (!cleaned.ok())
        co_return cleaned.error();
    co_return co_await call.send_ok(202);
}

constexpr char kQueriesMethods[] = "POST";
constexpr char kInfoMethods[] = "GET";

} // namespace

std::vector<Route> view_routes() {
    constexpr auto kReader = Permission::database_reader;
    constexpr auto kAdmin = Permission::database_admin;
    constexpr const char *kRefused = "Refused: there is no such method.";
    std::vector<ParameterInfo> parameters = {
        {"key", "json", "Rows with this key."},
        {"keys", "json", "Rows with these keys, in their order."},
        {"startkey", "json", "First key; also start_key."},
        {"endkey", "json", "Last key; also end_key."},
        {"startkey_docid", "string", "First id of the rows with the first key; also start_key_doc_id."},
        {"endkey_docid", "string", "Last id of the rows with the last key; also end_key_doc_id."},
        {"inclusive_end", "boolean", "false: without the last key."},
        {"descending", "boolean", "From the end; the first key is the higher one."},
        {"limit", "integer", "Rows at most."},
        {"skip", "integer", "Rows to leave out first."},
        {"reduce", "boolean", "false: rows of a view with a reduce function."},
        {"group", "boolean", "Reduces the rows of each key."},
        {"group_level", "integer", "Reduces the rows whose keys begin with the same elements, so many."},
        {"include_docs", "boolean", "Adds the documents, or those that values name with _id."},
        {"conflicts", "boolean", "Adds _conflicts to the documents."},
        {"attachments", "boolean", "Adds attachment data to the documents."},
        {"att_encoding_info", "boolean", "Adds encoding and encoded_length."},
        {"update", "string", "true: waits for the index; false: does not; lazy: builds it afterwards."},
        {"stable", "boolean", "Accepted."},
        {"sorted", "boolean", "Accepted; rows are always in order."},
        {"update_seq", "boolean", "Adds the sequence up to which the index goes."},
        {"partition", "string", "The partition that is queried, if the views are partitioned."}};
    return {
        {"GET", "/{db}/_design/{ddoc}/_view/{view}", kReader, get_view, "Rows of a view.", parameters},
        {"POST", "/{db}/_design/{ddoc}/_view/{view}", kReader, post_view, "As GET; parameters in the body.",
         parameters},
        {"POST", "/{db}/_design/{ddoc}/_view/{view}/queries", kReader, post_view_queries,
         "Several queries of a view at once."},
        {"GET", "/{db}/_design/{ddoc}/_info", kReader, get_info, "What the index of the views holds."},
        {"POST", "/{db}/_compact/{ddoc}", kAdmin, post_compact, "Compacts a design document's views."},
        {"POST", "/{db}/_view_cleanup", kAdmin, post_cleanup,
         "Removes view data that no design document uses."},
        {"POST", "/{db}/_view_cleanup/{rest...}", kAdmin, post_cleanup,
         "As _view_cleanup; the rest is not looked at."},
        {kAnyMethod, "/{db}/_design/{ddoc}/_view", kReader, refused_design_method<kViewMethods>, kRefused},
        {kAnyMethod, "/{db}/_design/{ddoc}/_view/{view}", kReader, refused_design_method<kViewMethods>,
         kRefused},
        {kAnyMethod, "/{db}/_design/{ddoc}/_view/{view}/queries", kReader,
         refused_design_method<kQueriesMethods>, kRefused},
        {kAnyMethod, "/{db}/_design/{ddoc}/_view/{rest...}", kReader, refused_design_method<kViewMethods>,
         kRefused},
        {kAnyMethod, "/{db}/_design/{ddoc}/_info", kReader, refused_design_method<kInfoMethods>, kRefused},
    };
}

} // namespace divan::api
