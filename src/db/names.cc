#include "base/encoding.h"
#include "db/keys.h"
#include "db/store.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::db {
namespace {

constexpr std::size_t kNameBytesMax = 238; // CouchDB's limit of a file name without its suffix
constexpr std::size_t kIdBytesMax = keys::kNameBytesMax;

bool is_system_name(std::string_view name) {
    constexpr std::string_view kSystem[] = {"_users",          "_replicator", "_policies",
                                            "_global_changes", "_dbs",        "_nodes"};
    return std::find(std::begin(kSystem), std::end(kSystem), name) != std::end(kSystem);
}

bool is_plain_name(std::string_view name) {
    if (name.empty() || name[0] < 'a' || name[0] > 'z')
        return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("_$()+/-").find(c) != std::string_view::npos;
    });
}

constexpr std::string_view kSystemSuffixes[] = {"/_users", "/_replicator"};

} // namespace

Result<void> check_database_name(std::string_view name) {
    bool legal = is_plain_name(name) || is_system_name(name);
    for (auto suffix : kSystemSuffixes)
        if (!legal && name.ends_with(suffix))
            legal = is_plain_name(name.substr(0, name.size() - suffix.size()));
    if (!legal)
        return Error(
            ErrorCode::illegal_database_name,
            fmt::format(
                "Name: '{}'. Only lowercase characters (a-z), digits (0-9), and any of the characters "
                "_, $, (, ), +, -, and / are allowed. Must begin with a letter.",
                name));
    if (name.size() > kNameBytesMax)
        return Error(ErrorCode::database_name_too_long,
                     fmt::format("At least one path segment of `{}` is too long.", name));
    return {};
}

Result<void> check_partitioned_database_name(std::string_view name) {
    bool system = is_system_name(name);
    for (auto suffix : kSystemSuffixes)
        system |= name.ends_with(suffix);
    if (system)
        return Error(ErrorCode::bad_request, "Cannot partition a system database");
    return {};
}

Result<void> check_document_id(std::string_view id) {
    if (id.empty())
        return Error(ErrorCode::illegal_docid, "Document id must not be empty");
    if (!is_utf8(id))
        return Error(ErrorCode::illegal_docid, "Document id must be valid UTF-8");
    if (id.size() > kIdBytesMax)
        return Error(ErrorCode::illegal_docid,
                     fmt::format("Document id must not be longer than {} bytes", kIdBytesMax));
    if (id[0] == '_') {
        for (std::string_view prefix : {"_design/", "_local/"}) {
            if (id == prefix)
                return Error(ErrorCode::illegal_docid, fmt::format("Illegal document id `{}`", id));
            if (id.starts_with(prefix))
                return {};
        }
        return Error(ErrorCode::illegal_docid, "Only reserved document ids may start with underscore.");
    }
    return {};
}

} // namespace divan::db
