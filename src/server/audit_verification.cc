#include "server/audit_verification.h"

#include "audit/key_file.h"
#include "config/config.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace divan::server {
namespace {

constexpr std::size_t kMemoryBytesMax = 64 << 20;

Result<std::string> read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file)
        return Error(ErrorCode::bad_request, fmt::format("{} cannot be read.", path));
    return text.str();
}

} // namespace

Result<audit::Verification>
verify_audit_log(const AuditFiles &files,
                 const std::function<void(std::uint64_t number, std::uint64_t count)> &progress) {
    DIVAN_TRY(auto key, audit::read_key_file(files.key_file));
    std::vector<audit::AnchorLine> anchors;
    if (!files.anchors_file.empty()) {
        DIVAN_TRY(auto text, read_file(files.anchors_file));
        anchors = audit::parse_anchors(text);
    }
    SystemClock clock;
    kv::RocksdbOptions options;
    options.directory = files.data_directory + "/engine";
    options.memory_bytes_max = kMemoryBytesMax;
    options.clock = &clock;
    options.read_only = true;
    std::error_code error;
    if (!std::filesystem::is_directory(options.directory, error))
        return Error(ErrorCode::bad_request,
                     fmt::format("{} is no data directory of Divan.", files.data_directory));
    DIVAN_TRY(auto engine, kv::open_rocksdb_engine(options));
    // Of the log if its head is lost: the one that it began with, unless that was changed, too.
    DIVAN_TRY(auto config, config::Config::load({}, files.data_directory + "/local.ini"));
    std::uint64_t count = 0;
    if (auto head = audit::read_head(*engine); head.ok() && *head)
        count = (*head)->head.count;
    return audit::verify_log(*engine, key, config->text("couchdb", "uuid"), std::move(anchors),
                             [&](std::uint64_t number) { progress(number, count); });
}

} // namespace divan::server
