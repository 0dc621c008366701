#include "cli/security_command.h"

#include "access/security_report.h"
#include "base/clock.h"
#include "json/writer.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

namespace divan::cli {
namespace {

int failed(std::string_view why) {
    fmt::print(stderr, "divan security: {}\n", why);
    return 1;
}

} // namespace

int run_security(const SecurityCommand &command) {
    auto config = config::Config::load(command.config_files, "");
    if (!config.ok())
        return failed(config.error().reason());
    SystemClock clock;
    access::ReportFacts facts;
    facts.node_name = "divan@127.0.0.1";
    facts.now = std::chrono::duration_cast<std::chrono::microseconds>(clock.now());
    auto text = json::to_text(json::Value(access::security_report(**config, facts))) + "\n";
    if (command.output.empty()) {
        fmt::print("{}", text);
        return 0;
    }
    std::ofstream file(command.output);
    file << text;
    file.close();
    return file ? 0 : failed(fmt::format("{} cannot be written.", command.output));
}

std::vector<std::string> with_mode_as_command(std::vector<std::string> arguments) {
    auto mode = std::find(arguments.begin(), arguments.end(), "--mode");
    if (mode == arguments.end() || std::next(mode) == arguments.end() ||
        std::find(arguments.begin(), mode, "--") != mode)
        return arguments;
    auto command = *std::next(mode);
    arguments.erase(mode, mode + 2);
    arguments.insert(arguments.begin(), std::move(command));
    return arguments;
}

} // namespace divan::cli
