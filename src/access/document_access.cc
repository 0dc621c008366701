#include "access/document_access.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace divan::access {
namespace {

constexpr std::string_view kSealed = "0-g2"; // a token of no history, for who is under no rules
constexpr std::string_view kPlain = "-g1";
constexpr std::size_t kDigestBytes = 8;
constexpr std::size_t kBlockDigits = 32;

std::shared_ptr<const SharedSelector> share(std::shared_ptr<const selector::Selector> compiled) {
    return std::make_shared<const SharedSelector>(std::move(compiled));
}

// The highest level that the user may see; nullopt: none.
std::optional<std::size_t> clearance_of(const Classification &classification, const Principal &principal,
                                        const RuleUser &user) {
    const auto &levels = classification.levels;
    std::optional<std::size_t> highest;
    auto raise = [&](const std::string &level) {
        auto found = std::find(levels.begin(), levels.end(), level);
        if (found != levels.end())
            highest = std::max(highest.value_or(0), static_cast<std::size_t>(found - levels.begin()));
    };
    for (const auto &[role, level] : classification.clearances)
        if (principal.has_role(role))
            raise(level);
    if (const auto *own = user.attributes.find("clearance"); own != nullptr && own->is_string())
        raise(own->string());
    if (!highest && classification.default_clearance)
        raise(*classification.default_clearance);
    return highest;
}

json::Value object_of(std::string name, json::Value value) {
    json::Object object;
    object.append(std::move(name), std::move(value));
    return json::Value(std::move(object));
}

// What documents of the levels up to a clearance match. A list of levels, or one that nobody knows, is above
// all.
json::Value selector_of(const Classification &classification, std::optional<std::size_t> clearance) {
    const auto &levels = classification.levels;
    json::Array cleared;
    for (std::size_t i = 0; clearance && i <= *clearance; ++i)
        cleared.emplace_back(levels[i]);
    json::Object level;
    level.append("$type", "string");
    level.append("$in", cleared);
    json::Array ways;
    ways.push_back(object_of(classification.field, json::Value(std::move(level))));
    auto unmarked = classification.default_level.value_or(levels.back());
    if (std::find(cleared.begin(), cleared.end(), json::Value(unmarked)) != cleared.end())
        ways.push_back(object_of(classification.field, object_of("$exists", false)));
    return object_of("$or", json::Value(std::move(ways)));
}

} // namespace

DocumentAccess::DocumentAccess(Parts parts, const crypto::BlockCipher &cipher)
    : parts_(std::move(parts)), cipher_(cipher),
      digest_bytes_(crypto::sha256(parts_.description).substr(0, kDigestBytes)),
      digest_(hex_encode(digest_bytes_)) {}

bool DocumentAccess::permits(bool Rule::*operation, std::string_view id, std::string_view json) const {
    auto matches = [&](const auto &rule) { return rule.selector && rule.selector->matches(id, json); };
    if (parts_.has_rules && std::none_of(parts_.rules.begin(), parts_.rules.end(),
                                         [&](const Rule &rule) { return rule.*operation && matches(rule); }))
        return false;
    return std::all_of(parts_.bounds.begin(), parts_.bounds.end(), matches);
}

DocumentAccess::Decision DocumentAccess::decide(std::string_view id, std::string_view json,
                                                bool write) const {
    Decision decision;
    decision.granted = !parts_.has_rules;
    for (const auto &rule : parts_.rules) {
        if (!(write ? rule.write : rule.read))
            continue;
        decision.judged.push_back(rule.id);
        if (!decision.granted && rule.selector && rule.selector->matches(id, json)) {
            decision.granted = true;
            decision.rule = rule.id;
        }
    }
    for (const auto &bound : parts_.bounds) {
        decision.judged.push_back(bound.id);
        if (decision.granted && !bound.selector->matches(id, json)) {
            decision.granted = false;
            decision.rule = bound.id;
        }
    }
    return decision;
}

void DocumentAccess::append_sealed(std::string &out, std::string_view token) const {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    auto tail = token.substr(static_cast<std::size_t>(end - token.data()));
    if (tail.starts_with(kPlain))
        tail.remove_prefix(kPlain.size());
    crypto::Block block{};
    for (std::size_t i = 0; i < 8; ++i)
        block[i] = static_cast<char>(number >> (56 - 8 * i));
    std::copy(digest_bytes_.begin(), digest_bytes_.end(), block.begin() + 8);
    auto sealed = cipher_.encrypt(block);
    out.append(kSealed);
    append_hex(out, {sealed.data(), sealed.size()});
    out.append(tail);
}

std::optional<std::string> DocumentAccess::unseal(std::string_view sealed) const {
    if (sealed.size() >= 2 && sealed.front() == '"' && sealed.back() == '"')
        sealed = sealed.substr(1, sealed.size() - 2);
    if (!sealed.starts_with(kSealed) || sealed.size() < kSealed.size() + kBlockDigits)
        return std::nullopt;
    sealed.remove_prefix(kSealed.size());
    auto bytes = hex_decode(sealed.substr(0, kBlockDigits));
    crypto::Block block{};
    if (!bytes || bytes->size() != block.size())
        return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), block.begin());
    auto opened = cipher_.decrypt(block);
    if (std::string_view(opened.data() + 8, kDigestBytes) != digest_bytes_)
        return std::nullopt;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i)
        number = number << 8 | static_cast<unsigned char>(opened[i]);
    return std::to_string(number).append(kPlain).append(sealed.substr(kBlockDigits));
}

