#include "server/storage_options.h"

namespace divan::server {

db::StoreOptions store_options(const config::Config &config, const std::string &data_directory) {
    auto size = [&](std::string_view key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    db::StoreOptions options;
    options.open_databases_max = static_cast<std::size_t>(config.integer("couchdb", "max_dbs_open"));
    options.partition_bytes_max = static_cast<std::uint64_t>(config.integer("couchdb", "max_partition_size"));
    options.commit_group_edits_max = size("commit_group_edits_max");
    options.commit_queue_edits_max = size("commit_queue_edits_max");
    options.inline_body_bytes_max = size("inline_body_bytes_max");
    options.compaction_replaced_share = static_cast<double>(size("compaction_replaced_share_percent")) / 100;
    options.compaction_replaced_bytes_min = size("compaction_replaced_bytes_min");
    options.compaction_keep_revisions_newest = size("compaction_keep_revisions_newest");
    options.shown_verdicts_bytes_max = size("shown_verdicts_bytes_max");
    options.shown_counts_max = size("shown_counts_max");
    options.housekeeping_interval = Millis(config.integer("divan", "housekeeping_interval_ms"));
    options.data_directory = data_directory;
    if (config.text("couchdb", "default_security") == "everyone")
        options.default_security = "{}";
    if (config.boolean("disk_monitor", "enable"))
        options.disk_used_share_max =
            static_cast<double>(config.integer("disk_monitor", "interactive_database_writes_threshold")) /
            100;
    return options;
}

kv::RocksdbOptions rocksdb_options(const config::Config &config, const std::string &data_directory,
                                   const Clock &clock) {
    kv::RocksdbOptions options;
    options.directory = data_directory + "/engine";
    options.memory_bytes_max = static_cast<std::size_t>(config.integer("divan", "memory_bytes_max"));
    options.clock = &clock;
    return options;
}

} // namespace divan::server
