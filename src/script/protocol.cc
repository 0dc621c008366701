#include "script/protocol.h"

#include "base/check.h"
#include "base/encoding.h"
#include "json/parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace divan::script::protocol {
namespace {

// The longest word and reason that are taken over from a worker; cut off beyond.
constexpr std::size_t kErrorBytesMax = 256;
constexpr std::size_t kReasonBytesMax = 64 << 10;
constexpr std::size_t kFrameBytesMax = std::numeric_limits<std::uint32_t>::max();

template <typename T> void append(std::string &bytes, T value) {
    char raw[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i)
        raw[i] = static_cast<char>((value >> (8 * i)) & 0xff);
    bytes.append(raw, sizeof(T));
}

template <typename T> T little_endian(std::string_view bytes) {
    T value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
    return value;
}

Error nonsense(std::string what) {
    return {ErrorCode::bad_request, std::move(what)};
}

Result<std::string> canonical(std::string_view text) {
    DIVAN_TRY(auto value, json::parse(text, {.depth_max = kDepthMax, .raw_depth = 0}));
    return std::move(value).raw_text();
}

// Words and log lines are shown to people and written into JSON: they must be UTF-8.
Result<std::string> plain_text(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80)
            --bytes_max;
        text = text.substr(0, bytes_max);
    }
    if (!is_utf8(text))
        return nonsense("a text is not UTF-8");
    return std::string(text);
}

Result<FunctionError> read_error(Reader &reader) {
    auto word = reader.text();
    auto reason = reader.text();
    FunctionError error;
    DIVAN_TRY(error.error, plain_text(word, kErrorBytesMax));
    DIVAN_TRY(error.reason, plain_text(reason, kReasonBytesMax));
    return error;
}

Result<std::vector<LogLine>> read_log(Reader &reader, const Program &program) {
    std::vector<LogLine> log;
    for (auto count = reader.count(8); count > 0; --count) {
        auto function = reader.u32();
        if (function >= program.functions.size())
            return nonsense("a log line of no function");
        DIVAN_TRY(auto line, plain_text(reader.text(), std::numeric_limits<std::uint32_t>::max()));
        log.push_back({program.functions[function].name, std::move(line)});
    }
    return log;
}

// Where (document, function) comes among the calls of a question; none if it is not in it.
std::optional<std::uint64_t> position(const MapQuestion &question, std::uint32_t document,
                                      std::uint32_t function) {
    auto at = std::lower_bound(question.functions.begin(), question.functions.end(), function);
    if (at == question.functions.end() || *at != function || document >= question.documents)
        return std::nullopt;
    return std::uint64_t{document} * question.functions.size() +
           static_cast<std::uint64_t>(at - question.functions.begin());
}

} // namespace

void Writer::u32(std::size_t value) {
    too_large_ = too_large_ || value > kFrameBytesMax;
    append(bytes_, static_cast<std::uint32_t>(value));
}

void Writer::u64(std::uint64_t value) {
    append(bytes_, value);
}

void Writer::f64(double value) {
    append(bytes_, std::bit_cast<std::uint64_t>(value));
}

void Writer::text(std::string_view value) {
    u32(value.size());
    bytes_.append(value);
}

bool Writer::fits() const {
    return !too_large_ && bytes_.size() - kLengthBytes <= kFrameBytesMax;
}

std::string Writer::frame() && {
    DIVAN_CHECK(fits());
    auto length = bytes_.size() - kLengthBytes;
    std::string prefix;
    append(prefix, static_cast<std::uint32_t>(length));
    bytes_.replace(0, kLengthBytes, prefix);
    return std::move(bytes_);
}

std::string_view Reader::take(std::size_t size) {
    if (failed_ || size > rest_.size()) {
        failed_ = true;
        return {};
    }
    auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
}

std::uint8_t Reader::u8() {
    return little_endian<std::uint8_t>(take(1));
}