namespace {

// Gathers what binds one principal in one database.
class Joining {
  public:
    Joining(const Principal &principal, const RuleUser &user, std::string_view database,
            const selector::Limits &limits)
        : principal_(principal), user_(user), database_(database), limits_(limits) {}

    [[nodiscard]] bool binds(const auto &policy) const {
        return covers_database(policy.databases, database_) && policy.subjects.has(principal_);
    }

    Result<void> add(const DocumentRule &policy) {
        if (!std::exchange(parts.has_rules, true))
            parts.description.append("rules\n");
        DocumentAccess::Rule rule{policy.id, policy.read, policy.write, nullptr};
        if (auto filled = fill_template(policy.filter, user_)) {
            DIVAN_TRY(rule.selector, compile(*filled));
            if (policy.read)
                describe("r", *filled);
        }
        parts.rules.push_back(std::move(rule));
        parts.open_views.insert(policy.safe_views.begin(), policy.safe_views.end());
        return {};
    }

    Result<void> add(const Classification &policy) {
        auto filter = selector_of(policy, clearance_of(policy, principal_, user_));
        DIVAN_TRY(auto selector, compile(filter));
        parts.bounds.push_back({policy.id, std::move(selector)});
        describe("b", filter);
        parts.open_views.insert(policy.safe_views.begin(), policy.safe_views.end());
        return {};
    }

    // One that names what the user does not have means all documents.
    Result<void> add(const FieldRule &policy) {
        FieldAccess::Rule rule{policy.id, nullptr, policy.hidden, policy.masked, policy.read_only};
        auto filled = policy.filter ? fill_template(*policy.filter, user_) : std::nullopt;
        if (filled) {
            DIVAN_TRY(rule.filter, compile(*filled));
        }
        if (policy.hides()) {
            describe("f", filled.value_or(json::Value()));
            for (const auto &path : policy.hidden)
                parts.description.append(path.escaped()).push_back('\n');
            for (const auto &mask : policy.masked)
                describe(mask.path.escaped(), mask.shown);
            keep_common(policy.safe_views);
        }
        field_rules.push_back(std::move(rule));
        return {};
    }

    DocumentAccess::Parts parts;
    std::vector<FieldAccess::Rule> field_rules;

  private:
    Result<std::shared_ptr<const SharedSelector>> compile(const json::Value &filter) const {
        DIVAN_TRY(auto compiled, selector::Selector::compile(filter, limits_));
        return share(std::move(compiled));
    }

    void describe(std::string_view what, const json::Value &filter) {
        parts.description.append(what).append(json::to_text(filter)).push_back('\n');
    }

    // What one rule finds harmless may tell of the fields of another.
    void keep_common(const std::set<std::string> &views) {
        if (!std::exchange(has_concealed_, true))
            parts.fieldless_views = views;
        else
            std::erase_if(parts.fieldless_views, [&](const auto &view) { return !views.contains(view); });
    }

    const Principal &principal_;
    const RuleUser &user_;
    const std::string_view database_;
    const selector::Limits &limits_;
    bool has_concealed_ = false;
};

} // namespace

bool DocumentPolicies::empty() const {
    return rules.empty() && classifications.empty() && field_rules.empty();
}

bool DocumentPolicies::bind(const Principal &principal, std::string_view database) const {
    auto binds = [&](const auto &policy) {
        return covers_database(policy.databases, database) && policy.subjects.has(principal);
    };
    return std::any_of(rules.begin(), rules.end(), binds) ||
           std::any_of(classifications.begin(), classifications.end(), binds) ||
           std::any_of(field_rules.begin(), field_rules.end(), binds);
}

Result<std::shared_ptr<const DocumentAccess>>
make_document_access(const DocumentPolicies &policies, const Principal &principal, const RuleUser &user,
                     std::string_view database, const selector::Limits &limits,
                     const crypto::BlockCipher &cipher) {
    Joining joining(principal, user, database, limits);
    auto add_all = [&](const auto &list) -> Result<void> {
        for (const auto &policy : list)
            if (joining.binds(policy)) {
                DIVAN_TRY_VOID(joining.add(policy));
            }
        return {};
    };
    DIVAN_TRY_VOID(add_all(policies.rules));
    DIVAN_TRY_VOID(add_all(policies.classifications));
    DIVAN_TRY_VOID(add_all(policies.field_rules));
    auto &parts = joining.parts;
    parts.fields = FieldAccess(std::move(joining.field_rules));
    if (!parts.has_rules && parts.bounds.empty() && parts.fields.empty())
        return std::shared_ptr<const DocumentAccess>();
    return std::make_shared<const DocumentAccess>(std::move(parts), cipher);
}

std::shared_ptr<const DocumentAccess> own_documents(const Principal &principal,
                                                    const crypto::BlockCipher &cipher) {
    DocumentAccess::Parts parts;
    parts.has_rules = true;
    parts.description = "own\n" + principal.name;
    if (!principal.anonymous()) {
        auto compiled = selector::Selector::compile(object_of("owner", principal.name));
        parts.rules.push_back({"owner", true, true, share(std::move(compiled).value())});
    }
    return std::make_shared<const DocumentAccess>(std::move(parts), cipher);
}

} // namespace divan::access
