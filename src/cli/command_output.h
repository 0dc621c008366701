#pragma once

// Where long commands write: a line that is replaced on a terminal, plain lines elsewhere, JSON lines for
// machines, or nothing but errors.
//
// Threads: one.

#include "json/writer.h"

#include <functional>
#include <string>

namespace divan::cli {

class CommandOutput {
  public:
    CommandOutput(bool json, bool quiet);

    [[nodiscard]] bool json() const { return json_; }
    [[nodiscard]] bool on_terminal() const { return on_terminal_; }
    // For people; to the standard output.
    void line(const std::string &text);
    // Replaces what is shown now; on terminals only.
    void show(const std::string &text);
    // One line to the standard error, in every mode.
    void error(const std::string &text);
    // {"event": name, ...}; for machines only.
    void event(std::string_view name, const std::function<void(json::ObjectWriter &)> &members);

  private:
    void clear();

    const bool json_;
    const bool quiet_;
    const bool on_terminal_;
    bool shows_ = false;
};

} // namespace divan::cli
