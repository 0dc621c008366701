#include "access/policies.h"

#include "access/users.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "db/database.h"
#include "selector/limits.h"
#include "json/parser.h"

namespace divan::access {

namespace {

// Tokens and revisions stay as long as the secret that nodes share; a changed one counts from the next start.
crypto::Secret key_for(const config::Config &config, std::string_view purpose) {
    auto key = crypto::hmac_sha256(config.secret("chttpd_auth", "secret")->reveal(), purpose);
    return crypto::Secret::take(key);
}

json::Object attributes_of(const User *user) {
    const auto *attributes = user != nullptr ? user->document.find("policy_attributes") : nullptr;
    return attributes != nullptr && attributes->is_object() ? attributes->object() : json::Object();
}

} // namespace

Policies::Policies(const config::Config &config, db::Store &store)
    : config_(config), cipher_(key_for(config, "sequences of document rules")),
      salt_key_(key_for(config, "revisions of field rules")), source_(store, std::string(kPoliciesDatabase)) {
}

Result<std::shared_ptr<const DocumentAccess>>
Policies::document_access(const PolicySet &set, const Principal &principal, std::string_view database) {
    if (!set.has_document_rules(principal, database))
        return std::shared_ptr<const DocumentAccess>();
    std::shared_ptr<const User> user;
    if (set.wants_attributes() && users_ != nullptr) {
        DIVAN_TRY(user, users_->find(principal.name));
    }
    return made_for(set, principal, user.get(), database);
}

std::optional<Result<std::shared_ptr<const DocumentAccess>>>
Policies::document_access_cached(const PolicySet &set, const Principal &principal,
                                 std::string_view database) {
    if (!set.has_document_rules(principal, database))
        return std::shared_ptr<const DocumentAccess>();
    std::shared_ptr<const User> user;
    if (set.wants_attributes() && users_ != nullptr) {
        auto known = users_->find_cached(principal.name);
        if (!known)
            return std::nullopt;
        user = std::move(*known);
    }
    return made_for(set, principal, user.get(), database);
}

// `user`: null if attributes are not asked for, or there is no such user.
Result<std::shared_ptr<const DocumentAccess>> Policies::made_for(const PolicySet &set,
                                                                 const Principal &principal, const User *user,
                                                                 std::string_view database) const {
    return set.document_access(principal, attributes_of(user), database, selector::stored_limits(config_),
                               cipher_);
}

std::string Policies::revision_salt(std::string_view text) const {
    return crypto::hmac_sha256(salt_key_.reveal(), text);
}

PolicySet::Options Policies::options() const {
    return {config_.boolean("authorization", "rbac_enabled"), config_.text("authorization", "default_role"),
            static_cast<std::size_t>(config_.integer("authorization", "accesses_max"))};
}

std::shared_ptr<const PolicySet> Policies::current_cached() const {
    auto cached = std::atomic_load(&cached_);
    if (!cached)
        return nullptr;
    auto state = source_.state_cached();
    return state && *state == cached->state && options_hold(*cached) ? cached->set : nullptr;
}

// Settings are read by name only when one has changed.
bool Policies::options_hold(const Cached &cached) const {
    auto revision = config_.revision();
    if (cached.config_revision == revision)
        return true;
    if (options() != cached.options)
        return false;
    cached.config_revision = revision;
    return true;
}

Result<std::shared_ptr<const PolicySet>> Policies::current() {
    if (auto known = current_cached())
        return known;
    // Before the documents are read: they are as new as that, or newer.
    DIVAN_TRY(auto state, source_.state());
    DIVAN_TRY(auto set, read(state));
    return set;
}

Result<std::shared_ptr<const PolicySet>> Policies::read(const SystemDatabase::State &state) {
    auto cached = std::make_shared<Cached>();
    cached->state = state;
    cached->config_revision = config_.revision();
    cached->options = options();
    PolicySet set(cached->options);
    db::DocumentScan scan;
    scan.design_documents = false;
    auto add = [&](std::string_view id, std::string_view text) {
        auto document = json::parse(std::string(text), {.depth_max = json::kAnyDepth});
        if (!document.ok() || !document->is_object()) {
            set.add_unreadable(std::string(id));
            return true;
        }
        for (const auto *special : {"_id", "_rev", "_attachments"})
            document->object().erase(special);
        if (auto policy = read_policy(document->object(), id); policy.ok())
            set.add(std::move(*policy));
        else
            set.add_unreadable(std::string(id));
        return true;
    };
    for (bool more = state.database != nullptr; more;) {
        DIVAN_TRY(auto end, state.database->scan_documents(scan, add));
        more = !end.exhausted;
        scan.begin = end.last_id + '\0';
    }
    cached->set = std::make_shared<const PolicySet>(std::move(set));
    auto made = cached->set;
    std::atomic_store(&cached_, std::shared_ptr<const Cached>(std::move(cached)));
    return made;
}

} // namespace divan::access
