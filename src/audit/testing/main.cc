// Changes the audit log in a data directory as somebody would who has the disk and not the key:
//   audit_tamper ENGINE_DIRECTORY change|remove|swap|truncate NUMBER

#include "audit/blocks.h"
#include "base/bytes.h"
#include "kv/reserved_shards.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using divan::audit::Block;
using divan::audit::StoredRecord;

// What becomes of the records; false: no such change.
bool change(std::vector<StoredRecord> &records, std::string_view how, std::size_t number) {
    if (number == 0 || number > records.size())
        return false;
    auto place = records.begin() + static_cast<std::ptrdiff_t>(number - 1);
    if (how == "change")
        place->text.replace(place->text.find("granted"), 7, "refused");
    else if (how == "remove")
        records.erase(place);
    else if (how == "truncate")
        records.erase(place, records.end());
    else if (how == "swap" && number < records.size())
        std::swap(place->text, (place + 1)->text), std::swap(place->tag, (place + 1)->tag),
            std::swap(place->mac, (place + 1)->mac);
    else
        return false;
    return true;
}

bool run(const std::string &directory, std::string_view how, std::size_t number) {
    divan::SystemClock clock;
    divan::kv::RocksdbOptions options;
    options.directory = directory;
    options.clock = &clock;
    auto engine = divan::kv::open_rocksdb_engine(options);
    if (!engine.ok())
        return false;
    std::vector<StoredRecord> records;
    divan::audit::BlockScan scan(**engine, 1, false);
    for (auto block = scan.next(); block.ok() && *block; block = scan.next())
        for (auto &record : *(*block)->records)
            records.push_back(std::move(record));
    if (!change(records, how, number))
        return false;
    divan::kv::WriteBatch batch;
    std::string prefix(divan::audit::kBlockPrefix);
    batch.erase_range(divan::kv::Table::documents, prefix, divan::prefix_end(prefix));
    for (auto &record : records)
        batch.put(divan::kv::Table::documents, divan::audit::block_key(record.number),
                  divan::audit::encode_block(Block{record}));
    return (*engine)->stage(divan::kv::kAuditShard, std::move(batch)).ok() && (*engine)->sync().ok();
}

} // namespace

int main(int argc, char **argv) {
    bool done = argc == 4 && run(argv[1], argv[2], std::strtoul(argv[3], nullptr, 10));
    if (!done)
        std::fprintf(stderr, "usage: audit_tamper ENGINE_DIRECTORY change|remove|swap|truncate NUMBER\n");
    return done ? 0 : 1;
}
