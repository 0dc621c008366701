#pragma once

// What `divan replicate` and `divan migrate` take, and the help that teaches it.

namespace CLI {
class App;
}

namespace divan::cli {

struct MigrateCommand;
struct ReplicateCommand;

void add_migrate_options(CLI::App &app, MigrateCommand &command);
void add_replicate_options(CLI::App &app, ReplicateCommand &command);

} // namespace divan::cli
