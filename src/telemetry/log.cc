#include "telemetry/log.h"

#include <atomic>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

namespace divan::telemetry {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "notice", "warning", "error", "critical", "none"};

} // namespace

Level parse_level(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kNames); ++i)
        if (kNames[i] == name)
            return static_cast<Level>(i);
    if (name == "alert" || name == "emergency")
        return Level::critical;
    return Level::info;
}

struct Logger::State {
    Clock &clock;
    std::string node_name;
    std::atomic<Level> level;
    std::shared_ptr<spdlog::logger> sink;
};

Logger::Logger(Clock &clock, std::string node_name, const std::string &file, Level level)
    : state_(std::make_unique<State>(clock, std::move(node_name), level, nullptr)) {
    spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (!file.empty()) {
        try {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
        } catch (const spdlog::spdlog_ex &) {
            // stderr remains
        }
    }
    state_->sink = std::make_shared<spdlog::logger>("divan", std::move(sink));
    state_->sink->set_pattern("%v");
    state_->sink->set_level(spdlog::level::trace);
    state_->sink->flush_on(spdlog::level::trace);
}

Logger::~Logger() = default;

void Logger::set_level(Level level) {
    state_->level = level;
}

bool Logger::enabled(Level level) const {
    return level >= state_->level;
}

namespace {

// An event is one line, whatever names and messages hold that others chose.
std::string on_one_line(std::string_view message) {
    std::string line;
    line.reserve(message.size());
    for (char c : message) {
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
            line.push_back(c);
        else
            line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return line;
}

} // namespace

void Logger::write(Level level, std::string_view request_id, std::string_view message) {
    if (!enabled(level) || level == Level::none)
        return;
    auto now = state_->clock.now();
    auto text = rfc3339(now);
    text.pop_back();
    state_->sink->info("[{}] {}.{:06}Z {} <{}> {} {}", kNames[static_cast<std::size_t>(level)], text,
                       now.count() % 1'000'000, state_->node_name, getpid(),
                       request_id.empty() ? std::string_view("--------") : request_id, on_one_line(message));
}

} // namespace divan::telemetry
