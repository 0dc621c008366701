// Checkpoints of strangers: two lines of JSON, one of each side. What they have in common is kept in a new
// checkpoint, which has itself in common with itself.

#include "replication/checkpoint.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto line = std::min(text.find('\n'), text.size());
    auto source = json::parse(text.substr(0, line));
    auto target = json::parse(text.substr(std::min(line + 1, text.size())));
    auto object = [](const Result<json::Value> &value) {
        return value.ok() && value->is_object() ? &value->object() : nullptr;
    };
    auto common = replication::common_point(object(source), object(target));
    auto statistics = replication::counted(common.history);
    replication::CheckpointEntry entry{
        .session_id = "s", .start_seq = "0", .recorded_seq = "\"9-x\"", .statistics = statistics};
    auto made = replication::make_checkpoint(entry, common.history, true);
    auto again = replication::common_point(&made, &made);
    if (again.sequence != "\"9-x\"" || again.history.size() > replication::kHistoryEntriesMax)
        std::abort();
    return 0;
}
