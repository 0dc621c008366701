#include "access/policies.h"

#include "access/users.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "db/database.h"
#include "selector/limits.h"
#include "json/parser.h"

namespace divan::access {

namespace {

// Tokens stay good as long as the secret that nodes share; a changed one counts from the next start.
crypto::Secret token_key(const config::Config &config) {
    auto key =
        crypto::hmac_sha256(config.secret("chttpd_auth", "secret")->reveal(), "sequences of document rules");
    return crypto::Secret::take(key);
}

json::Object attributes_of(const User *user) {
    const auto *attributes = user != nullptr ? user->document.find("policy_attributes") : nullptr;
    return attributes != nullptr && attributes->is_object() ? attributes->object() : json::Object();
}

} // namespace

Policies::Policies(const config::Config &config, db::Store &store)
    : config_(config), cipher_(token_key(config)), source_(store, std::string(kPoliciesDatabase)) {}

Result<std::shared_ptr<const DocumentAccess>>
Policies::document_access(const PolicySet &set, const Principal &principal, std::string_view database) {
    json::Object attributes;
    if (set.wants_attributes() && users_ != nullptr && set.has_document_rules(principal, database)) {
        DIVAN_TRY(auto user, users_->find(principal.name));
        attributes = attributes_of(user.get());
    }
    return set.document_access(principal, attributes, database, selector::stored_limits(config_), cipher_);
}

std::optional<Result<std::shared_ptr<const DocumentAccess>>>
Policies::document_access_cached(const PolicySet &set, const Principal &principal,
                                 std::string_view database) {
    json::Object attributes;
    if (set.wants_attributes() && users_ != nullptr && set.has_document_rules(principal, database)) {
        auto user = users_->find_cached(principal.name);
        if (!user)
            return std::nullopt;
        attributes = attributes_of(user->get());
    }
    return set.document_access(principal, attributes, database, selector::stored_limits(config_), cipher_);
}

PolicySet::Options Policies::options() const {
    return {config_.boolean("authorization", "rbac_enabled"), config_.text("authorization", "default_role")};
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
