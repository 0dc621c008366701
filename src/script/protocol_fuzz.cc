// Whatever a worker answers is refused, or is in order, within what was asked, and canonical JSON.

#include "script/protocol.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>
#include <tuple>

namespace {

using namespace divan::script;

constexpr std::uint32_t kDocuments = 4;

void require(bool condition) {
    if (!condition)
        std::abort();
}

void require_canonical(const std::string &text) {
    auto value = divan::json::parse(text, {.depth_max = protocol::kDepthMax, .raw_depth = 0});
    require(value.ok() && value->raw_text() == text);
}

Program program() {
    Program program;
    program.functions = {{"a", ""}, {"b", ""}, {"c", ""}};
    return program;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    static const Program kProgram = program();
    static const std::vector<std::uint32_t> kFunctions = {0, 2};
    std::string_view frame(reinterpret_cast<const char *>(data), size);
    if (auto part = protocol::decode_map(frame, {kProgram, kFunctions, kDocuments}); part.ok()) {
        require(part->calls > 0 && part->calls <= kDocuments * kFunctions.size());
        std::pair<std::uint32_t, std::uint32_t> last;
        for (const auto &row : part->answer.rows) {
            auto at = std::pair(row.document, row.function);
            require(at >= last && row.document < kDocuments && (row.function == 0 || row.function == 2));
            last = at;
            require_canonical(row.key);
            require_canonical(row.value);
        }
        for (const auto &failure : part->answer.failures)
            require(failure.document < kDocuments && failure.function < kProgram.functions.size());
    }
    constexpr std::size_t kValues = 3;
    constexpr std::size_t kParts = 2;
    if (auto outcomes =
            protocol::decode_outcomes(frame, kProgram, kValues, [](std::size_t) { return kParts; });
        outcomes.ok()) {
        require(outcomes->values.size() <= kValues && outcomes->partial.size() <= kParts);
        for (const auto &text : outcomes->partial)
            require_canonical(text);
    }
    if (auto chunks = protocol::decode_chunks(frame); chunks.ok() && chunks->start)
        require_canonical(*chunks->start);
    divan::ignore_error(protocol::decode_request(frame), "what the worker reads must not crash either");
    divan::ignore_error(protocol::decode_rows(frame), "nor this");
    return 0;
}
