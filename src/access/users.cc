#include "access/users.h"

#include "access/principal.h"
#include "access/stored_user.h"

#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <future>

namespace divan::access {
namespace {

constexpr std::size_t kCachedMin = 1'000;

} // namespace

std::optional<std::string_view> user_name_of_id(std::string_view id) {
    if (!id.starts_with(kUserIdPrefix))
        return std::nullopt;
    return id.substr(kUserIdPrefix.size());
}

Users::Users(const config::Config &config, const Admins &admins, db::Store &store)
    : config_(config), admins_(admins), source_(store, config.text("chttpd_auth", "authentication_db")) {}

std::optional<std::shared_ptr<const User>> Users::find_cached(std::string_view name) {
    auto state = source_.state_cached();
    if (!state)
        return std::nullopt;
    auto admin_text = admins_.find(name);
    std::lock_guard lock(mutex_);
    auto found = by_name_.find(name);
    if (found == by_name_.end())
        return std::nullopt;
    const auto &cached = *found->second;
    if (cached.state != *state || cached.admin_text != admin_text)
        return std::nullopt;
    cached_.splice(cached_.begin(), cached_, found->second);
    return cached.user;
}

// nullopt: there is no such document.
Result<std::optional<User>> Users::read(db::Database &database, const std::string &name) {
    auto id = std::string(kUserIdPrefix) + name;
    if (!db::check_document_id(id).ok())
        return std::optional<User>();
    DIVAN_TRY(auto stored, read_stored_user(database, id));
    if (!stored)
        return std::optional<User>();
    auto user = read_user(std::move(stored->document));
    user.name = name;
    user.rev = stored->head.rev.text();
    user.attachments = std::move(stored->attachments);
    // Leaves that are deleted are no conflicts.
    if (stored->head.leaf_count > 1) {
        DIVAN_TRY(auto tree, database.tree(stored->head));
        auto leaves = tree.leaves();
        user.conflicted = std::count_if(leaves.begin(), leaves.end(),
                                        [](const auto &leaf) { return !leaf.info.deleted; }) > 1;
    }
    return std::optional(std::move(user));
}

Result<std::shared_ptr<const User>> Users::find(const std::string &name) {
    if (auto cached = find_cached(name))
        return std::move(*cached);
    // Before the document is read: it is as new as that, or newer.
    DIVAN_TRY(auto state, source_.state());
    Cached cached{name, admins_.find(name), state, nullptr};
    std::optional<User> user;
    if (state.database) {
        DIVAN_TRY(user, read(*state.database, name));
    }
    if (!cached.admin_text->empty())
        user = join_admin(name, cached.admin_text->reveal(), std::move(user));
    if (user)
        cached.user = std::make_shared<const User>(std::move(*user));
    auto found = cached.user;
    keep(std::move(cached));
    return found;
}

void Users::keep(Cached cached) {
    auto entries_max =
        std::max(kCachedMin, static_cast<std::size_t>(config_.integer("chttpd_auth", "auth_cache_size")));
    std::lock_guard lock(mutex_);
    if (auto known = by_name_.find(cached.name); known != by_name_.end()) {
        cached_.erase(known->second);
        by_name_.erase(known);
    }
    cached_.push_front(std::move(cached));
    by_name_[cached_.front().name] = cached_.begin();
    while (cached_.size() > entries_max) {
        by_name_.erase(cached_.back().name);
        cached_.pop_back();
    }
}

Result<std::vector<std::string>> Users::names_with_roles(const std::vector<std::string> &roles) {
    std::vector<std::string> names;
    DIVAN_TRY(auto state, source_.state());
    db::DocumentScan scan;
    scan.begin = kUserIdPrefix;
    auto visit = [&](std::string_view id, std::string_view text) {
        auto document = json::parse(std::string(text), {.depth_max = json::kAnyDepth});
        auto name = user_name_of_id(id);
        if (!document.ok() || !name)
            return true;
        auto user = read_user(std::move(document->object()));
        if (std::any_of(user.roles.begin(), user.roles.end(), [&](const auto &role) {
                return std::find(roles.begin(), roles.end(), role) != roles.end();
            }))
            names.emplace_back(*name);
        return true;
    };
    for (bool more = state.database != nullptr && !roles.empty(); more;) {
        DIVAN_TRY(auto end, state.database->scan_documents(scan, visit));
        more = !end.exhausted;
        scan.begin = end.last_id + '\0';
    }
    return names;
}

Result<void> Users::update(const User &user, json::Object document) {
    if (user.rev.empty()) {
        document.set("type", "user");
        document.set("name", user.name);
        document.set("roles", json::Array());
    }
    return write(user, std::move(document), db::WriteContext::system());
}

Result<void> Users::change_password(const User &user, std::string password) {
    if (user.is_admin || !user.password || user.rev.empty())
        return Error(ErrorCode::forbidden,
                     "The password of this account is not kept here: it is changed where "
                     "it is kept.");
    auto document = user.document;
    document.set("password", std::move(password));
    Principal principal{user.name, user.roles, "default"};
    return write(user, std::move(document),
                 db::WriteContext::user(user_context_json(principal, source_.name())));
}

Result<void> Users::write(const User &user, json::Object document, db::WriteContext context) {
    DIVAN_TRY(auto state, source_.state());
    if (!state.database)
        return Error(ErrorCode::not_found, "Database does not exist.");
    const auto &database = state.database;
    db::Edit edit;
    edit.id = std::string(kUserIdPrefix) + user.name;
    if (!user.rev.empty()) {
        DIVAN_TRY(edit.parent, doc::RevId::parse(user.rev));
    }
    edit.json = json::to_text(json::Value(std::move(document)));
    for (const auto &kept : user.attachments)
        edit.attachments.push_back({.name = kept, .content_type = {}, .data = {}, .revpos = {}, .md5 = {}});
    std::promise<Result<void>> written;
    auto answer = written.get_future();
    std::vector<db::Edit> edits;
    edits.push_back(std::move(edit));
    database->write(
        std::move(edits), std::move(context), [&written](std::vector<Result<db::Written>> answers) {
            written.set_value(answers.front().ok() ? Result<void>() : Result<void>(answers.front().error()));
        });
    return answer.get();
}

Result<std::shared_ptr<const User>> Users::provision(const ExternalUser &external, std::string_view salt) {
    DIVAN_TRY(auto known, find(external.name));
    DIVAN_TRY(auto document, external_document(external, known.get(), salt));
    if (!document)
        return known;
    User made;
    made.name = external.name;
    DIVAN_TRY_VOID(write(known != nullptr ? *known : made, std::move(*document), db::WriteContext::system()));
    return find(external.name);
}

} // namespace divan::access