std::uint32_t Reader::u32() {
    return little_endian<std::uint32_t>(take(4));
}

std::uint64_t Reader::u64() {
    return little_endian<std::uint64_t>(take(8));
}

double Reader::f64() {
    return std::bit_cast<double>(u64());
}

std::string_view Reader::text() {
    return take(u32());
}

std::uint32_t Reader::count(std::size_t bytes_min) {
    auto count = u32();
    if (count > rest_.size() / bytes_min) {
        failed_ = true;
        return 0;
    }
    return count;
}

void write_program(Writer &writer, const Program &program, bool with_definition, const Limits &limits) {
    writer.text(program.key);
    writer.u8(with_definition ? 1 : 0);
    if (with_definition) {
        writer.text(program.design_id);
        writer.u8(program.renders ? 1 : 0);
        writer.text(program.library);
        writer.u32(program.functions.size());
        for (const auto &function : program.functions) {
            writer.text(function.name);
            writer.text(function.source);
        }
    }
    writer.u64(limits.answer_bytes_max);
    writer.u64(limits.log_bytes_max);
}

namespace {

void read_texts(Reader &reader, std::vector<std::string_view> &texts) {
    for (auto count = reader.count(4); count > 0; --count)
        texts.push_back(reader.text());
}

void read_pairs(Reader &reader, std::vector<std::pair<std::string_view, std::string_view>> &pairs) {
    for (auto count = reader.count(8); count > 0; --count) {
        auto first = reader.text();
        pairs.emplace_back(first, reader.text());
    }
}

Call read_call(Reader &reader) {
    Call call;
    call.function = reader.u32();
    read_texts(reader, call.arguments);
    return call;
}

void read_body(Reader &reader, Request &request) {
    switch (request.kind) {
    case Kind::map:
    case Kind::compile:
        for (auto count = reader.count(4); count > 0; --count)
            request.functions.push_back(reader.u32());
        if (request.kind == Kind::map)
            read_texts(reader, request.documents);
        return;
    case Kind::call:
        for (auto count = reader.count(8); count > 0; --count)
            request.calls.push_back(read_call(reader));
        return;
    case Kind::list:
        request.calls.push_back(read_call(reader));
        return;
    case Kind::reduce:
        request.reduce_limit = reader.u8() != 0;
        request.reduce_threshold_bytes = reader.u64();
        request.reduce_ratio = reader.f64();
        for (auto count = reader.count(12); count > 0; --count) {
            auto &item = request.items.emplace_back();
            item.function = reader.u32();
            read_texts(reader, item.reduced);
            read_pairs(reader, item.rows);
        }
        return;
    default:
        reader = Reader({});
        reader.u8(); // fails
    }
}

} // namespace

Result<Request> decode_request(std::string_view frame) {
    Reader reader(frame);
    Request request;
    request.kind = static_cast<Kind>(reader.u8());
    request.program_key = reader.text();
    if (reader.u8() != 0) {
        auto &definition = request.definition.emplace();
        definition.design_id = reader.text();
        definition.renders = reader.u8() != 0;
        definition.library = reader.text();
        read_pairs(reader, definition.functions);
    }
    request.limits.answer_bytes_max = reader.u64();
    request.limits.log_bytes_max = reader.u64();
    read_body(reader, request);
    if (!reader.at_end())
        return nonsense("not a request");
    return request;
}

Result<std::vector<std::string_view>> decode_rows(std::string_view frame) {
    Reader reader(frame);
    std::vector<std::string_view> rows;
    if (static_cast<Kind>(reader.u8()) != Kind::rows)
        return nonsense("not rows");
    read_texts(reader, rows);
    if (!reader.at_end())
        return nonsense("not rows");
    return rows;
}

std::optional<Kind> kind_of(std::string_view frame) {
    if (frame.empty())
        return std::nullopt;
    return static_cast<Kind>(frame.front());
}

