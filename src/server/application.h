#pragma once

// The composition root: the one place that names concrete engines and joins everything.

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::server {

struct ServeOptions {
    std::string data_directory; // empty: [couchdb] database_dir, or `memory`
    std::optional<std::string> bind;
    std::optional<std::uint16_t> port;
    std::optional<std::string> admin;  // NAME:PASSWORD
    std::optional<std::string> secret; // over [chttpd_auth] secret
    std::vector<std::string> config_files;
    std::string node_name;                // empty: divan@127.0.0.1
    std::optional<std::string> log_level; // over [log] level
    bool memory = false;
    std::string load;                 // file or directory of JSON; only with `memory`
    std::string spidermonkey_version; // of the JavaScript workers, for `_versions`
};

// A running server. start() to stop() once.
class Application {
  public:
    explicit Application(ServeOptions options);
    ~Application(); // stops

    // Opens everything and begins to serve. Errors: bad_request and others with what to do about it.
    [[nodiscard]] Result<void> start();
    // REQUIRES: started. "http://127.0.0.1:5984/"
    [[nodiscard]] std::string url() const;
    // REQUIRES: started. "https://127.0.0.1:6984/"; "" without [ssl] enable.
    [[nodiscard]] std::string tls_url() const;
    // REQUIRES: started. Reads the certificate of the HTTPS listener again; logs what is wrong with it. Any
    // thread.
    void reload_certificate();
    // Runs when `_restart` was asked for; any thread.
    void on_restart(std::function<void()> restart);
    // Ends open requests, then everything else. Idempotent.
    void stop();

  private:
    class Parts;
    ServeOptions options_;
    std::unique_ptr<Parts> parts_;
};

} // namespace divan::server
