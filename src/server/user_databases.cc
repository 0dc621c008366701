#include "server/user_databases.h"

#include "access/users.h"
#include "base/encoding.h"
#include "config/config.h"
#include "telemetry/log.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>

namespace divan::server {
namespace {

constexpr std::size_t kPageRows = 200;
constexpr std::string_view kSection = "couch_peruser";

// Puts the user's name into a group of a security object, or takes it out. Returns whether that changed it.
bool set_name(json::Object &security, const char *group_name, const std::string &user, bool listed) {
    auto *group = security.find(group_name);
    json::Object members = group != nullptr && group->is_object() ? group->object() : json::Object();
    const auto *value = members.find("names");
    json::Array names = value != nullptr && value->is_array() ? value->array() : json::Array();
    auto found = std::find(names.begin(), names.end(), json::Value(user));
    if ((found != names.end()) == listed)
        return false;
    if (listed)
        names.insert(names.begin(), json::Value(user));
    else
        names.erase(found);
    members.set("names", std::move(names));
    security.set(group_name, std::move(members));
    return true;
}

Result<void> set_user(db::Database &database, const std::string &user, bool listed) {
    DIVAN_TRY(auto text, database.security());
    DIVAN_TRY(auto value, json::parse(text, {.depth_max = json::kAnyDepth}));
    if (!value.is_object())
        return {};
    bool changed = false;
    for (const char *group : {"admins", "members"})
        changed |= set_name(value.object(), group, user, listed);
    return changed ? database.set_security(json::to_text(value)) : Result<void>();
}

} // namespace

std::string user_database_name(std::string_view prefix, std::string_view user) {
    return std::string(prefix) + hex_encode(user);
}

struct UserDatabases::State : std::enable_shared_from_this<UserDatabases::State> {
    State(db::Store &shared_store, ServerDatabases &shared_databases, const config::Config &shared_config,
          Executor &shared_pool, telemetry::Logger &shared_log)
        : store(shared_store), databases(shared_databases), config(shared_config), pool(shared_pool),
          log(shared_log), users_database(config.text("chttpd_auth", "authentication_db")) {}

    void look() {
        {
            std::lock_guard lock(mutex);
            if (stopped)
                return;
            again = true;
            if (running)
                return;
            running = true;
        }
        pool.post([self = shared_from_this()] { self->run(); });
    }

    void run() {
        std::unique_lock lock(mutex);
        while (again && !stopped) {
            again = false;
            lock.unlock();
            auto done = config.boolean(kSection, "enable") ? follow() : Result<bool>(false);
            lock.lock();
            if (!done.ok())
                log.error(fmt::format("databases of users cannot be kept: {}", done.error().reason()));
            else
                again |= *done;
        }
        running = false;
        ended.notify_all();
    }

    // A page of changes; whether there are more. What fails is looked at again after the next change of a
    // user.
    Result<bool> follow() {
        auto opened = store.open(users_database);
        if (!opened.ok())
            return opened.error().code() == ErrorCode::not_found ? Result<bool>(false) : opened.error();
        auto &database = **opened;
        if (database.uuid() != uuid) {
            uuid = database.uuid();
            since = {};
        }
        DIVAN_TRY(auto page, database.changes({.since = since, .rows_max = kPageRows}));
        for (const auto &change : page.changes)
            if (auto name = access::user_name_of_id(change.id); name && !name->empty()) {
                DIVAN_TRY_VOID(keep(std::string(*name), !change.deleted));
                since = change.sequence;
            }
        since = page.last;
        return page.more;
    }

    Result<void> keep(const std::string &user, bool exists) {
        auto name = user_database_name(config.text(kSection, "database_prefix"), user);
        auto why = fmt::format("[{}], for user `{}`", kSection, user);
        if (!exists && config.boolean(kSection, "delete_dbs")) {
            auto erased = databases.erase(name, why);
            return erased.ok() || erased.error().code() == ErrorCode::not_found ? Result<void>() : erased;
        }
        auto opened = store.open(name);
        if (!opened.ok() && opened.error().code() == ErrorCode::not_found) {
            if (!exists)
                return {};
            db::DatabaseOptions options;
            options.q = static_cast<std::uint64_t>(config.integer(kSection, "q"));
            opened = databases.create(name, options, why);
            if (!opened.ok() && opened.error().code() == ErrorCode::file_exists)
                opened = store.open(name);
        }
        if (!opened.ok())
            return opened.error();
        return set_user(**opened, user, exists);
    }

    void stop() {
        std::unique_lock lock(mutex);
        stopped = true;
        ended.wait(lock, [this] { return !running; });
    }

    db::Store &store;
    ServerDatabases &databases;
    const config::Config &config;
    Executor &pool;
    telemetry::Logger &log;
    const std::string users_database;
    std::mutex mutex;
    std::condition_variable ended;
    bool running = false;
    bool again = false;
    bool stopped = false;
    // Of who runs.
    std::string uuid;
    kv::Sequence since;
};

UserDatabases::UserDatabases(db::Store &store, ServerDatabases &databases, const config::Config &config,
                             Executor &pool, telemetry::Logger &log)
    : state_(std::make_shared<State>(store, databases, config, pool, log)) {
    store.on_event([state = state_](const db::DatabaseEvent &event) {
        if (event.name == state->users_database)
            state->look();
    });
}

UserDatabases::~UserDatabases() {
    state_->stop();
}

void UserDatabases::look() {
    state_->look();
}

} // namespace divan::server
