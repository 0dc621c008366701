// The command line of Divan.

#include "api/openapi.h"
#include "cli/audit_command.h"
#include "cli/index_command.h"
#include "cli/migrate_command.h"
#include "cli/password_hiding.h"
#include "cli/replicate_command.h"
#include "cli/replication_options.h"
#include "cli/security_command.h"
#include "cli/test_command.h"
#include "config/settings.h"
#include "script/worker/worker.h"
#include "server/application.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <span>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using divan::server::Application;
using divan::server::ServeOptions;

constexpr int kWrongUsage = 2;

std::string environment(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

void add_serve_options(CLI::App &serve, ServeOptions &options, std::string &admin, std::string &bind,
                       int &port) {
    serve.add_option("--data-dir", options.data_directory,
                     "Directory of the data; made if it is not there (default: [couchdb] database_dir of the "
                     "ini files)");
    serve.add_option(
        "--bind", bind,
        "IP address to listen on (default 127.0.0.1); 0.0.0.0 for every network of this machine");
    serve.add_option("--port", port, "TCP port (default 5984); 0 takes any free one")
        ->check(CLI::Range(0, 65'535));
    serve.add_option("--admin", admin,
                     "Server admin, as NAME:PASSWORD; also COUCHDB_USER and COUCHDB_PASSWORD");
    serve
        .add_option(
            "--config", options.config_files,
            "Ini file, as CouchDB's, or YAML (*.yaml) with sections as maps; may be given several times, "
            "later ones win")
        ->allow_extra_args(false);
    serve.add_option("--name", options.node_name,
                     "Name of this node (default divan@127.0.0.1); also NODENAME");
    serve.add_flag("--memory", options.memory,
                   "Keep everything in memory: for tests; nothing is left behind");
    serve.add_option("--load", options.load, "With --memory: documents from a JSON file or a directory");
    serve.footer(
        "Without an admin nobody could get in, so there must be one: --admin, COUCHDB_USER and\n"
        "COUCHDB_PASSWORD, or [admins] in an ini file. Settings come from the --config files, then from\n"
        "local.ini in the data directory, where changes through _node/_local/_config are kept, then\n"
        "from this command line. `divan settings` lists them. COUCHDB_SECRET sets [chttpd_auth] secret.\n\n"
        "Examples:\n"
        "  divan serve --data-dir ./data --admin admin:correct-horse\n"
        "  curl http://admin:correct-horse@127.0.0.1:5984/\n\n"
        "  divan serve --memory --load ./fixtures --port 0 --admin admin:correct-horse\n\n"
        "HTTPS: set enable, cert_file and key_file in [ssl] of an ini file; SIGHUP reads a new "
        "certificate.\n\n"
        "Prints one line when it is ready, logs to the standard error, and stops cleanly on SIGTERM.\n"
        "Status: 0 stopped, 1 could not start, 2 wrong command line.");
}

void add_index_options(CLI::App &index, divan::cli::IndexCommand &command) {
    index.add_option("DB", command.database, "Name of the database")->required();
    index.add_option("DDOC", command.design_document,
                     "Design document, with or without _design/ (default: all that have views)");
    index.add_option("--url", command.url,
                     "The server, as http://NAME:PASSWORD@HOST:PORT, or https; also DIVAN_URL "
                     "(default http://127.0.0.1:5984)");
    index.add_flag("--json", command.json, "Print one JSON object when all is done");
    index.footer(
        "Waits until the views are up to date. On a terminal it shows a bar, the rate and the time\n"
        "left (server admins only: they come from /_active_tasks), otherwise a line now and then.\n\n"
        "Examples:\n"
        "  divan index orders --url http://admin:correct-horse@127.0.0.1:5984\n"
        "  DIVAN_URL=http://admin:correct-horse@127.0.0.1:5984 divan index orders stats --json\n\n"
        "Status: 0 all views are built, 1 some could not be, 2 wrong command line.");
}

void add_audit_options(CLI::App &audit, divan::cli::AuditVerifyCommand &command) {
    audit.require_subcommand(1);
    auto *verify = audit.add_subcommand("verify", "Say whether the audit log is what the server wrote");
    verify->add_option("--data-dir", command.data_directory, "Directory of the data")->required();
    verify->add_option("--key-file", command.key_file, "File with the key of the log: [audit] key_file")
        ->required();
    verify->add_option("--anchors", command.anchors_file,
                       "File with anchors: [audit] anchor_file, or lines of the system log");
    verify->add_flag("--json", command.json, "Print one JSON object when all is done");
    verify->footer(
        "Names every record that was changed, removed or moved, and with --anchors where the log was\n"
        "cut off. Reads only: use it on a stopped server, or on a copy of its data.\n\n"
        "Example:\n"
        "  divan audit verify --data-dir ./data --key-file /etc/divan/audit.key \\\n"
        "    --anchors /mnt/other/anchors.jsonl\n\n"
        "Status: 0 nothing was changed, 1 something was, 2 it could not be verified.");
}

void add_test_options(CLI::App &test, divan::cli::TestCommand &command) {
    test.add_option(
            "DIR", command.path,
            "Folder with test files (*.test.yaml, *.test.yml, *.test.json, at any depth), or one file")
        ->required();
    test.add_option("--filter", command.filter, "Only cases with this text in their name or their file's");
    test.add_flag("--json", command.json, "Print one JSON object for each case");
    test.footer(
        "Each file names design documents, example documents and what is expected of them; a server\n"
        "is started for them in this process, in memory, and nothing is left behind.\n\n"
        "Example, orders.test.yaml:\n"
        "  design:\n"
        "    - _id: _design/orders\n"
        "      views:\n"
        "        by_status: {map: 'function (doc) { emit(doc.status, 1) }', reduce: _count}\n"
        "  documents:\n"
        "    - {_id: a, status: open}\n"
        "    - {_id: b, status: paid}\n"
        "  tests:\n"
        "    - name: orders are counted by status\n"
        "      view: orders/by_status\n"
        "      query: {group: true}\n"
        "      expect: {rows: [{key: open, value: 1}, {key: paid, value: 1}]}\n\n"
        "  divan test . --filter status\n\n"
        "Other cases: filter, validate, update, show, list, find; docs/design-tests.md has them all.\n"
        "Status: 0 all passed, 1 some failed, 2 the folder or a file is wrong.");
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

// Each connection needs a descriptor, and shells allow few by default: takes all that the system allows.
void raise_open_files_max() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// Whether there is a terminal that could send SIGHUP by going away.
bool has_terminal() {
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0)
        close(terminal);
    return terminal >= 0;
}

// Waits for a signal that ends the server. SIGHUP reads the certificate again, but ends a server whose
// terminal has gone.
int wait_for_end(Application &application, const sigset_t &signals) {
    bool terminal = has_terminal();
    int signal = 0;
    for (;;) {
        sigwait(&signals, &signal);
        if (signal != SIGHUP || (terminal && !has_terminal()))
            return signal;
        application.reload_certificate();
    }
}

// Serves until SIGTERM or SIGINT; true: start again.
bool serve_once(const ServeOptions &options, int &exit_code) {
    // Blocked before any thread starts, so that every thread inherits it and only sigwait sees them.
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP})
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
    auto tls_url = application.tls_url();
    fmt::print("divan is ready at {}{}{}\n", application.url(), tls_url.empty() ? "" : " and ", tls_url);
    std::fflush(stdout);
    int signal = wait_for_end(application, signals);
    application.stop();
    exit_code = 0;
    return signal == SIGUSR1;
}

int serve(ServeOptions options, const std::string &admin, const std::string &bind, int port) {
    if (!admin.empty())
        options.admin = admin;
    else if (!environment("COUCHDB_USER").empty() && !environment("COUCHDB_PASSWORD").empty())
        options.admin = environment("COUCHDB_USER") + ":" + environment("COUCHDB_PASSWORD");
    if (auto secret = environment("COUCHDB_SECRET"); !secret.empty())
        options.secret = std::move(secret);
    if (!bind.empty())
        options.bind = bind;
    if (port >= 0)
        options.port = static_cast<std::uint16_t>(port);
    if (options.node_name.empty())
        options.node_name = environment("NODENAME");
    if (!options.load.empty() && !options.memory) {
        fmt::print(stderr,
                   "divan: --load needs --memory; into a data directory, write documents over HTTP.\n");
        return kWrongUsage;
    }
    if (options.memory && !options.data_directory.empty()) {
        fmt::print(stderr, "divan: --memory and --data-dir exclude each other.\n");
        return kWrongUsage;
    }
    options.spidermonkey_version = divan::script::spidermonkey_version();
    set_thread_stacks();
    int exit_code = 0;
    raise_open_files_max();
    while (serve_once(options, exit_code)) {
    }
    return exit_code;
}

// For commands with many connections and threads that read JSON.
void prepare_process() {
    set_thread_stacks();
    raise_open_files_max();
}

int test(divan::cli::TestCommand command) {
    command.spidermonkey_version = divan::script::spidermonkey_version();
    prepare_process();
    std::signal(SIGPIPE, SIG_IGN);
    return divan::cli::run_tests(command);
}

// What is wrong, in one line, and where help is.
int report(const CLI::App &app, const CLI::ParseError &error) {
    const auto chosen = app.get_subcommands();
    auto command = chosen.empty() ? std::string("divan") : "divan " + chosen.front()->get_name();
    auto what = divan::cli::without_passwords(error.what());
    std::replace(what.begin(), what.end(), '\n', ' ');
    fmt::print(stderr, "divan: {} Try `{} --help`.\n", what.ends_with(".") ? what : what + ".", command);
    return kWrongUsage;
}

} // namespace

