#pragma once

// The configuration: defaults, files, changes at run time. Reads are cheap and see one consistent state.
// Thread-safe.

#include "config/ini.h"
#include "config/settings.h"
#include "crypto/secret.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace divan::config {

class Config {
  public:
    // Reads `files` (ini, or YAML if their names end so) in order, later ones win; missing ones are skipped.
    // Changes are kept in `local_file` (made when needed, mode 0600, read last);
    // empty = changes live in memory only.
    // Errors: bad_request naming file, line or setting and bounds.
    static Result<std::unique_ptr<Config>> load(std::vector<std::string> files, std::string local_file);

    // What should be said once at start: unknown settings, settings without effect.
    [[nodiscard]] std::vector<std::string> notices() const;

    // The text of a value; nullopt if it is neither set nor declared. Here and below a secret that is set
    // reads as "****".
    [[nodiscard]] std::optional<std::string> get(std::string_view section, std::string_view key) const;
    // REQUIRES: the setting is declared with that kind.
    [[nodiscard]] std::string text(std::string_view section, std::string_view key) const;
    [[nodiscard]] bool boolean(std::string_view section, std::string_view key) const;
    [[nodiscard]] std::int64_t integer(std::string_view section,
                                       std::string_view key) const; // infinity = INT64_MAX
    [[nodiscard]] double decimal(std::string_view section, std::string_view key) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view section, std::string_view key) const;

    // Everything, defaults included; by section, by key.
    [[nodiscard]] IniValues all() const;
    // The values that were set in a section.
    [[nodiscard]] std::map<std::string, std::string> section(std::string_view section) const;

    // The bytes of a secret, empty if it is not set; never null. The same object until the value is set again
    // or the files are read again. REQUIRES: is_secret().
    [[nodiscard]] crypto::SharedSecret secret(std::string_view section, std::string_view key) const;
    // Those that were set in a section.
    [[nodiscard]] std::map<std::string, crypto::SharedSecret, std::less<>>
    secrets(std::string_view section) const;

    // Sets a value of the command line: over every file, until the process ends.
    Result<void> set_override(std::string_view section, std::string_view key, std::string value);

    // Sets a value now, without the white space around it; `persist` keeps it in the local file. Returns the
    // old value as get() does, "" if there was none.
    // Errors: bad_request (kind or bounds), storage_failed.
    Result<std::string> set(std::string_view section, std::string_view key, std::string value, bool persist);
    // Errors: unknown_config_value.
    Result<std::string> erase(std::string_view section, std::string_view key, bool persist);
    // Reads the files again and drops what was not kept in one.
    Result<void> reload();

    // Whether a value is never shown: declared secret, or of [admins] (a hash can be attacked offline) or
    // [jwt_keys]. Under the older names of a setting, too.
    [[nodiscard]] static bool is_secret(std::string_view section, std::string_view key);
    // Whether a change over HTTP is allowed. Errors: forbidden.
    [[nodiscard]] static Result<void> check_http_change(std::string_view section, std::string_view key);

    // A check of a value beyond its kind and bounds, for what only a higher module can read. From now on
    // set() and reload() refuse what it refuses, naming the setting. Called before other threads use this
    // object. Errors: bad_request, for the value that is set now.
    using Check = std::function<Result<void>(std::string_view value)>;
    Result<void> add_check(std::string_view section, std::string_view key, Check check);
    // The same of all settings of a section whose names are not declared.
    using SectionCheck = std::function<Result<void>(std::string_view key, std::string_view value)>;
    Result<void> add_section_check(std::string_view section, SectionCheck check);

    // Another number after every change: what was made of values that were read at one number is good as long
    // as it stays. Costs nothing.
    [[nodiscard]] std::uint64_t revision() const { return revision_; }

    // Runs after every change, on the thread that made it.
    void on_change(std::function<void()> listener);

  private:
    Config(std::vector<std::string> files, std::string local_file)
        : files_(std::move(files)), local_file_(std::move(local_file)) {}
    // Values, and apart from them the secrets among them.
    struct State {
        IniValues values;
        using Secrets = std::map<std::string, crypto::SharedSecret, std::less<>>;
        std::map<std::string, Secrets, std::less<>> secrets;

        // Zeroes the value of a secret.
        void put(std::string_view section, std::string_view key, std::string value);
        void add(const State &other); // which wins
    };
    Result<State> read_files() const;
    [[nodiscard]] std::shared_ptr<const State> state() const { return std::atomic_load(&state_); }
    [[nodiscard]] Result<void> check_all(const State &state) const;
    void replace(State state);
    void tell_listeners() const;
    [[nodiscard]] Result<void> run_check(std::string_view section, std::string_view key,
                                         std::string_view value) const;
    Result<void> persist(std::string_view section, std::string_view key, const std::string *value);

    const std::vector<std::string> files_;
    const std::string local_file_;
    std::shared_ptr<const State> state_;
    std::atomic<std::uint64_t> revision_ = 0;
    mutable std::mutex mutex_; // changes, one at a time
    State overrides_;
    std::vector<std::function<void()>> listeners_;
    std::map<std::pair<std::string, std::string>, Check, std::less<>> checks_;
    std::map<std::string, SectionCheck, std::less<>> section_checks_;
};

} // namespace divan::config
