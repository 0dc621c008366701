#include "cli/test_command.h"

#include "base/encoding.h"
#include "base/random.h"
#include "cli/test_file.h"
#include "cli/test_report.h"
#include "cli/test_run.h"
#include "config/config.h"
#include "design/advice.h"
#include "net/client.h"
#include "server/application.h"
#include "server/script_options.h"
#include "json/writer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>
#include <vector>

namespace divan::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr std::string_view kAdmin = "test";

TestReport::Style style_of(const TestCommand &command) {
    if (command.json)
        return TestReport::Style::json;
    const char *no_color = std::getenv("NO_COLOR"); // https://no-color.org
    bool color = isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
    return color ? TestReport::Style::color : TestReport::Style::plain;
}

// The files with the cases that are to be run. Errors are printed.
std::vector<TestFile> read_files(const TestCommand &command, bool &wrong) {
    std::vector<TestFile> files;
    auto complain = [&](const Error &error) {
        fmt::print(stderr, "divan: {}\n", error.reason());
        wrong = true;
    };
    auto paths = find_test_files(command.path);
    if (!paths.ok()) {
        complain(paths.error());
        return files;
    }
    for (const auto &path : *paths) {
        auto file = read_test_file(path);
        if (!file.ok()) {
            complain(file.error());
            continue;
        }
        if (file->name.find(command.filter) == std::string::npos)
            std::erase_if(file->cases, [&](const TestCase &test) {
                return test.name.find(command.filter) == std::string::npos;
            });
        if (!file->cases.empty())
            files.push_back(std::move(*file));
    }
    if (files.empty() && !wrong)
        complain({ErrorCode::bad_request,
                  fmt::format("{}: no case has \"{}\" in its name", command.path, command.filter)});
    return files;
}

void give_hints(const TestFile &file, TestReport &report) {
    for (const auto &design : file.designs) {
        auto id = design.object().find("_id")->string();
        auto document = design::read_design_document(id, "1", json::to_text(design));
        if (!document.ok())
            continue;
        for (const auto &advice : design::advise(*document))
            report.hint(fmt::format("{} {}: {}", id, advice.view, advice.text));
    }
}

Result<void> run_files(const std::vector<TestFile> &files, const TestCommand &command, TestReport &report) {
    SystemRandom random;
    auto password = hex_encode(random.bytes(16));
    server::ServeOptions options;
    options.bind = "127.0.0.1";
    options.port = 0;
    options.admin = fmt::format("{}:{}", kAdmin, password);
    options.memory = true;
    options.log_level = "none";
    options.spidermonkey_version = command.spidermonkey_version;
    server::Application application(std::move(options));
    DIVAN_TRY_VOID(application.start());
    DIVAN_TRY(auto config, config::Config::load({}, ""));
    script::Pool scripts(server::script_options(*config));
    DIVAN_TRY(auto url, net::ServerUrl::parse(application.url()));
    url.user = kAdmin;
    url.password = password;
    net::Client client(std::move(url));
    TestRun run(client, scripts);
    for (const auto &file : files) {
        report.begin_file(file);
        give_hints(file, report);
        run.run(file, [&](const CaseResult &result) { report.add(result); });
    }
    return {};
}

} // namespace

int run_tests(const TestCommand &command) {
    auto begin = std::chrono::steady_clock::now();
    bool wrong = false;
    auto files = read_files(command, wrong);
    if (wrong)
        return kWrongUsage;
    TestReport report(style_of(command));
    auto ran = run_files(files, command, report);
    if (!ran.ok()) {
        fmt::print(stderr, "divan: {}\n", ran.error().reason());
        return kFailed;
    }
    report.end(std::chrono::steady_clock::now() - begin);
    return report.all_passed() ? 0 : kFailed;
}

} // namespace divan::cli
