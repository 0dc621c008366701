#include "cli/migration_documents.h"

#include "base/encoding.h"
#include "replication/document.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <functional>

namespace divan::cli {
namespace {

constexpr std::size_t kPageRows = 100;
constexpr std::string_view kLocal = "_local/";
constexpr std::string_view kDesign = "_design/";
constexpr const char *kPausedReason =
    "paused by divan migrate: write the document again without its _replication_ members to start it";

using TakeDocument = std::function<Result<void>(const std::string &id, const json::Object &document)>;

std::string_view id_of(const json::Value &row) {
    const auto *id = row.is_object() ? row.object().find("id") : nullptr;
    return id != nullptr && id->is_string() ? std::string_view(id->string()) : std::string_view();
}

// A page of a listing from `from` on, that id included.
Result<json::Array> read_page(MigrationServer &server, const std::string &database,
                              const std::string &listing, const std::string &from) {
    auto target =
        fmt::format("{}/{}?include_docs=true&limit={}", database_path(database), listing, kPageRows);
    if (listing == "_all_docs")
        target += "&attachments=true";
    if (!from.empty())
        target += "&startkey=" + percent_encode(json::to_text(json::Value(from)));
    DIVAN_TRY(auto page, server.get(target));
    auto *rows = page.is_object() ? page.object().find("rows") : nullptr;
    if (rows == nullptr || !rows->is_array())
        return Error(ErrorCode::bad_request,
                     fmt::format("{} does not list the documents of {}.", server.shown(), database));
    return std::move(rows->array());
}

// A server that does not know `startkey` here: it would list the same for ever.
Error does_not_go_on(const MigrationServer &server, const std::string &database, const std::string &last) {
    return {ErrorCode::bad_request,
            fmt::format("{} does not go on behind `{}` when it lists documents of {}.", server.shown(), last,
                        database)};
}

// All documents of a listing, page by page: "_all_docs", "_local_docs". A page begins with the last row of
// the one before, if that is still there: so nothing is passed over when it is not.
Result<void> each_document(MigrationServer &server, const std::string &database, const std::string &listing,
                           const TakeDocument &take) {
    std::string last;
    for (;;) {
        DIVAN_TRY(auto rows, read_page(server, database, listing, last));
        auto before = last;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            auto id = id_of(rows[i]);
            if (id == before && i > 0 && !before.empty())
                return does_not_go_on(server, database, before);
            if (id.empty() || id == before)
                continue;
            last = id;
            const auto *document = rows[i].object().find("doc");
            if (document != nullptr && document->is_object())
                DIVAN_TRY_VOID(take(last, document->object()));
        }
        if (rows.size() < kPageRows)
            return {};
        if (last == before)
            return does_not_go_on(server, database, before);
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
