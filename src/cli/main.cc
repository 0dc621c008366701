// The command line of Divan.

#include "api/openapi.h"
#include "config/settings.h"
#include "server/application.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

namespace {

using divan::server::Application;
using divan::server::ServeOptions;

std::string environment(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

void add_serve_options(CLI::App &serve, ServeOptions &options, std::string &admin, std::string &bind,
                       int &port) {
    serve.add_option("--data-dir", options.data_directory, "Directory of the data; made if it is not there");
    serve.add_option("--bind", bind, "IP address to listen on (default 127.0.0.1)");
    serve.add_option("--port", port, "TCP port (default 5984); 0 takes any free one")
        ->check(CLI::Range(0, 65'535));
    serve.add_option("--admin", admin,
                     "Server admin, as NAME:PASSWORD; also COUCHDB_USER and COUCHDB_PASSWORD");
    serve.add_option("--config", options.config_files,
                     "Ini file, as CouchDB's; may be given several times, later ones win");
    serve.add_option("--name", options.node_name,
                     "Name of this node (default divan@127.0.0.1); also NODENAME");
    serve.add_flag("--memory", options.memory,
                   "Keep everything in memory: for tests; nothing is left behind");
    serve.add_option("--load", options.load, "With --memory: documents from a JSON file or a directory");
    serve.footer("Example:\n  divan serve --data-dir ./data --admin admin:correct-horse\n"
                 "Then: curl http://admin:correct-horse@127.0.0.1:5984/");
}

// JSON is read by recursion: 8,000 levels, the default limit, take 4 MiB of stack, many times that with
// a sanitizer. What threads get must not depend on `ulimit -s`. Untouched pages cost nothing.
void set_thread_stacks() {
    constexpr std::size_t kThreadStackBytes = 64 << 20;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

// Serves until SIGTERM or SIGINT; true: start again.
bool serve_once(const ServeOptions &options, int &exit_code) {
    // Blocked before any thread starts, so that every thread inherits it and only sigwait sees them.
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT, SIGUSR1})
        sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    Application application(options);
    application.on_restart([] { kill(getpid(), SIGUSR1); });
    auto started = application.start();
    if (!started.ok()) {
        fmt::print(stderr, "divan: {}\n", started.error().reason());
        exit_code = 1;
        return false;
    }
    fmt::print("divan is ready at {}\n", application.url());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    application.stop();
    exit_code = 0;
    return signal == SIGUSR1;
}

int serve(ServeOptions options, const std::string &admin, const std::string &bind, int port) {
    if (!admin.empty())
        options.admin = admin;
    else if (!environment("COUCHDB_USER").empty() && !environment("COUCHDB_PASSWORD").empty())
        options.admin = environment("COUCHDB_USER") + ":" + environment("COUCHDB_PASSWORD");
    if (!bind.empty())
        options.bind = bind;
    if (port >= 0)
        options.port = static_cast<std::uint16_t>(port);
    if (options.node_name.empty())
        options.node_name = environment("NODENAME");
    if (!options.load.empty() && !options.memory) {
        fmt::print(stderr,
                   "divan: --load needs --memory; into a data directory, write documents over HTTP.\n");
        return 1;
    }
    if (options.memory && !options.data_directory.empty()) {
        fmt::print(stderr, "divan: --memory and --data-dir exclude each other.\n");
        return 1;
    }
    if (!options.memory && options.data_directory.empty()) {
        fmt::print(stderr, "divan: give --data-dir DIR, or --memory for a server that keeps nothing.\n");
        return 1;
    }
    set_thread_stacks();
    int exit_code = 0;
    while (serve_once(options, exit_code)) {
    }
    return exit_code;
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app("Divan: a document database that speaks the CouchDB HTTP API and replication protocol.",
                 "divan");
    app.require_subcommand(1);
    app.set_version_flag("--version", "divan 0.1.0 (CouchDB API 3.5.2)");

    ServeOptions options;
    std::string admin;
    std::string bind;
    int port = -1;
    auto *serve_command = app.add_subcommand("serve", "Serve databases over HTTP");
    add_serve_options(*serve_command, options, admin, bind, port);
    auto *openapi_command =
        app.add_subcommand("openapi", "Print the description of the HTTP API (OpenAPI 3.1, JSON)");
    auto *settings_command =
        app.add_subcommand("settings", "Print all settings with defaults and bounds (Markdown)");

    CLI11_PARSE(app, argc, argv);
    if (*serve_command)
        return serve(std::move(options), admin, bind, port);
    if (*openapi_command)
        fmt::print("{}\n", divan::api::openapi_text());
    if (*settings_command)
        fmt::print("{}", divan::config::settings_markdown());
    return 0;
}
