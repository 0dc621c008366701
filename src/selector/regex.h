#pragma once

// Regular expressions as Erlang's `re` has them without options: PCRE over bytes, with the classes and
// cases of ISO Latin-1; unanchored; `$` also before a line feed at the end; lines end with a line feed.
//
// Threads: a Regex is read only; a RegexRunner is for one thread.

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace divan::selector {

class Regex {
  public:
    // Errors: bad_request for a pattern that does not compile, or whose program is too large.
    [[nodiscard]] static Result<Regex> compile(std::string_view pattern);
    ~Regex();
    Regex(Regex &&) noexcept;
    Regex &operator=(Regex &&) noexcept;

    // Makes machine code of it, where PCRE2 can. Before it is shared.
    void make_fast();
    // Bytes of the program, with machine code.
    [[nodiscard]] std::size_t memory() const;

  private:
    friend class RegexRunner;
    struct Program;
    explicit Regex(std::unique_ptr<Program> program);
    std::unique_ptr<Program> program_;
};

// Of one match.
struct RegexLimits {
    std::uint32_t steps_max; // from one place of the subject; in proportion fewer beyond 1,000 bytes
    std::uint32_t cpu_ms_max;
};

// Runs regular expressions with bounded time, heap and stack.
class RegexRunner {
  public:
    explicit RegexRunner(const RegexLimits &limits);
    ~RegexRunner();

    // Whether `regex` matches somewhere in `subject`; also false if that took more than is allowed.
    [[nodiscard]] bool matches(const Regex &regex, std::string_view subject);
    [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

  private:
    struct State;
    std::unique_ptr<State> state_; // made for the first match
    RegexLimits limits_;
    std::uint64_t given_up_ = 0;
};

} // namespace divan::selector
