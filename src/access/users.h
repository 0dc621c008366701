#pragma once

// Who is known: the documents of the users database ([chttpd_auth] authentication_db) and the admins of
// [admins]. What is told is never older than the last acknowledged change.
//
// Threads: any.

#include "access/admins.h"
#include "access/external_user.h"
#include "access/system_database.h"
#include "access/user.h"

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class Users {
  public:
    // All outlive it; the store calls it until it is gone.
    Users(const config::Config &config, const Admins &admins, db::Store &store);

    // Null: there is nobody of that name. Blocks on the engine.
    [[nodiscard]] Result<std::shared_ptr<const User>> find(const std::string &name);
    // The same without I/O; nullopt: ask find(). For network threads.
    [[nodiscard]] std::optional<std::shared_ptr<const User>> find_cached(std::string_view name);

    // Writes the user's document over the one that was read (another one is a conflict), or the first one of
    // an admin. Blocks until it is durable. Errors: conflict, and those of the store.
    [[nodiscard]] Result<void> update(const User &user, json::Object document);
    // As the user would. Blocks likewise. Errors: also those of the password policy; forbidden if the
    // password is not kept in the users database.
    [[nodiscard]] Result<void> change_password(const User &user, std::string password);

    // The user of an external one, whose document is written if need be. Blocks until it is durable.
    // Errors: as external_document() and update().
    [[nodiscard]] Result<std::shared_ptr<const User>> provision(const ExternalUser &external,
                                                                std::string_view salt);

    // Names of users whose documents have one of these roles. Reads all of them; blocks.
    [[nodiscard]] Result<std::vector<std::string>> names_with_roles(const std::vector<std::string> &roles);

    // `event` is notified after every change of users or admins, until it is released.
    void listen(const std::shared_ptr<Event> &event) { source_.listen(event); }
    // How many changes there were.
    [[nodiscard]] std::uint64_t change_count() const { return source_.change_count(); }
    // [admins] may have changed.
    void admins_changed() const { source_.notify(); }

  private:
    struct Cached {
        std::string name;
        crypto::SharedSecret admin_text;
        SystemDatabase::State state; // of the database when the user was read
        std::shared_ptr<const User> user;
    };
    Result<void> write(const User &user, json::Object document, db::WriteContext context);
    Result<std::optional<User>> read(db::Database &database, const std::string &name);
    void keep(Cached cached);

    const config::Config &config_;
    const Admins &admins_;
    SystemDatabase source_;
    std::mutex mutex_;
    std::list<Cached> cached_; // most recently used first
    std::map<std::string, std::list<Cached>::iterator, std::less<>> by_name_;
};

// The name in the id of a user's document; nullopt for other ids.
[[nodiscard]] std::optional<std::string_view> user_name_of_id(std::string_view id);

} // namespace divan::access
