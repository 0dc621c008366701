#pragma once

// Whether a log is what was written: names each record that was changed, is missing or stands elsewhere, and
// compares with anchors. Pure: over blocks that somebody reads.

#include "audit/anchor.h"
#include "audit/blocks.h"

#include <functional>
#include <string>
#include <vector>

namespace divan::audit {

struct Finding {
    enum class What : std::uint8_t {
        changed,        // records whose text, tag or MAC is not what was written
        removed,        // records that are not there
        reordered,      // records that stand elsewhere
        added,          // records that nobody with the key wrote there, or twice
        broken_link,    // a record that is genuine, but does not follow the one before it
        unreadable,     // a block whose bytes are no records
        head,           // the head is missing, or does not fit
        head_lost,      // a record says that a start has found no head that fits
        truncated,      // an anchor knows of more records than there are
        contradiction,  // an anchor knows of another chain
        changed_anchor, // an anchor that was not written so
    };
    What what = What::changed;
    std::uint64_t first = 0; // records; of anchors: how many records they know of
    std::uint64_t last = 0;
    std::string detail; // a sentence

    friend bool operator==(const Finding &, const Finding &) = default;
};
[[nodiscard]] std::string_view finding_name(Finding::What what);

struct Verification {
    std::uint64_t records = 0; // that are there
    std::uint64_t count = 0;   // that the head knows of; 0 without one
    std::uint64_t anchors = 0; // that were compared
    std::string first_time, last_time;
    std::vector<Finding> findings; // by record; at most kFindingsMax
    std::uint64_t finding_count = 0;

    [[nodiscard]] bool clean() const { return finding_count == 0; }
};
inline constexpr std::size_t kFindingsMax = 1'000;

struct VerifyInput {
    // nullopt: no more. Errors end the verification.
    std::function<Result<std::optional<FoundBlock>>()> next_block;
    Result<std::optional<StoredHead>> head; // corruption: it cannot be read
    std::string uuid;                       // of the log, as far as is known without its head
    std::vector<AnchorLine> anchors;
    // Called now and then with the number that was reached; may be empty.
    std::function<void(std::uint64_t number)> progress;
};
[[nodiscard]] Result<Verification> verify(const crypto::Secret &key, VerifyInput input);

// The same of the log in an engine.
[[nodiscard]] Result<Verification> verify_log(kv::Engine &engine, const crypto::Secret &key, std::string uuid,
                                              std::vector<AnchorLine> anchors,
                                              std::function<void(std::uint64_t)> progress = {});

} // namespace divan::audit
