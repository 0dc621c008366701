// Mango indexes: _index.

#include "api/engine_calls.h"
#include "api/router.h"
#include "api/view_options.h"
#include "db/store.h"
#include "design/design_documents.h"
#include "mango/find.h"
#include "selector/limits.h"
#include "json/writer.h"

#include <charconv>
#include <fmt/format.h>
#include <set>

namespace divan::api {
namespace {

using access::Permission;

constexpr std::string_view kDesign = "_design/";

std::string with_design(const std::string &id) {
    return id.starts_with(kDesign) ? id : std::string(kDesign) + id;
}

Task<Result<mango::Indexes>> read_indexes(Call &call) {
    auto indexes =
        co_await call.on_engine([&] { return mango::indexes_of(call.services().designs, call.database); });
    co_return indexes;
}

// ---- GET

Result<std::int64_t> list_parameter(const Call &call, std::string_view name, std::int64_t otherwise,
                                    std::int64_t min) {
    auto text = call.query.find(name);
    if (!text)
        return otherwise;
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size() || number < min)
        return Error(ErrorCode::invalid_value, "invalid_list_index_params",
                     "Index parameter ranges: limit > 1, skip > 0");
    return number;
}

Task<Result<void>> get_indexes(Call &call) {
    auto indexes = co_await read_indexes(call);
    if (!indexes.ok())
        co_return indexes.error();
    const auto total = static_cast<std::int64_t>(indexes->size());
    auto limit = list_parameter(call, "limit", total, 1);
    auto skip = list_parameter(call, "skip", 0, 0);
    if (!limit.ok() || !skip.ok())
        co_return limit.ok() ? skip.error() : limit.error();
    json::Array shown;
    for (auto i = *skip; i < total && i - *skip < *limit; ++i)
        shown.push_back((*indexes)[static_cast<std::size_t>(i)]->to_json());
    json::Object answer;
    answer.append("total_rows", total);
    answer.append("indexes", std::move(shown));
    co_return co_await call.send_json(200, json::Value(std::move(answer)));
}

// ---- writing design documents

// Errors: 500 "error_saving_ddoc", as CouchDB answers whatever is wrong with the document.
Error not_saved(const Error &error) {
    std::string reason = error.code() == ErrorCode::conflict
                             ? "Encountered a conflict while saving the design document."
                             : "Unknown error while saving the design document: " + std::string(error.word());
    return {error.status() < 500 ? ErrorCode::invalid_value : ErrorCode::internal_server_error,
            "error_saving_ddoc", std::move(reason)};
}

// `body`: nothing deletes the document.
Task<Result<void>> save(Call &call, std::string id, std::string rev, std::optional<json::Value> body) {
    db::Edit edit;
    edit.id = std::move(id);
    edit.deleted = !body.has_value();
    if (body)
        edit.json = json::to_text(*body);
    if (!rev.empty()) {
        auto parent = doc::RevId::parse(rev);
        if (!parent.ok())
            co_return not_saved(parent.error());
        edit.parent = std::move(*parent);
    }
    auto checked = co_await check_design_document(call, edit);
    if (!checked.ok())
        co_return not_saved(checked.error());
    std::vector<db::Edit> edits;
    edits.push_back(std::move(edit));
    auto answers = co_await write_documents(call, std::move(edits));
    if (!answers.front().ok())
        co_return not_saved(answers.front().error());
    co_return Result<void>();
}

struct Found {
    std::shared_ptr<const design::DesignDocument> document; // null: there is none
};

Task<Result<Found>> find_document(Call &call, std::string id) {
    auto document = co_await call.on_engine([&] { return call.services().designs.find(call.database, id); });
    Found found;
    if (document.ok())
        found.document = std::move(*document);
    else if (document.error().code() != ErrorCode::not_found)
        co_return document.error();
    co_return found;
}

// ---- POST

Task<Result<void>> post_index(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    auto index = mango::read_new_index(body->object(), selector::limits(call.services().config));
    if (!index.ok())
        co_return index.error();
    auto legal = db::check_document_id(index->design_id);
    if (!legal.ok())
        co_return legal.error();
    auto found = co_await find_document(call, index->design_id);
    if (!found.ok())
        co_return found.error();
    const auto *existing = found->document ? &found->document->json : nullptr;
    auto changed = mango::with_index(existing, *index);
    if (!changed.ok())
        co_return changed.error();
    const bool exists = !changed->has_value();
    if (!exists) {
        std::string rev;
        if (existing != nullptr)
            rev = found->document->rev;
        auto saved = co_await save(call, index->design_id, std::move(rev), std::move(*changed));
        if (!saved.ok())
            co_return saved.error();
    }
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("result", exists ? "exists" : "created").member("id", std::string_view(index->design_id));
    writer.member("name", std::string_view(index->name));
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

// ---- DELETE

// Takes the indexes with these names out of a design document. Errors: not_found.
Task<Result<void>> remove(Call &call, std::string id, std::set<std::string> names) {
    auto found = co_await find_document(call, id);
    if (!found.ok())
        co_return found.error();
    if (found->document == nullptr || names.empty())
        co_return ErrorCode::not_found;
    std::optional<json::Value> body = found->document->json;
    for (const auto &name : names)
        if (body)
            body = mango::without_index(*body, name);
    co_return co_await save(call, std::move(id), found->document->rev, std::move(body));
}

// The names of the indexes of a design document, of all or of one.
std::set<std::string> names_of(const mango::Indexes &indexes, const std::string &design_id,
                               const std::optional<std::string> &name) {
    std::set<std::string> names;
    for (const auto &index : indexes)
        if (!index->is_special() && index->design_id() == design_id && (!name || index->name() == *name))
            names.emplace(index->name());
    return names;
}

Task<Result<void>> delete_index(Call &call) {
    auto indexes = co_await read_indexes(call);
    if (!indexes.ok())
        co_return indexes.error();
    auto id = with_design(call.path_parameter("ddoc"));
    std::set<std::string> names;
    if (call.path_parameter("type") == "json")
        names = names_of(*indexes, id, call.path_parameter("name"));
    auto removed = co_await remove(call, std::move(id), std::move(names));
    if (!removed.ok())
        co_return removed.error();
    co_return co_await call.send_ok(200);
}

Result<std::vector<std::string>> read_docids(const json::Object &body) {
    auto refused = [](std::string word, std::string reason) {
        return Error(ErrorCode::bad_request, std::move(word), std::move(reason));
    };
    const auto *docids = body.find("docids");
    if (docids == nullptr)
        return refused("missing_required_key", "Missing required key: docids");
    if (!docids->is_array())
        return refused("invalid_bulk_docs",
                       "Bulk Delete requires an array of non-null docids. Docids: " + json::to_text(*docids));
    std::vector<std::string> ids;
    for (const auto &id : docids->array()) {
        DIVAN_TRY(auto parts, mango::read_use_index(id));
        if (!id.is_string())
            return refused("invalid_index_name", "Invalid index name: " + json::to_text(id));
        ids.push_back(with_design(id.string()));
    }
    for (const auto &[name, value] : body)
        if (name != "docids" && name != "w")
            return refused("invalid_key", fmt::format("Invalid key {} for this request.", name));
    return ids;
}

json::Value outcome(const std::string &id, const Result<void> &removed) {
    json::Object object;
    object.append("id", id);
    if (removed.ok())
        object.append("ok", true);
    else
        object.append("error", removed.error().word());
    return object;
}

Task<Result<void>> bulk_delete(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    auto ids = read_docids(body->object());
    if (!ids.ok())
        co_return ids.error();
    auto indexes = co_await read_indexes(call);
    if (!indexes.ok())
        co_return indexes.error();
    json::Array success, fail;
    for (const auto &id : *ids) {
        auto names = names_of(*indexes, id, std::nullopt);
        auto removed = co_await remove(call, id, std::move(names));
        // The last one comes first, as in CouchDB.
        auto &list = removed.ok() ? success : fail;
        list.insert(list.begin(), outcome(id, removed));
    }
    json::Object answer;
    answer.append("success", std::move(success));
    answer.append("fail", std::move(fail));
    co_return co_await call.send_json(200, json::Value(std::move(answer)));
}

Task<Result<void>> missing(Call & /*call*/) {
    co_return ErrorCode::not_found;
}

} // namespace

std::vector<Route> index_routes() {
    constexpr auto kReader = Permission::database_reader;
    constexpr auto kDesigner = Permission::database_designer;
    constexpr const char *kDelete = "Removes an index; the last one takes its design document with it.";
    return {
        {"GET",
         "/{db}/_index",
         kReader,
         get_indexes,
         "The indexes that queries can use.",
         {{"limit", "integer", "At most so many."}, {"skip", "integer", "Without the first ones."}}},
        {"POST", "/{db}/_index", kDesigner, post_index, "Creates an index, unless it is there."},
        {"POST", "/{db}/_index/_bulk_delete", kDesigner, bulk_delete,
         "Removes the indexes of design documents."},
        {"DELETE", "/{db}/_index/{ddoc}/{type}/{name}", kDesigner, delete_index, kDelete},
        {"DELETE", "/{db}/_index/_design/{ddoc}/{type}/{name}", kDesigner, delete_index, kDelete},
        {kAnyMethod, "/{db}/_index/{rest...}", kReader, missing, "Refused: there is none."},
    };
}

} // namespace divan::api
