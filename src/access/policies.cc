#include "access/policies.h"

#include "config/config.h"
#include "db/database.h"
#include "json/parser.h"

namespace divan::access {

Policies::Policies(const config::Config &config, db::Store &store)
    : config_(config), source_(store, std::string(kPoliciesDatabase)) {}

PolicySet::Options Policies::options() const {
    return {config_.boolean("authorization", "rbac_enabled"), config_.text("authorization", "default_role")};
}

std::shared_ptr<const PolicySet> Policies::current_cached() const {
    auto cached = std::atomic_load(&cached_);
    if (!cached)
        return nullptr;
    auto state = source_.state_cached();
    return state && *state == cached->state && options() == cached->options ? cached->set : nullptr;
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
    Cached cached{state, options(), nullptr};
    PolicySet set(cached.options);
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
        if (auto policy = read_policy(document->object()); policy.ok())
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
    cached.set = std::make_shared<const PolicySet>(std::move(set));
    auto made = cached.set;
    std::atomic_store(&cached_, std::make_shared<const Cached>(std::move(cached)));
    return made;
}

} // namespace divan::access
