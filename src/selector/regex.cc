#include "selector/regex.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <initializer_list>
#include <string>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace divan::selector {
namespace {

constexpr std::uint32_t kParenthesesDepthMax = 250; // as in Erlang
constexpr std::uint32_t kHeapKibMax = 1024;
constexpr std::size_t kStackBytesStart = std::size_t{32} << 10;
constexpr std::size_t kStackBytesMax = std::size_t{1} << 20;
// A step may walk over the whole subject, so that for one that is longer than this fewer are allowed.
constexpr std::size_t kFullyCountedBytes = 1000;
// Steps are counted for each place of the subject where a match may begin, anew. So all patterns begin with a
// callout, which looks at the clock at every 16th place; in shorter subjects never.
constexpr std::string_view kCallout = "(?C1)";
constexpr unsigned kPlacesForEachLook = 16;
constexpr std::size_t kSubjectBytesWithoutLook = 256;

// PCRE2's tables of characters: lower case, other case, bit maps of ten classes, bits of a character.
constexpr std::size_t kLowerCase = 0, kOtherCase = 256, kClasses = 512, kBits = 832, kTablesBytes = 1088;
constexpr std::size_t kClassBytes = 32;
enum Class : std::uint8_t { kSpace, kXdigit, kDigit, kUpper, kLower, kWord, kGraph, kPrint, kPunct, kCntrl };

// The tables of the C locale, with what ISO Latin-1 has above ASCII. What is said of a letter there is what
// the tables say of `z` or `Z`.
class Latin1Tables {
  public:
    Latin1Tables() {
        const auto *ascii = pcre2_maketables(nullptr);
        DIVAN_CHECK(ascii != nullptr);
        std::copy(ascii, ascii + kTablesBytes, bytes_.begin());
        pcre2_maketables_free(nullptr, ascii);
        for (unsigned c = 0xa0; c <= 0xff; ++c)
            add(c, {kGraph, kPrint});
        for (unsigned c = 0xa0; c <= 0xbf; ++c)
            if (c != 0xaa && c != 0xb5 && c != 0xba)
                add(c, {kPunct});
        add(0xd7, {kPunct});
        add(0xf7, {kPunct});
        add_letter(0xaa, 'Z', {kWord});
        add_letter(0xba, 'Z', {kWord});
        for (unsigned c : {0xb5u, 0xdfu, 0xffu})
            add_letter(c, 'z', {kWord, kLower});
        for (unsigned upper = 0xc0; upper <= 0xde; ++upper) {
            const unsigned lower = upper + 0x20;
            if (upper == 0xd7)
                continue;
            add_letter(upper, 'Z', {kWord, kUpper});
            add_letter(lower, 'z', {kWord, kLower});
            bytes_[kLowerCase + upper] = bytes_[kOtherCase + upper] = static_cast<std::uint8_t>(lower);
            bytes_[kOtherCase + lower] = static_cast<std::uint8_t>(upper);
        }
    }
    [[nodiscard]] const std::uint8_t *data() const { return bytes_.data(); }

  private:
    void add(unsigned c, std::initializer_list<Class> classes) {
        for (auto name : classes)
            bytes_[kClasses + name * kClassBytes + c / 8] |= static_cast<std::uint8_t>(1u << (c % 8));
    }
    void add_letter(unsigned c, char like, std::initializer_list<Class> classes) {
        add(c, classes);
        bytes_[kBits + c] = bytes_[kBits + static_cast<unsigned char>(like)];
    }

    std::array<std::uint8_t, kTablesBytes> bytes_{};
};

const Latin1Tables &latin1_tables() {
    static const Latin1Tables kTables;
    return kTables;
}

template <auto kFree> struct Freer {
    template <typename T> void operator()(T *pointer) const { kFree(pointer); }
};
template <typename T, auto kFree> using Owned = std::unique_ptr<T, Freer<kFree>>;

Owned<pcre2_compile_context, pcre2_compile_context_free> compile_context() {
    Owned<pcre2_compile_context, pcre2_compile_context_free> context(pcre2_compile_context_create(nullptr));
    DIVAN_CHECK(context != nullptr);
    pcre2_set_character_tables(context.get(), latin1_tables().data());
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
    pcre2_set_parens_nest_limit(context.get(), kParenthesesDepthMax);
    return context;
}

// Behind the settings that only the beginning of a pattern may have, as "(*UTF)".
std::size_t end_of_settings(std::string_view pattern) {
    constexpr std::string_view kOfNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789=";
    std::size_t end = 0;
    while (pattern.substr(end).starts_with("(*")) {
        const auto close = pattern.find_first_not_of(kOfNames, end + 2);
        if (close == std::string_view::npos || pattern[close] != ')')
            break;
        end = close + 1;
    }
    return end;
}

using Code = Owned<pcre2_code, pcre2_code_free>;

Code compiled(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    return Code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error,
                              &offset, compile_context().get()));
}