Result<MapPart> decode_map(std::string_view frame, const MapQuestion &question) {
    Reader reader(frame);
    if (static_cast<Kind>(reader.u8()) != Kind::map_answer)
        return nonsense("not an answer to map");
    MapPart part;
    part.leaving = reader.u8() != 0;
    part.calls = reader.u32();
    if (part.calls == 0 || part.calls > std::uint64_t{question.documents} * question.functions.size())
        return nonsense("more or fewer calls than asked for");
    auto row_count = reader.count(16);
    part.answer.rows.reserve(row_count);
    std::uint64_t last = 0;
    for (; row_count > 0; --row_count) {
        auto document = reader.u32();
        auto function = reader.u32();
        auto at = position(question, document, function);
        if (!at || *at < last || *at >= part.calls)
            return nonsense("a row of no call, or out of order");
        last = *at;
        auto key = reader.text();
        auto value = reader.text();
        DIVAN_TRY(auto key_text, canonical(key));
        DIVAN_TRY(auto value_text, canonical(value));
        part.answer.rows.push_back({document, function, std::move(key_text), std::move(value_text)});
    }
    std::optional<std::uint64_t> last_failure;
    for (auto count = reader.count(16); count > 0; --count) {
        auto document = reader.u32();
        auto function = reader.u32();
        auto at = position(question, document, function);
        if (!at || *at >= part.calls || (last_failure && *at <= *last_failure))
            return nonsense("a failure of no call, or out of order");
        last_failure = at;
        DIVAN_TRY(auto error, read_error(reader));
        part.answer.failures.push_back({document, function, std::move(error)});
    }
    DIVAN_TRY(part.answer.log, read_log(reader, question.program));
    if (!reader.at_end())
        return nonsense("an answer that is too short or too long");
    return part;
}

Result<Outcomes> decode_outcomes(std::string_view frame, const Program &program, std::size_t values_max,
                                 const std::function<std::size_t(std::size_t)> &partial_max) {
    Reader reader(frame);
    if (static_cast<Kind>(reader.u8()) != Kind::outcomes)
        return nonsense("not outcomes");
    Outcomes outcomes;
    outcomes.leaving = reader.u8() != 0;
    auto count = reader.count(5);
    if (count > values_max)
        return nonsense("more outcomes than asked for");
    for (; count > 0; --count) {
        if (reader.u8() == 0) {
            DIVAN_TRY(auto value, canonical(reader.text()));
            outcomes.values.emplace_back(std::move(value));
        } else {
            DIVAN_TRY(auto error, read_error(reader));
            outcomes.values.emplace_back(std::move(error));
        }
    }
    auto parts = reader.count(4);
    if (parts > 0 && (outcomes.values.size() == values_max || parts > partial_max(outcomes.values.size())))
        return nonsense("more values than rows");
    for (; parts > 0; --parts) {
        DIVAN_TRY(auto value, canonical(reader.text()));
        outcomes.partial.push_back(std::move(value));
    }
    if (outcomes.values.empty() && outcomes.partial.empty())
        return nonsense("an answer without progress");
    DIVAN_TRY(outcomes.log, read_log(reader, program));
    if (!reader.at_end())
        return nonsense("an answer that is too short or too long");
    return outcomes;
}

Result<Chunks> decode_chunks(std::string_view frame) {
    Reader reader(frame);
    if (static_cast<Kind>(reader.u8()) != Kind::chunks)
        return nonsense("not chunks");
    Chunks chunks;
    chunks.wants_rows = reader.u8() != 0;
    bool has_start = reader.u8() != 0;
    auto start = reader.text();
    if (has_start) {
        DIVAN_TRY(chunks.start, canonical(start));
    }
    DIVAN_TRY(chunks.chunks, plain_text(reader.text(), std::numeric_limits<std::uint32_t>::max()));
    if (!reader.at_end())
        return nonsense("chunks that are too short or too long");
    return chunks;
}

} // namespace divan::script::protocol
