// Stored rows may be damaged: every decoder answers, and what decodes encodes to what decodes the same.
// The first byte of the input chooses the decoder.

#include "db/format.h"

#include <cstdlib>

namespace {

using namespace divan::db;

// encode(decode(x)) is a fixed point.
template <typename Decode, typename Encode>
void check(std::string_view bytes, const Decode &decode, const Encode &encode) {
    auto value = decode(bytes);
    if (!value.ok())
        return;
    auto encoded = encode(*value);
    auto again = decode(encoded);
    if (!again.ok() || encode(*again) != encoded)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char *>(data), size);
    if (bytes.empty())
        return 0;
    bytes.remove_prefix(1);
    switch (data[0] % 8) {
    case 0:
        check(bytes, format::decode_head, format::encode_head);
        (void)format::head_is_deleted(bytes);
        // It decodes the inline body too.
        if (format::to_head("id", bytes).ok() && !format::decode_head(bytes).ok())
            std::abort();
        break;
    case 1:
        check(bytes, format::decode_body, format::encode_body);
        break;
    case 2:
        if (auto chunk = format::decode_first_chunk(bytes);
            chunk.ok() && chunk->owner.size() + chunk->part.size() > bytes.size())
            std::abort();
        break;
    case 3:
        check(
            bytes,
            [](std::string_view value) { return format::decode_change(divan::kv::Sequence(1), value); },
            format::encode_change);
        break;
    case 4:
        check(bytes, format::decode_meta, format::encode_meta);
        break;
    case 5:
        check(bytes, format::decode_local, format::encode_local);
        break;
    case 6:
        check(bytes, format::decode_purge, [](const format::StoredPurge &purge) {
            return format::encode_purge(purge.uuid, purge.id, purge.revs);
        });
        break;
    case 7:
        check(bytes, format::decode_catalog_entry, format::encode_catalog_entry);
        break;
    }
    return 0;
}
