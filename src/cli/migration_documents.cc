#include "cli/migration_documents.h"

#include "base/encoding.h"
#include "replication/document.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <functional>

namespace divan::cli {
namespace {

constexpr int kPageRows = 100;
constexpr std::string_view kLocal = "_local/";
constexpr std::string_view kDesign = "_design/";
constexpr const char *kPausedReason =
    "paused by divan migrate: write the document again without its _replication_ members to start it";

using TakeDocument = std::function<Result<void>(const std::string &id, const json::Object &document)>;

Result<void> take_row(const json::Value &row, const TakeDocument &take, std::string &last) {
    const auto *id = row.is_object() ? row.object().find("id") : nullptr;
    const auto *document = row.is_object() ? row.object().find("doc") : nullptr;
    if (id == nullptr || !id->is_string())
        return {};
    last = id->string();
    return document != nullptr && document->is_object() ? take(last, document->object()) : Result<void>();
}

// All documents of a listing, page by page: "_all_docs", "_local_docs".
Result<void> each_document(MigrationServer &server, const std::string &database, const std::string &listing,
                           const TakeDocument &take) {
    std::string after;
    for (;;) {
        auto target =
            fmt::format("{}/{}?include_docs=true&limit={}", database_path(database), listing, kPageRows);
        if (listing == "_all_docs")
            target += "&attachments=true";
        if (!after.empty())
            target += "&skip=1&startkey=" + percent_encode(json::to_text(json::Value(after)));
        DIVAN_TRY(auto page, server.get(target));
        const auto *rows = page.is_object() ? page.object().find("rows") : nullptr;
        if (rows == nullptr || !rows->is_array())
            return Error(ErrorCode::bad_request,
                         fmt::format("{} does not list the documents of {}.", server.shown(), database));
        auto before = after;
        for (const auto &row : rows->array())
            DIVAN_TRY_VOID(take_row(row, take, after));
        // A server that does not know `startkey` here would go on for ever.
        if (rows->array().size() < kPageRows || after == before)
            return {};
    }
}

// False: it is there, or was.
Result<bool> put_new(MigrationServer &server, const std::string &target, json::Object document) {
    auto there = server.get(target);
    if (there.ok())
        return false;
    if (there.error().code() != ErrorCode::not_found)
        return there.error();
    if (there.error().reason().ends_with("deleted"))
        return false;
    document.erase("_id");
    document.erase("_rev");
    auto written = server.ask("PUT", target, json::to_text(json::Value(std::move(document))));
    if (!written.ok() && written.error().code() == ErrorCode::conflict)
        return false;
    if (!written.ok())
        return written.error();
    return true;
}

} // namespace

json::Object paused_document(const json::Object &document, const std::string &now) {
    auto paused = document;
    paused.erase("_rev");
    if (replication::is_terminal(replication::document_state(document)))
        return paused;
    for (const char *name : {"_replication_id", "_replication_stats"})
        paused.erase(name);
    paused.set("_replication_state", "failed");
    paused.set("_replication_state_time", now);
    paused.set("_replication_state_reason", kPausedReason);
    return paused;
}

bool is_foreign_local(std::string_view id) {
    if (id.starts_with(kLocal))
        id.remove_prefix(kLocal.size());
    return !id.starts_with("shard-sync-") && !id.starts_with("purge-");
}

Result<CopiedDocuments> copy_replicator_documents(MigrationServer &from, MigrationServer &to,
                                                  const std::string &database, const std::string &now) {
    CopiedDocuments result;
    auto take = [&](const std::string &id, const json::Object &document) -> Result<void> {
        if (id.starts_with(kDesign))
            return {};
        auto paused = paused_document(document, now);
        bool changed = !replication::is_terminal(replication::document_state(document));
        DIVAN_TRY(auto written,
                  put_new(to, database_path(database) + "/" + percent_encode(id), std::move(paused)));
        result.copied += written ? 1 : 0;
        result.paused += written && changed ? 1 : 0;
        result.there += written ? 0 : 1;
        return {};
    };
    DIVAN_TRY_VOID(each_document(from, database, "_all_docs", take));
    return result;
}

Result<CopiedDocuments> copy_local_documents(MigrationServer &from, MigrationServer &to,
                                             const std::string &database, const std::string &own) {
    CopiedDocuments result;
    auto take = [&](const std::string &id, const json::Object &document) -> Result<void> {
        auto name = id.starts_with(kLocal) ? id.substr(kLocal.size()) : id;
        if (name == own || !is_foreign_local(id))
            return {};
        DIVAN_TRY(auto written,
                  put_new(to, database_path(database) + "/_local/" + percent_encode(name), document));
        ++(written ? result.copied : result.there);
        return {};
    };
    DIVAN_TRY_VOID(each_document(from, database, "_local_docs", take));
    return result;
}

} // namespace divan::cli
