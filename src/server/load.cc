#include "server/load.h"

#include "json/parser.h"
#include "json/writer.h"

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

Error in_file(const fs::path &file, const std::string &what) {
    return Error(ErrorCode::bad_request, fmt::format("{}: {}", file.string(), what));
}

Result<json::Value> parse_file(const fs::path &file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream)
        return in_file(file, "cannot be read");
    auto value = json::parse(text.str());
    if (!value.ok())
        return in_file(file, value.error().reason());
    return value;
}

Result<db::Edit> to_edit(const fs::path &file, const json::Value &value, const std::string &default_id) {
    if (!value.is_object())
        return in_file(file, "a document must be a JSON object");
    db::Edit edit;
    edit.id = default_id;
    json::Object body;
    for (const auto &member : value.object()) {
        if (member.key == "_id" && member.value.is_string())
            edit.id = member.value.string();
        else if (!member.key.starts_with("_"))
            body.append(member.key, member.value);
    }
    if (auto legal = db::check_document_id(edit.id); !legal.ok())
        return in_file(file, legal.error().reason());
    edit.json = json::to_text(body);
    return edit;
}

// Writes a batch and waits for it.
Result<void> write_batch(db::Database &database, const fs::path &file, std::vector<db::Edit> edits) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<std::vector<Result<db::Written>>> answers;
    std::vector<std::string> ids;
    for (const auto &edit : edits)
        ids.push_back(edit.id);
    database.write(std::move(edits), [&](auto given) {
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

Result<void> write_documents(db::Store &store, const std::string &name, const fs::path &file,
                             const std::vector<json::Value> &documents, const std::string &default_id) {
    auto database = store.open(name);
    if (!database.ok())
        database = store.create(name, {});
    if (!database.ok())
        return in_file(file, database.error().reason());
    std::vector<db::Edit> edits;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        auto id = documents.size() == 1 ? default_id : fmt::format("{}-{:06}", default_id, i + 1);
        DIVAN_TRY(auto edit, to_edit(file, documents[i], id));
        edits.push_back(std::move(edit));
        if (edits.size() == kBatchEdits) {
            DIVAN_TRY_VOID(write_batch(**database, file, std::exchange(edits, {})));
        }
    }
    return edits.empty() ? Result<void>() : write_batch(**database, file, std::move(edits));
}

// A list, {"docs": [...]}, or one document.
std::vector<json::Value> documents_of(const json::Value &value) {
    if (value.is_array())
        return value.array();
    if (value.is_object())
        if (const auto *docs = value.object().find("docs"); docs != nullptr && docs->is_array())
            return docs->array();
    return {value};
}

// A file of its own: {"database": [documents...], ...}; a list of documents: the file's name is the database.
Result<void> load_file(db::Store &store, const fs::path &file) {
    DIVAN_TRY(auto value, parse_file(file));
    auto name = file.stem().string();
    bool databases = value.is_object() && !value.object().contains("docs") && !value.object().empty() &&
                     std::all_of(value.object().begin(), value.object().end(),
                                 [](const json::Member &member) { return member.value.is_array(); });
    if (!databases)
        return write_documents(store, name, file, documents_of(value), name);
    for (const auto &member : value.object()) {
        DIVAN_TRY_VOID(write_documents(store, member.key, file, member.value.array(), member.key));
    }
    return {};
}

std::vector<fs::path> entries_of(const fs::path &directory) {
    std::vector<fs::path> entries;
    for (const auto &entry : fs::directory_iterator(directory))
        entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

// A folder's files are the documents of the database that it names; _design/x.json is _design/x.
Result<void> load_folder(db::Store &store, const std::string &name, const fs::path &folder,
                         const std::string &prefix) {
    for (const auto &entry : entries_of(folder)) {
        if (fs::is_directory(entry)) {
            DIVAN_TRY_VOID(load_folder(store, name, entry, prefix + entry.filename().string() + "/"));
        } else if (entry.extension() == ".json") {
            DIVAN_TRY(auto value, parse_file(entry));
            DIVAN_TRY_VOID(
                write_documents(store, name, entry, documents_of(value), prefix + entry.stem().string()));
        }
    }
    return {};
}

} // namespace

Result<void> load_documents(db::Store &store, const std::string &path) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
        for (const auto &entry : entries_of(path)) {
            if (fs::is_directory(entry)) {
                DIVAN_TRY_VOID(load_folder(store, entry.filename().string(), entry, ""));
            } else if (entry.extension() == ".json") {
                DIVAN_TRY_VOID(load_file(store, entry));
            }
        }
        return {};
    }
    if (!fs::exists(path, error))
        return Error(ErrorCode::bad_request, fmt::format("--load: {} does not exist.", path));
    return load_file(store, path);
}

} // namespace divan::server
