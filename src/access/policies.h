#pragma once

// The policies database as it is now.
//
// Threads: any.

#include "access/policy_set.h"
#include "access/system_database.h"

#include <atomic>
#include <memory>
#include <optional>

namespace divan::config {
class Config;
}

namespace divan::access {

class Users;
struct User;

class Policies {
  public:
    // Both outlive it; the store calls it until it is gone.
    Policies(const config::Config &config, db::Store &store);
    // Who knows attributes of users. Before the first question; they outlive it, or the last one.
    void set_users(Users &users) { users_ = &users; }

    // Never older than the last acknowledged change. Blocks on the engine. Errors: those of the engine; then
    // nothing may be permitted.
    [[nodiscard]] Result<std::shared_ptr<const PolicySet>> current();
    // The same without I/O; null: ask current(). For network threads.
    [[nodiscard]] std::shared_ptr<const PolicySet> current_cached() const;

    // What document rules make of the principal; null: none binds it. Blocks on the engine. Errors: as
    // current(), and those of selector::compile().
    [[nodiscard]] Result<std::shared_ptr<const DocumentAccess>>
    document_access(const PolicySet &set, const Principal &principal, std::string_view database);
    // The same without I/O; nullopt: ask document_access().
    [[nodiscard]] std::optional<Result<std::shared_ptr<const DocumentAccess>>>
    document_access_cached(const PolicySet &set, const Principal &principal, std::string_view database);

    // Of databases of replications: a document is shown to its owner, as it may hold credentials.
    [[nodiscard]] std::shared_ptr<const DocumentAccess> own_replications(const Principal &principal) const {
        return own_documents(principal, cipher_);
    }

    // Of a text that is written where fields may be concealed: who knows the rest of it shall not try what
    // they hold until the revision is right. The same on nodes that share [chttpd_auth] secret.
    [[nodiscard]] std::string revision_salt(std::string_view text) const;

    // `event` is notified after every change, until it is released.
    void listen(const std::shared_ptr<Event> &event) { source_.listen(event); }
    // How many changes there were.
    [[nodiscard]] std::uint64_t change_count() const { return source_.change_count(); }

  private:
    struct Cached {
        SystemDatabase::State state;
        PolicySet::Options options;
        std::shared_ptr<const PolicySet> set;
        // Of the configuration, when these options were last seen.
        mutable std::atomic<std::uint64_t> config_revision = 0;
    };

    [[nodiscard]] PolicySet::Options options() const;
    // Whether the options are still those of the configuration.
    [[nodiscard]] bool options_hold(const Cached &cached) const;
    Result<std::shared_ptr<const PolicySet>> read(const SystemDatabase::State &state);
    Result<std::shared_ptr<const DocumentAccess>> made_for(const PolicySet &set, const Principal &principal,
                                                           const User *user, std::string_view database) const;

    const config::Config &config_;
    const crypto::BlockCipher cipher_; // of tokens
    const crypto::Secret salt_key_;
    SystemDatabase source_;
    Users *users_ = nullptr;
    std::shared_ptr<const Cached> cached_; // std::atomic_load
};

} // namespace divan::access
