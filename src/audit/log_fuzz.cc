// Anchors, rows of the log and pending rows: whatever stands there must be read or refused, and what was read
// is written again as it was.

#include "audit/anchor.h"
#include "audit/format.h"
#include "audit/pending.h"
#include "audit/query.h"
#include "audit/record.h"
#include "base/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    for (const auto &line : audit::parse_anchors(text))
        if (line.anchor.ok()) {
            auto again = audit::parse_anchor(audit::anchor_text(*line.anchor));
            DIVAN_CHECK(again.ok() && again->head == line.anchor->head && again->seal == line.anchor->seal);
        }
    if (auto block = audit::decode_block(text); block.ok())
        DIVAN_CHECK(audit::decode_block(audit::encode_block(*block))->size() == block->size());
    if (auto head = audit::decode_head(text); head.ok())
        DIVAN_CHECK(audit::decode_head(audit::encode_head(*head))->head == head->head);
    ignore_error(audit::decode_cursor(text), "only read");
    ignore_error(audit::parse_pending_key(text), "only read");
    // The origin is JSON of this server's own; the rest of a body is made readable here.
    ignore_error(audit::expand_pending(text, "node", [](const std::string &) {}), "only read");
    if (auto record = audit::parse_record(text); record.ok())
        DIVAN_CHECK(audit::number_of(text).has_value());
    ignore_error(audit::read_time(text), "only read");
    audit::Record record;
    record.principal = text;
    record.details.append("a", std::string("b"));
    DIVAN_CHECK(audit::parse_record(audit::numbered(1, audit::body_of(record, "node"))).ok());
    return 0;
}
