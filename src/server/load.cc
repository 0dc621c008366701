#include "server/load.h"

#include "api/call.h"
#include "wire/document_input.h"
#include "json/parser.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <sstream>

namespace divan::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatchEdits = 1'000;
constexpr std::size_t kFolderDepthMax = 32; // links may form a circle

Error in_file(const fs::path &file, const std::string &what) {
    return Error(ErrorCode::bad_request, fmt::format("{}: {}", file.string(), what));
}

// What the steps below share.
struct Loading {
    db::Store &store;
    ServerDatabases &databases;
    const config::Config &config;
};

Result<json::Value> parse_file(const Loading &loading, const fs::path &file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream)
        return in_file(file, "cannot be read");
    auto value = json::parse(text.str(), api::json_options(loading.config));
    if (!value.ok())
        return in_file(file, value.error().reason());
    return value;
}

// Prepares a document; `place` says where in the file it stands.
Result<wire::PreparedDocument> prepare(const Loading &loading, db::Database &database, const fs::path &file,
                                       const json::Value &value, const std::string &default_id,
                                       const std::string &place) {
    auto failed = [&](const std::string &id, const Error &error) {
        return in_file(
            file, fmt::format("document {}{}: {}", place, id.empty() ? "" : " `" + id + "`", error.reason()));
    };
    auto input = wire::read_document(value);
    if (!input.ok()) {
        const auto *id = value.is_object() ? value.object().find("_id") : nullptr;
        return failed(id != nullptr && id->is_string() ? id->string() : std::string(), input.error());
    }
    auto id = input->id.value_or(default_id);
    input->id = id;
    input->rev.reset();
    input->path.reset();
    auto prepared = wire::prepare_document(loading.config, database, std::move(*input), false);
    if (!prepared.ok())
        return failed(id, prepared.error());
    return prepared;
}

// Writes a batch and waits for it.
Result<void> write_batch(db::Database &database, const fs::path &file,
                         std::vector<wire::PreparedDocument> documents) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<std::vector<Result<db::Written>>> answers;
    std::vector<std::string> ids;
    std::vector<db::Edit> edits;
    for (auto &document : documents) {
        ids.push_back(document.edit.id);
        edits.push_back(std::move(document.edit));
    }
    database.write(std::move(edits), db::WriteContext::system(), [&](auto given) {
        std::lock_guard lock(mutex);
        answers = std::move(given);
        answered.notify_all();
    });
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answers.has_value(); });
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (!(*answers)[i].ok())
            return in_file(file, fmt::format("document `{}`: {}", ids[i], (*answers)[i].error().reason()));
    return {};
}

Result<void> write_local(db::Database &database, const fs::path &file, db::Edit &edit) {
    auto written = database.write_local(edit.id, std::move(edit.json), std::nullopt, false);
    if (!written.ok())
        return in_file(file, fmt::format("document `{}`: {}", edit.id, written.error().reason()));
    return {};
}

Result<void> write_documents(const Loading &loading, const std::string &name, const fs::path &file,
                             const std::vector<json::Value> &documents, const std::string &default_id) {
    auto database = loading.store.open(name);
    if (!database.ok())
        database = loading.databases.create(name, {}, "--load");
    if (!database.ok())
        return in_file(file, database.error().reason());
    std::vector<wire::PreparedDocument> batch;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        auto id = documents.size() == 1 ? default_id : fmt::format("{}-{:06}", default_id, i + 1);
        DIVAN_TRY(auto document, prepare(loading, **database, file, documents[i], id, std::to_string(i + 1)));
        if (document.edit.id.starts_with("_local/")) {
            DIVAN_TRY_VOID(write_local(**database, file, document.edit));
            continue;
        }
        batch.push_back(std::move(document));
        if (batch.size() == kBatchEdits) {
            DIVAN_TRY_VOID(write_batch(**database, file, std::exchange(batch, {})));
        }
    }
    return batch.empty() ? Result<void>() : write_batch(**database, file, std::move(batch));
}

// A list, {"docs": [...]}, or one document.
std::vector<json::Value> documents_of(json::Value value) {
    if (value.is_array())
        return std::move(value.array());
    if (value.is_object())
        if (auto *docs = value.object().find("docs"); docs != nullptr && docs->is_array())
            return std::move(docs->array());
    return {std::move(value)};
}

// A file of its own: {"database": [documents...], ...}, else the file's name is the database.
Result<void> load_file(const Loading &loading, const fs::path &file) {
    DIVAN_TRY(auto value, parse_file(loading, file));
    auto name = file.stem().string();
    bool databases = value.is_object() && !value.object().contains("docs") && !value.object().empty() &&
                     std::all_of(value.object().begin(), value.object().end(),
                                 [](const json::Member &member) { return member.value.is_array(); });
    if (!databases)
        return write_documents(loading, name, file, documents_of(std::move(value)), name);
    for (const auto &member : value.object()) {
        DIVAN_TRY_VOID(write_documents(loading, member.key, file, member.value.array(), member.key));
    }
    return {};
}

// Names in byte order, without hidden ones.
Result<std::vector<fs::path>> entries_of(const fs::path &directory) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
        if (!entry->path().filename().string().starts_with("."))
            entries.push_back(entry->path());
    if (error)
        return in_file(directory, "cannot be read: " + error.message());
    std::sort(entries.begin(), entries.end());
    return entries;
}

// A folder's files are the documents of the database that it names; _design/x.json is _design/x.
Result<void> load_folder(const Loading &loading, const std::string &name, const fs::path &folder,
                         const std::string &prefix, std::size_t depth) {
    if (depth > kFolderDepthMax)
        return in_file(folder, fmt::format("folders are nested deeper than {} levels", kFolderDepthMax));
    DIVAN_TRY(auto entries, entries_of(folder));
    for (const auto &entry : entries) {
        std::error_code error;
        if (fs::is_directory(entry, error)) {
            DIVAN_TRY_VOID(
                load_folder(loading, name, entry, prefix + entry.filename().string() + "/", depth + 1));
        } else if (entry.extension() == ".json") {
            DIVAN_TRY(auto value, parse_file(loading, entry));
            DIVAN_TRY_VOID(write_documents(loading, name, entry, documents_of(std::move(value)),
                                           prefix + entry.stem().string()));
        }
    }
    return {};
}

} // namespace

Result<void> load_documents(db::Store &store, ServerDatabases &databases, const config::Config &config,
                            const std::string &path) {
    Loading loading{store, databases, config};
    std::error_code error;
    if (!fs::exists(path, error))
        return Error(ErrorCode::bad_request, fmt::format("--load: {} does not exist.", path));
    if (!fs::is_directory(path, error))
        return load_file(loading, path);
    DIVAN_TRY(auto entries, entries_of(path));
    for (const auto &entry : entries) {
        if (fs::is_directory(entry, error)) {
            DIVAN_TRY_VOID(load_folder(loading, entry.filename().string(), entry, "", 1));
        } else if (entry.extension() == ".json") {
            DIVAN_TRY_VOID(load_file(loading, entry));
        }
    }
    return {};
}

} // namespace divan::server
