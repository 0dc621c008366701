// Values of index rows from damaged bytes: an error or a value, never more.

#include "views/format.h"

#include "kv/memory/memory_engine.h"

#include <cstddef>
#include <cstdint>

using namespace divan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const auto engine = kv::make_memory_engine();
    std::string_view value(reinterpret_cast<const char *>(data), size);
    if (auto record = views::decode_record(value); record.ok() && views::encode_record(*record).empty())
        __builtin_trap();
    if (auto entry = views::decode_level(value); entry.ok()) {
        if (views::decode_level_count(value).value() != entry->count)
            __builtin_trap();
        for (std::size_t i = 0; i < entry->summaries.size(); ++i)
            if (views::decode_level_summary(value, i).value() != entry->summaries[i])
                __builtin_trap();
    }
    ignore_error(views::read_row(*engine, kv::ShardId(1), nullptr, 1, 0, "key", value), "only that it ends");
    ignore_error(views::read_document(*engine, kv::ShardId(1), 1, value), "only that it ends");
    return 0;
}
