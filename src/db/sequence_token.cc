#include "db/sequence_token.h"

#include "base/bytes.h"
#include "base/encoding.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace divan::db {
namespace {

constexpr std::string_view kTokenMark = "-g1";
constexpr std::uint8_t kTokenVersion = 1;
// Runs named in a token: enough to find a common point after several cut-off runs.
constexpr std::size_t kTokenRunsMax = 4;

Error malformed() {
    return Error(ErrorCode::bad_request, "Malformed sequence supplied in 'since' parameter.");
}

struct Token {
    std::uint64_t number = 0;
    // Newest first. nullopt: a bare number.
    std::optional<std::vector<Run>> runs;
};

// The runs behind the mark; empty for a token of another server, which names no run of ours.
std::vector<Run> decode_runs(std::string_view text) {
    auto bytes = base64_decode(text);
    std::vector<Run> runs;
    if (!bytes)
        return runs;
    ByteReader reader(*bytes);
    if (reader.u8() != kTokenVersion)
        return runs;
    auto count = reader.u8();
    for (std::uint8_t i = 0; i < count && i < kTokenRunsMax; ++i) {
        Run run;
        run.id = reader.u64();
        run.first_sequence = reader.varint();
        runs.push_back(run);
    }
    if (!reader.ok())
        runs.clear();
    return runs;
}

std::optional<Token> parse(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        text = text.substr(1, text.size() - 2);
        if (text.find('-') == std::string_view::npos)
            return std::nullopt;
    }
    Token token;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token.number);
    if (error != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty())
        return token;
    constexpr std::size_t kTokenBytesMax = 4'096;
    if (!text.starts_with("-g") || text.size() < 8 || text.size() > kTokenBytesMax)
        return std::nullopt;
    token.runs =
        text.starts_with(kTokenMark) ? decode_runs(text.substr(kTokenMark.size())) : std::vector<Run>();
    return token;
}

} // namespace

std::string encode_sequence(kv::Sequence sequence, const RunHistory &history) {
    std::vector<Run> runs;
    for (auto run = history.rbegin(); run != history.rend() && runs.size() < kTokenRunsMax; ++run)
        if (run->first_sequence <= sequence.value)
            runs.push_back(*run);
    std::string bytes;
    append_u8(bytes, kTokenVersion);
    append_u8(bytes, static_cast<std::uint8_t>(runs.size()));
    for (const auto &run : runs) {
        append_u64(bytes, run.id);
        append_varint(bytes, run.first_sequence);
    }
    // Sequence 0 belongs to no run; the token keeps the form that clients expect.
    if (runs.empty())
        append_u64(bytes, 0);
    return std::to_string(sequence.value).append(kTokenMark).append(base64_url_encode(bytes));
}

Result<kv::Sequence> decode_since(std::string_view text, kv::Sequence last, const RunHistory &history) {
    auto token = parse(text);
    if (!token)
        return malformed();
    if (token->number == 0)
        return kv::Sequence(0);
    if (!token->runs)
        return kv::Sequence(std::min(token->number, last.value));
    // The newest run of the token that this history knows too; what came behind it in the token is
    // a branch that was cut off.
    auto since = token->number;
    for (const auto &run : *token->runs) {
        auto ours =
            std::find_if(history.begin(), history.end(), [&](const Run &r) { return r.id == run.id; });
        if (ours != history.end()) {
            auto next = std::next(ours);
            auto run_end = next == history.end() ? last.value : next->first_sequence - 1;
            return kv::Sequence(std::min(since, run_end));
        }
        since = run.first_sequence == 0 ? 0 : std::min(since, run.first_sequence - 1);
    }
    return kv::Sequence(0);
}

} // namespace divan::db
