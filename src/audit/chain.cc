#include "audit/chain.h"

#include "base/bytes.h"

namespace divan::audit {
namespace {

// Labels have different lengths up to their NUL, and what has no fixed size comes last or with its size: no
// two inputs are the same bytes.
constexpr std::string_view kGenesis{"divan audit genesis\0", 20};
constexpr std::string_view kRecord{"divan audit record\0", 19};
constexpr std::string_view kLink{"divan audit link\0", 17};
constexpr std::string_view kHead{"divan audit head\0", 17};
constexpr std::string_view kAnchor{"divan audit anchor\0", 19};

std::string number_bytes(std::uint64_t number) {
    std::string bytes;
    append_u64(bytes, number);
    return bytes;
}

std::string sized(std::string_view text) {
    std::string bytes;
    append_sized(bytes, text);
    return bytes;
}

} // namespace

std::string Chain::genesis() {
    return hmac_.of({kGenesis, uuid_});
}

std::string Chain::tag(std::uint64_t number, std::string_view text) {
    return hmac_.of({kRecord, sized(uuid_), number_bytes(number), text});
}

std::string Chain::link(std::string_view mac_before, std::uint64_t number, std::string_view tag) {
    return hmac_.of({kLink, sized(mac_before), number_bytes(number), tag});
}

std::string Chain::seal_head(const Head &head) {
    return hmac_.of({kHead, sized(head.uuid), number_bytes(head.count), head.mac});
}

std::string Chain::seal_anchor(const Head &head, std::string_view time) {
    return hmac_.of({kAnchor, sized(head.uuid), number_bytes(head.count), sized(head.mac), time});
}

} // namespace divan::audit
