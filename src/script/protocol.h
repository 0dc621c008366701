#pragma once

// What pool and worker say to each other: frames of a 32-bit length and that many bytes. Integers are
// little-endian, texts have a 32-bit length before them. One side asks, the other answers; only a list has
// several frames each way.
//
// Both sides are this program, but the pool takes the worker for an enemy: what it sends is read with
// decode_*(), which check every count, offset and size, and give JSON in canonical form.

#include "base/result.h"
#include "script/pool.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::script::protocol {

// The first byte of a frame.
enum class Kind : std::uint8_t {
    // from the worker
    ready = 1,    // the sandbox is closed; once, before anything else
    need_program, // the program is not known (any more): ask again with its definition
    map_answer,
    outcomes, // of reduce, call, compile and list
    chunks,   // of a list: what it wrote; may want rows
    // from the pool
    map,
    reduce,
    call,
    compile,
    list,
    rows, // for a list
};

constexpr std::size_t kLengthBytes = 4;
// Deepest JSON that a worker may answer: what documents may have ([divan] json_depth_max) and some more.
constexpr std::size_t kDepthMax = 10'100;

class Writer {
  public:
    explicit Writer(Kind kind) { u8(static_cast<std::uint8_t>(kind)); }
    void u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
    void u32(std::size_t value);
    void u64(std::uint64_t value);
    void f64(double value);
    void text(std::string_view value);
    // Whether everything fits into a frame: below 2^32.
    [[nodiscard]] bool fits() const;
    // The frame with its length before it. REQUIRES: fits()
    [[nodiscard]] std::string frame() &&;

  private:
    bool too_large_ = false;
    std::string bytes_ = std::string(kLengthBytes, '\0');
};

// Reads what a Writer wrote. After the first thing that does not fit everything is 0 or empty.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t u8();
    std::uint32_t u32();
    std::uint64_t u64();
    double f64();
    std::string_view text();
    // A count of things of which each takes at least `bytes_min` bytes.
    std::uint32_t count(std::size_t bytes_min);
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] bool at_end() const { return !failed_ && rest_.empty(); }

  private:
    std::string_view take(std::size_t size);
    std::string_view rest_;
    bool failed_ = false;
};

// ---- requests
// Every request names its program; the definition comes with it when the worker may not have it.
struct Limits {
    std::uint64_t answer_bytes_max = 0; // of one function, and of one answer
    std::uint64_t log_bytes_max = 0;
};
void write_program(Writer &writer, const Program &program, bool with_definition, const Limits &limits);

// A request as the worker reads it. The texts lie in the frame.
struct Definition {
    std::string_view design_id;
    bool renders = false;
    std::string_view library;
    std::vector<std::pair<std::string_view, std::string_view>> functions; // name, source
};
struct Call {
    std::uint32_t function = 0;
    std::vector<std::string_view> arguments;
};
struct Item {
    std::uint32_t function = 0;
    std::vector<std::string_view> reduced;
    std::vector<std::pair<std::string_view, std::string_view>> rows; // keys, values
};
struct Request {
    Kind kind = Kind::map;
    std::string_view program_key;
    std::optional<Definition> definition;
    Limits limits;
    std::vector<std::uint32_t> functions;    // map, compile
    std::vector<std::string_view> documents; // map
    std::vector<Call> calls;                 // call, list (one)
    std::vector<Item> items;                 // reduce
    bool reduce_limit = true;
    std::uint64_t reduce_threshold_bytes = 0;
    double reduce_ratio = 0;
};
[[nodiscard]] Result<Request> decode_request(std::string_view frame);
[[nodiscard]] Result<std::vector<std::string_view>> decode_rows(std::string_view frame);

// ---- answers
// A worker that ran for long answers what it has done so far, at least one call. `leaving`: it ends itself,
// because of what a function did to it.
struct MapPart {
    bool leaving = false;
    std::uint32_t calls = 0; // documents x functions, document by document
    MapAnswer answer;        // `function` is that of the program
};
struct Outcomes {
    bool leaving = false;
    std::vector<Outcome> values;
    std::vector<std::string> partial; // of reduce: values of the first rows of the item behind `values`
    std::vector<LogLine> log;
};
struct Chunks {
    std::optional<std::string> start;
    std::string chunks;
    bool wants_rows = false;
};

// What was asked, to hold the answer against.
struct MapQuestion {
    const Program &program;
    const std::vector<std::uint32_t> &functions; // ascending
    std::uint32_t documents = 0;
};
// Errors: bad_request, with what is wrong.
[[nodiscard]] Result<MapPart> decode_map(std::string_view frame, const MapQuestion &question);
// `partial_max`: how many parts the call of that place may have been answered by.
[[nodiscard]] Result<Outcomes> decode_outcomes(std::string_view frame, const Program &program,
                                               std::size_t values_max,
                                               const std::function<std::size_t(std::size_t)> &partial_max);
[[nodiscard]] Result<Chunks> decode_chunks(std::string_view frame);
// The kind of a frame; nothing if it is none.
[[nodiscard]] std::optional<Kind> kind_of(std::string_view frame);

} // namespace divan::script::protocol
