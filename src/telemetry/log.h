#pragma once

// The log: one line an event, in the form of CouchDB's stderr writer:
//   [notice] 2026-11-24T13:00:00.000000Z divan@127.0.0.1 <1234> abcdef0123 message

#include "base/clock.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::telemetry {

enum class Level : std::uint8_t { debug, info, notice, warning, error, critical, none };

[[nodiscard]] Level parse_level(std::string_view name); // info for an unknown name

// Thread-safe. Never throws; what cannot be written is dropped.
class Logger {
  public:
    // An empty `file` means stderr.
    Logger(Clock &clock, std::string node_name, const std::string &file, Level level);
    ~Logger();

    void set_level(Level level);
    [[nodiscard]] bool enabled(Level level) const;
    // `request_id` may be empty. Control characters of the message are written as \x0a and so on: an event is
    // one line. Never pass secrets.
    void write(Level level, std::string_view request_id, std::string_view message);
    void info(std::string_view message) { write(Level::info, {}, message); }
    void warning(std::string_view message) { write(Level::warning, {}, message); }
    void error(std::string_view message) { write(Level::error, {}, message); }

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace divan::telemetry