std::int64_t thread_cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

// What a match has left. Begins with the first look at the clock.
struct Patience {
    std::int64_t cpu_ns_max = 0;
    std::int64_t end_ns = 0;
    unsigned places = 0;
};

int look_at_clock(pcre2_callout_block * /*place*/, void *data) {
    auto &patience = *static_cast<Patience *>(data);
    if (patience.places++ % kPlacesForEachLook != 0)
        return 0;
    const auto now = thread_cpu_ns();
    if (patience.end_ns == 0)
        patience.end_ns = now + patience.cpu_ns_max;
    return now > patience.end_ns ? PCRE2_ERROR_CALLOUT : 0;
}

std::size_t size_info(const pcre2_code *code, std::uint32_t what) {
    std::size_t bytes = 0;
    return pcre2_pattern_info(code, what, &bytes) == 0 ? bytes : 0;
}

} // namespace

struct Regex::Program {
    Code code;
};

Result<Regex> Regex::compile(std::string_view pattern) {
    auto program = std::make_unique<Program>();
    const auto settings = end_of_settings(pattern);
    std::string with_callout(pattern.substr(0, settings));
    with_callout.append(kCallout).append(pattern.substr(settings));
    program->code = compiled(with_callout);
    if (program->code == nullptr)
        return Error(ErrorCode::bad_request, "The regular expression cannot be compiled.");
    return Regex(std::move(program));
}

Regex::Regex(std::unique_ptr<Program> program) : program_(std::move(program)) {}
Regex::~Regex() = default;
Regex::Regex(Regex &&) noexcept = default;
Regex &Regex::operator=(Regex &&) noexcept = default;

void Regex::make_fast() {
    // Without machine code it is interpreted.
    static_cast<void>(pcre2_jit_compile(program_->code.get(), PCRE2_JIT_COMPLETE));
}

std::size_t Regex::memory() const {
    return size_info(program_->code.get(), PCRE2_INFO_SIZE) +
           size_info(program_->code.get(), PCRE2_INFO_JITSIZE);
}

struct RegexRunner::State {
    Owned<pcre2_match_data, pcre2_match_data_free> data{pcre2_match_data_create(1, nullptr)};
    Owned<pcre2_jit_stack, pcre2_jit_stack_free> stack{
        pcre2_jit_stack_create(kStackBytesStart, kStackBytesMax, nullptr)};
    Owned<pcre2_match_context, pcre2_match_context_free> context{pcre2_match_context_create(nullptr)};
    Patience patience;

    State() {
        DIVAN_CHECK(data != nullptr && context != nullptr);
        pcre2_set_heap_limit(context.get(), kHeapKibMax);
        if (stack != nullptr)
            pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    }
};

RegexRunner::RegexRunner(const RegexLimits &limits) : limits_(limits) {}
RegexRunner::~RegexRunner() = default;

bool RegexRunner::matches(const Regex &regex, std::string_view subject) {
    if (state_ == nullptr)
        state_ = std::make_unique<State>();
    auto *context = state_->context.get();
    const auto bytes = std::max(subject.size(), kFullyCountedBytes);
    const auto steps = std::uint64_t{limits_.steps_max} * kFullyCountedBytes / bytes;
    pcre2_set_match_limit(context, static_cast<std::uint32_t>(std::max<std::uint64_t>(steps, 1)));
    state_->patience = {.cpu_ns_max = std::int64_t{1'000'000} * limits_.cpu_ms_max};
    pcre2_set_callout(context, subject.size() > kSubjectBytesWithoutLook ? look_at_clock : nullptr,
                      &state_->patience);
    const int result = pcre2_match(regex.program_->code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                   subject.size(), 0, 0, state_->data.get(), context);
    if (result != PCRE2_ERROR_NOMATCH && result < 0)
        ++given_up_;
    return result >= 0;
}

} // namespace divan::selector
