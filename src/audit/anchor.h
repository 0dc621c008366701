#pragma once

// Where the log had come to at some time, kept in another place: what was cut off later is missed there.

#include "audit/chain.h"
#include "audit/options.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::audit {

struct Anchor {
    Head head;
    std::string time; // time_text()
    std::string node;
    std::string seal; // Chain::seal_anchor()
};

// One line of JSON: {"time", "count", "mac", "node", "uuid", "seal"}; without the line's end.
[[nodiscard]] std::string anchor_text(const Anchor &anchor);
// Reads a line; further members are passed over. Errors: corruption.
[[nodiscard]] Result<Anchor> parse_anchor(std::string_view line);

// A line of a file of anchors.
struct AnchorLine {
    std::uint64_t line = 0; // from 1
    Result<Anchor> anchor;  // an error: it cannot be read
};
// Every line that is not empty. Lines that the system log has put its own words before are read, too.
[[nodiscard]] std::vector<AnchorLine> parse_anchors(std::string_view text);

// Each blocks until the anchor is kept. Errors: storage_failed, service_unavailable, with what failed.
Result<void> append_to_file(const std::string &path, const Anchor &anchor);
void send_to_syslog(const Anchor &anchor);
Result<void> put_at_peer(const AnchorOptions &options, const Anchor &anchor);

} // namespace divan::audit
