#include "cli/replication_options.h"

#include "cli/migrate_command.h"
#include "cli/replicate_command.h"

#include <CLI/CLI.hpp>

namespace divan::cli {
namespace {

void add_connection_options(CLI::App &app, ConnectionOptions &options) {
    constexpr const char *kGroup = "Connections";
    app.add_option("--ca", options.ca_file, "PEM file of the authorities to trust (default: the system's)")
        ->group(kGroup);
    app.add_option("--client-cert", options.certificate_file, "PEM file of a certificate of this client")
        ->group(kGroup);
    app.add_option("--client-key", options.key_file, "PEM file of its key")->group(kGroup);
    app.add_flag("--insecure", options.insecure,
                 "Do not verify certificates of servers: anybody may pretend to be them")
        ->group(kGroup);
}

constexpr const char *kHow = "How";

void add_tuning_options(CLI::App &app, TuningOptions &options) {
    app.add_option("--batch-size", options.batch_size, "Documents of a batch (default 500)")->group(kHow);
    app.add_option("--workers", options.workers, "Batches of a database beside each other (default 4)")
        ->group(kHow);
    app.add_option("--connections", options.connections, "Of a database to each end (default 20)")
        ->group(kHow);
    app.add_option("--timeout", options.timeout_seconds, "Longest wait for a server, in s (default 30)")
        ->check(CLI::Range(1, 86'400))
        ->group(kHow);
    app.add_option("--retries", options.retries, "Of each request (default 5)")->group(kHow);
}

} // namespace

void add_replicate_options(CLI::App &app, ReplicateCommand &command) {
    app.add_option("SOURCE", command.source,
                   "Database to read: http://NAME:PASSWORD@HOST:PORT/DB, or the name of one of --url")
        ->required();
    app.add_option("TARGET", command.target, "Database to write, likewise")->required();
    app.add_option("--url", command.url,
                   "The server of bare names, as http://NAME:PASSWORD@HOST:PORT; also DIVAN_URL (default "
                   "http://127.0.0.1:5984)");
    app.add_flag("--continuous", command.continuous,
                 "Go on with each change, and after failures, until SIGINT or SIGTERM");
    app.add_flag("--json", command.json, "Print JSON objects, one a line");
    app.add_flag("--quiet", command.quiet, "Print errors only");

    constexpr const char *kWhat = "What is copied";
    app.add_option("--selector", command.selector, "Documents that match, as JSON")->group(kWhat);
    app.add_option("--filter", command.filter, "Documents that a filter function takes: DDOC/NAME")
        ->group(kWhat);
    app.add_option("--view", command.view, "Documents for which a view emits: DDOC/VIEW")->group(kWhat);
    app.add_option("--query-param", command.query_params,
                   "NAME=VALUE for the function, may be given several times")
        ->allow_extra_args(false)
        ->group(kWhat);
    app.add_option("--doc-id", command.doc_ids, "A document, may be given several times")
        ->allow_extra_args(false)
        ->group(kWhat);
    app.add_option("--doc-ids-file", command.doc_ids_file, "A file with one id a line")->group(kWhat);
    app.add_flag("--winning-revs-only", command.winning_revs_only, "Leave conflicts behind")->group(kWhat);
    app.add_option("--since-seq", command.since_seq, "Changes behind this sequence of the source")
        ->group(kWhat);
    app.add_flag("--create-target", command.create_target, "Make the target if it is not there")
        ->group(kWhat);
    app.add_option("--q", command.create_q, "... with so many shards")->group(kWhat);
    app.add_flag("--partitioned", command.create_partitioned, "... as a partitioned one")->group(kWhat);

    add_tuning_options(app, command.tuning);
    app.add_option("--checkpoint-interval", command.checkpoint_seconds, "In s (default 30)")->group(kHow);
    app.add_flag("--no-checkpoints", command.no_checkpoints,
                 "Record nothing: for ends that cannot be written")
        ->group(kHow);
    app.add_option("--kilobytes-per-second", command.kilobytes_per_second,
                   "What may go over the wire, both directions together (default: no limit)")
        ->group(kHow);
    app.add_option("--retry-first", command.retry_first_seconds,
                   "With --continuous: wait after a failure, in s, doubling (default 5)")
        ->check(CLI::Range(1, 86'400))
        ->group(kHow);
    app.add_option("--retry-max", command.retry_max_seconds, "... up to (default 300)")
        ->check(CLI::Range(1, 86'400))
        ->group(kHow);

    add_connection_options(app, command.connection);
    app.add_option("--bearer-source", command.bearer_source,
                   "Name of an environment variable that holds a token for the source")
        ->group("Connections");
    app.add_option("--bearer-target", command.bearer_target, "... for the target")->group("Connections");

    constexpr const char *kReset = "Forgetting";
    app.add_flag(
           "--reset-checkpoint", command.reset_checkpoint,
           "Copy nothing: show what is recorded of this replication and what forgetting costs, and forget")
        ->group(kReset);
    app.add_option("--id", command.id, "... of the job with this id, such as one of a _replicator database")
        ->group(kReset);
    app.add_flag("--yes", command.yes, "... without asking")->group(kReset);

    app.footer(
        "Runs in this process, between any two servers that speak CouchDB's replication protocol; neither\n"
        "needs to reach the other. Run again, it goes on from its last checkpoint, from any machine.\n\n"
        "Passwords need not stand on the command line: DIVAN_SOURCE_LOGIN and DIVAN_TARGET_LOGIN hold\n"
        "NAME:PASSWORD for URLs without one. Those that do are hidden from lists of processes.\n\n"
        "Examples:\n"
        "  export DIVAN_URL=http://admin:correct-horse@127.0.0.1:5984\n"
        "  divan replicate https://couch.example.org/orders orders --create-target\n"
        "  divan replicate orders orders-open --create-target --selector '{\"status\": \"open\"}'\n"
        "  DIVAN_TARGET_LOGIN=backup:secret divan replicate orders https://backup.example.org/orders "
        "--continuous\n"
        "  divan replicate orders orders-open --selector '{\"status\": \"open\"}' --reset-checkpoint\n\n"
        "Status: 0 done, or stopped by a signal with --continuous; 1 failed; 2 wrong command line;\n"
        "3 done, but the target refused documents.");
}

void add_migrate_options(CLI::App &app, MigrateCommand &command) {
    app.add_option("SERVER", command.from,
                   "The old server: http://NAME:PASSWORD@HOST:PORT, of a server admin")
        ->required();
    app.add_option("--to", command.to,
                   "The new server, likewise; also DIVAN_URL (default http://127.0.0.1:5984)");
    app.add_flag("--dry-run", command.dry_run, "Show what would be copied, and copy nothing");
    app.add_flag("--follow", command.follow,
                 "Then go on with what is written to the old server, until SIGINT or SIGTERM");
    app.add_option("--follow-interval", command.follow_seconds, "... looking every so many s (default 2)")
        ->check(CLI::Range(1, 86'400));
    app.add_flag("--no-verify", command.no_verify, "Do not compare the servers after copying");
    app.add_option("--differences", command.differences_max,
                   "Differing documents that are shown of each database (default 20)")
        ->check(CLI::Range(0, 1'000'000));
    app.add_flag("--json", command.json, "Print JSON objects, one a line");
    app.add_flag("--quiet", command.quiet, "Print errors only");

    constexpr const char *kWhat = "What is copied";
    app.add_option("--databases", command.databases,
                   "Databases whose name matches: 'orders*'; may be given several times (default: all)")
        ->allow_extra_args(false)
        ->group(kWhat);
    app.add_option("--exclude", command.excluded, "... but not these; may be given several times")
        ->allow_extra_args(false)
        ->group(kWhat);
    app.add_flag("--local-documents", command.local_documents,
                 "Also _local documents: checkpoints of those who push to the old server")
        ->group(kWhat);

    app.add_option("--parallel", command.parallel, "Databases at once (default 2)")
        ->check(CLI::Range(1, 64))
        ->group(kHow);
    add_tuning_options(app, command.tuning);
    app.add_option("--kilobytes-per-second", command.connection.kilobytes_per_second,
                   "What may go over the wire, all together (default: no limit)")
        ->group(kHow);
    add_connection_options(app, command.connection);
    app.add_option("--bearer-source", command.bearer_source,
                   "Name of an environment variable that holds a token for the old server")
        ->group("Connections");
    app.add_option("--bearer-target", command.bearer_target, "... for the new one")->group("Connections");

    app.footer("Copies each database with q, partitioned, _security, revs_limit, all leaves of all documents "
               "and their\n"
               "attachments; _users with its passwords; _replicator paused, so that nothing runs twice. Then "
               "it compares\n"
               "the leaves of both servers and shows what differs. Stopped, it is run again and goes on from "
               "its last\n"
               "checkpoints. The old server is only read, but for checkpoints in _local documents.\n\n"
               "DIVAN_SOURCE_LOGIN and DIVAN_TARGET_LOGIN hold NAME:PASSWORD for URLs without one.\n\n"
               "Examples:\n"
               "  export DIVAN_URL=http://admin:correct-horse@127.0.0.1:5984\n"
               "  divan migrate http://admin:secret@couch.example.org:5984 --dry-run\n"
               "  divan migrate http://admin:secret@couch.example.org:5984 --follow\n"
               "  divan migrate http://admin:secret@couch.example.org:5984 --databases 'shop/*' --exclude "
               "'*/logs'\n\n"
               "Clients, once they are switched: sequences of the old server are foreign to the new one. Who "
               "reads or\n"
               "pulls begins at the start once, compares, and fetches nothing that it has. docs/migration.md "
               "tells all.\n\n"
               "Status: 0 everything is there, or stopped by a signal while following; 1 a database failed, "
               "or stopped\n"
               "before the end; 2 wrong command line; 3 documents were refused, or the servers differ.");
}

} // namespace divan::cli