int main(int argc, char **argv) {
    // Not for people: the server starts itself so, to run functions of design documents.
    if (argc > 1 && std::string_view(argv[1]) == "script-worker")
        divan::script::run_worker(std::span(argv + 2, static_cast<std::size_t>(argc) - 2));

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
    divan::cli::IndexCommand index;
    auto *index_command = app.add_subcommand("index", "Build the views of a database on a running server");
    add_index_options(*index_command, index);
    divan::cli::ReplicateCommand replicate_options;
    auto *replicate_command =
        app.add_subcommand("replicate", "Copy what is new in a database to another one");
    divan::cli::add_replicate_options(*replicate_command, replicate_options);
    divan::cli::MigrateCommand migrate_options;
    auto *migrate_command = app.add_subcommand("migrate", "Copy all databases of another server to this one");
    divan::cli::add_migrate_options(*migrate_command, migrate_options);
    divan::cli::AuditVerifyCommand audit;
    auto *audit_command = app.add_subcommand("audit", "Verify the audit log");
    add_audit_options(*audit_command, audit);
    divan::cli::TestCommand test_options;
    auto *test_command = app.add_subcommand("test", "Test design documents with example documents");
    add_test_options(*test_command, test_options);
    divan::cli::SecurityCommand security_options;
    auto *security_command = app.add_subcommand(
        "security", "Print how ini files secure a server, and what should be mended (JSON)");
    security_command
        ->add_option("--config", security_options.config_files,
                     "Ini file, as of `divan serve`; may be given several times, later ones win")
        ->allow_extra_args(false);
    security_command->add_option("--output", security_options.output,
                                 "File to write (default: standard output)");
    security_command->footer("A running server answers more at /_node/_local/_security_report. Example:\n"
                             "  divan security --config local.ini | python3 -m json.tool");
    auto *openapi_command =
        app.add_subcommand("openapi", "Print the description of the HTTP API (OpenAPI 3.1, JSON)");
    auto *settings_command =
        app.add_subcommand("settings", "Print all settings with defaults and bounds (Markdown)");

    openapi_command->footer("A running server answers the same at /_openapi. Example:\n"
                            "  divan openapi > openapi.json");
    settings_command->footer("A running server shows what is in force at /_node/_local/_config. Example:\n"
                             "  divan settings | grep max_document_size");
    app.footer("Start here:\n  divan serve --data-dir ./data --admin admin:correct-horse\n"
               "Each command has a --help of its own: divan serve --help");

    try {
        auto arguments = divan::cli::with_mode_as_command({argv + 1, argv + argc});
        std::reverse(arguments.begin(), arguments.end()); // as CLI11 takes them
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error); // --help and --version
        return report(app, error);
    }
    divan::cli::hide_passwords(argc, argv);
    if (*serve_command)
        return serve(std::move(options), admin, bind, port);
    if (*index_command)
        return divan::cli::run_index(index);
    if (*audit_command)
        return divan::cli::run_audit_verify(audit);
    if (*replicate_command || *migrate_command)
        prepare_process();
    if (*replicate_command)
        return divan::cli::run_replicate(replicate_options);
    if (*migrate_command)
        return divan::cli::run_migrate(migrate_options);
    if (*test_command)
        return test(std::move(test_options));
    if (*security_command)
        return divan::cli::run_security(security_options);
    if (*openapi_command)
        fmt::print("{}\n", divan::api::openapi_text());
    if (*settings_command)
        fmt::print("{}", divan::config::settings_markdown());
    return 0;
}
