#pragma once

// Which databases are migrated, and what is known of them before.

#include "cli/migration_server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace divan::cli {

struct DatabaseFacts {
    std::string name;
    std::uint64_t documents = 0;
    std::uint64_t deleted = 0;
    std::uint64_t bytes = 0; // as the old server counts them
    std::optional<std::uint64_t> q;
    bool partitioned = false;
    std::string update_seq;         // JSON text
    bool numeric_sequences = false; // of CouchDB 1, for example

    // Rows of its feed.
    [[nodiscard]] std::uint64_t changes() const { return documents + deleted; }
};

struct Choice {
    std::vector<std::string> chosen;  // in order
    std::vector<std::string> skipped; // databases that belong to the old server itself
    std::vector<std::string> missed;  // globs of `wanted` that match none that may be chosen
};
// `wanted`, `excluded`: globs, in which * stands for slashes, too. Databases that a server keeps for itself
// are never chosen. Pure.
[[nodiscard]] Choice choose_databases(const std::vector<std::string> &names,
                                      const std::vector<std::string> &wanted,
                                      const std::vector<std::string> &excluded);

// Reads `GET /{db}`. Pure.
[[nodiscard]] DatabaseFacts read_facts(std::string name, const json::Value &info);

// Errors: as the server answers.
[[nodiscard]] Result<std::vector<std::string>> list_databases(MigrationServer &server);
[[nodiscard]] Result<DatabaseFacts> look_at(MigrationServer &server, const std::string &name);

// The plan as a table for people, with a line for all. Pure.
[[nodiscard]] std::string plan_table(const std::vector<DatabaseFacts> &databases);

} // namespace divan::cli
