#include "api/database_info.h"

#include "json/writer.h"

#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::uint64_t kDiskFormatVersion = 8; // CouchDB's; clients print it

} // namespace

std::string info_text(const db::DatabaseInfo &info) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("instance_start_time", std::string_view(info.instance_start_time));
    writer.member("db_name", std::string_view(info.name));
    writer.member("purge_seq", std::string_view(fmt::format("{}-g1AAAAAAAAAA", info.purge_seq)));
    writer.member("update_seq", std::string_view(info.update_seq));
    writer.raw("sizes", fmt::format(R"({{"file":{},"external":{},"active":{}}})", info.file_bytes,
                                    info.external_bytes, info.active_bytes));
    writer.raw("props", info.partitioned ? R"({"partitioned":true})" : "{}");
    writer.member("doc_del_count", info.deleted_count).member("doc_count", info.document_count);
    writer.member("disk_format_version", kDiskFormatVersion).member("compact_running", info.compact_running);
    writer.raw("cluster", fmt::format(R"({{"q":{},"n":{},"w":1,"r":1}})", info.q, info.n));
    writer.close();
    return text;
}

} // namespace divan::api
