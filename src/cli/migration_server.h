#pragma once

// One of the two servers of a migration, asked by a thread that waits for the answers.
//
// Threads: one at a time for each object.

#include "cli/replication_endpoint.h"
#include "cli/replication_host.h"
#include "net/client.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::cli {

class MigrationServer {
  public:
    // `name.text` is its URL; `timeout`: the longest wait for a connection and for an answer (not given:
    // those of net::Client). Errors: bad_request, never with a password.
    static Result<MigrationServer> open(const EndName &name, const ConnectionOptions &options,
                                        std::optional<Millis> timeout, const Environment &environment);

    // Answers below 400, as JSON. Errors: as net::Client, and what the server answers (server_answer.h).
    Result<json::Value> get(const std::string &target) { return ask("GET", target, ""); }
    Result<json::Value> ask(const std::string &method, const std::string &target, const std::string &body);

    // A database of it as an end of a replication.
    [[nodiscard]] json::Object end(std::string_view database) const;
    [[nodiscard]] std::string shown() const { return url_.shown(); }

  private:
    MigrationServer(net::ServerUrl url, std::string text, json::Value auth, net::ClientOptions options);

    net::ServerUrl url_;
    std::string text_; // the URL
    json::Value auth_; // of `_replicate`; null: it is in the URL, or there is none
    std::unique_ptr<net::Client> client_;
};

// "/a%2Fb"
[[nodiscard]] std::string database_path(std::string_view database);

} // namespace divan::cli
