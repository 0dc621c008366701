#pragma once

// What clients of a simulation asked for, and what they were told. Plain data.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace divan::simulation {

// One write as a client saw it. Documents hold a member `v`, a number that no other write uses.
struct Write {
    enum class Outcome : std::uint8_t {
        unknown,      // no answer, or one that does not tell
        acknowledged, // with a revision
        refused,      // an answer that says that nothing was written
    };
    std::string node; // that was asked
    std::string id;
    std::optional<std::int64_t> value; // `v`; nothing: it stays what it was
    std::string attachment;            // its name; empty: none was sent
    std::size_t attachment_bytes = 0;
    Outcome outcome = Outcome::unknown;
    std::string rev; // of an acknowledged one
};

class History {
  public:
    // A write that is about to be sent: its number.
    std::size_t begin(Write write) {
        writes_.push_back(std::move(write));
        return writes_.size() - 1;
    }
    void acknowledge(std::size_t number, std::string rev) {
        writes_[number].outcome = Write::Outcome::acknowledged;
        writes_[number].rev = std::move(rev);
    }
    void refuse(std::size_t number) { writes_[number].outcome = Write::Outcome::refused; }
    [[nodiscard]] std::int64_t next_value() { return ++values_; }
    [[nodiscard]] const std::vector<Write> &writes() const { return writes_; }
    [[nodiscard]] std::size_t count(Write::Outcome outcome) const {
        std::size_t number = 0;
        for (const auto &write : writes_)
            number += write.outcome == outcome ? 1 : 0;
        return number;
    }

  private:
    std::vector<Write> writes_;
    std::int64_t values_ = 0;
};

} // namespace divan::simulation
