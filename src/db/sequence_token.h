#pragma once

// Update sequences as clients see them: "N-g..." tokens, opaque behind the number.
//
// A token names the history it belongs to: the run (one life of one database in one server process) that gave
// the number, and the runs before it. When a data directory is restored from an older copy, numbers are given
// a second time by another run; a `since` from the cut-off history is then recognised and goes back to the
// last point both histories share, so that no change is skipped.

#include "base/result.h"
#include "kv/engine.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::db {

// A run and the first sequence that it gave in this database.
struct Run {
    std::uint64_t id = 0; // random
    std::uint64_t first_sequence = 0;
    friend bool operator==(const Run &, const Run &) = default;
};

// Oldest first; first sequences ascend.
using RunHistory = std::vector<Run>;

[[nodiscard]] std::string encode_sequence(kv::Sequence sequence, const RunHistory &history);

// The sequence from which a reader must go on. Accepts a token of this or any earlier history, `0`,
// and a bare number. Errors: bad_request "Malformed sequence supplied in 'since' parameter.".
[[nodiscard]] Result<kv::Sequence> decode_since(std::string_view text, kv::Sequence last,
                                                const RunHistory &history);

} // namespace divan::db
