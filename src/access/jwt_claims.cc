#include "access/jwt_claims.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";
// What required_claims names of the header, or what is always checked.
constexpr std::string_view kNoClaims[] = {"alg", "kid", "sig", "typ"};
// What has no value to be equal to.
constexpr std::string_view kWithoutValue[] = {"alg", "kid", "sig", "typ", "exp", "nbf", "iat"};

template <std::size_t N> bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Error misconfigured(std::string_view why) {
    return {ErrorCode::internal_server_error, "misconfigured_server",
            fmt::format("JWT is not configured correctly: [jwt_auth] required_claims {}", why)};
}

// Reads the text of required_claims from its front.
class ClaimReader {
  public:
    explicit ClaimReader(std::string_view text) : rest_(text) {}

    bool at_end() {
        skip_space();
        return rest_.empty();
    }
    bool take(char c) {
        skip_space();
        if (!rest_.starts_with(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string name() {
        skip_space();
        return take_until(
            [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'); });
    }
    std::optional<std::string> quoted() {
        if (!take('"'))
            return std::nullopt;
        auto value = take_until([](char c) { return c == '"'; });
        if (value.empty() || !rest_.starts_with('"'))
            return std::nullopt;
        rest_.remove_prefix(1);
        return value;
    }

  private:
    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }
    template <typename Stop> std::string take_until(Stop stop) {
        auto end = std::find_if(rest_.begin(), rest_.end(), stop);
        std::string taken(rest_.begin(), end);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
};

Result<void> check_time(const json::Object &claims, const char *name, bool required, auto in_order) {
    const auto *claim = claims.find(name);
    if (claim == nullptr && !required)
        return {};
    if (claim == nullptr)
        return bad_token(fmt::format("Missing {} claim", name));
    auto time_s = claim->as_double();
    if (!time_s)
        return bad_token(fmt::format("Invalid {} claim", name));
    if (!in_order(*time_s))
        return Error(ErrorCode::unauthorized,
                     fmt::format("{} not in {}", name, std::string_view(name) == "exp" ? "future" : "past"));
    return {};
}

Result<void> check_other(const json::Object &claims, const RequiredClaim &required) {
    const auto *claim = claims.find(required.name);
    if (claim == nullptr || claim->is_null())
        return bad_token(fmt::format("Missing {} claim", required.name));
    bool valid = true;
    if (required.name == "iat")
        valid = claim->as_int64().has_value();
    else if (required.value && claim->is_array() && required.name == "aud")
        valid = std::find(claim->array().begin(), claim->array().end(), json::Value(*required.value)) !=
                claim->array().end();
    else if (required.value)
        valid = *claim == json::Value(*required.value);
    if (!valid)
        return bad_token(fmt::format("Invalid {} claim", required.name));
    return {};
}

// As Erlang's re:split with \s*,\s* and `trim`: no space around commas, no empty roles at the end.
std::vector<std::string> split_roles(std::string_view text) {
    std::vector<std::string> roles;
    for (;;) {
        auto comma = text.find(',');
        auto role = text.substr(0, comma);
        if (comma != std::string_view::npos)
            role = role.substr(0, role.find_last_not_of(kSpace) + 1);
        roles.emplace_back(role);
        if (comma == std::string_view::npos)
            break;
        text.remove_prefix(comma + 1);
        text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    }
    while (!roles.empty() && roles.back().empty())
        roles.pop_back();
    return roles;
}

// Null if the roles are absent and may be.
Result<const json::Value *> find_roles(const json::Object &claims, const JwtRules &rules) {
    const json::Object *object = &claims;
    const json::Value *value = nullptr;
    for (const auto &name : rules.roles_path) {
        if (object == nullptr)
            return Error(ErrorCode::not_found, "json_mismatch");
        value = object->find(name);
        if (value == nullptr && !rules.roles_required)
            return value;
        if (value == nullptr)
            return Error(ErrorCode::not_found, "missing json key: " + name);
        object = value->is_object() ? &value->object() : nullptr;
    }
    return value;
}

Result<std::vector<std::string>> read_roles(const json::Object &claims, const JwtRules &rules) {
    DIVAN_TRY(const auto *value, find_roles(claims, rules));
    if (value == nullptr)
        return std::vector<std::string>();
    if (value->is_string())
        return split_roles(value->string());
    if (!value->is_array())
        return bad_token("Malformed token");
    std::vector<std::string> roles;
    for (const auto &role : value->array()) {
        if (!role.is_string())
            return bad_token("Malformed token");
        roles.push_back(role.string());
    }
    return roles;
}

} // namespace

Error bad_token(std::string reason) {
    return {ErrorCode::bad_request, std::move(reason)};
}

bool is_required(const JwtRules &rules, std::string_view name) {
    return std::any_of(rules.required_claims.begin(), rules.required_claims.end(),
                       [name](const RequiredClaim &claim) { return claim.name == name; });
}

Result<std::vector<RequiredClaim>> parse_required_claims(std::string_view text) {
    std::vector<RequiredClaim> claims;
    ClaimReader reader(text);
    while (!reader.at_end()) {
        if (!claims.empty() && !reader.take(','))
            return misconfigured("needs a comma between claims");
        bool with_value = reader.take('{');
        RequiredClaim claim{reader.name(), std::nullopt};
        if (claim.name.empty())
            return misconfigured("takes names and {name,\"value\"} between commas");
        if (with_value) {
            bool comma = reader.take(',');
            claim.value = reader.quoted();
            if (!comma || !claim.value || !reader.take('}'))
                return misconfigured("takes a claim with a value as {name,\"value\"}");
            if (is_one_of(claim.name, kWithoutValue))
                return misconfigured(fmt::format("takes {} without a value", claim.name));
        }
        claims.push_back(std::move(claim));
    }
    return claims;
}

std::vector<std::string> parse_claim_path(std::string_view text) {
    std::vector<std::string> names(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "\\.") {
            names.back().push_back('.');
            ++i;
        } else if (text[i] == '.') {
            names.emplace_back();
        } else {
            names.back().push_back(text[i]);
        }
    }
    return names;
}

Result<void> check_claims(const json::Object &claims, const JwtRules &rules, std::chrono::seconds now) {
    auto now_s = static_cast<double>(now.count());
    // Of these four the order is jwtf's.
    for (const char *name : {"iss", "iat"})
        for (const auto &required : rules.required_claims)
            if (required.name == name)
                DIVAN_TRY_VOID(check_other(claims, required));
    bool nbf_required = is_required(rules, "nbf");
    DIVAN_TRY_VOID(check_time(claims, "nbf", nbf_required, [&](double time_s) {
        return nbf_required ? time_s < now_s : time_s <= now_s;
    }));
    DIVAN_TRY_VOID(
        check_time(claims, "exp", is_required(rules, "exp"), [&](double time_s) { return time_s > now_s; }));
    for (const auto &required : rules.required_claims)
        if (!is_one_of(required.name, kNoClaims) && !is_one_of(required.name, {"iss", "iat", "nbf", "exp"}))
            DIVAN_TRY_VOID(check_other(claims, required));
    return {};
}

Result<JwtClaims> read_claims(const json::Object &claims, const JwtRules &rules) {
    JwtClaims read;
    DIVAN_TRY(read.roles, read_roles(claims, rules));
    const auto *subject = claims.find("sub");
    if (subject == nullptr)
        return Error(ErrorCode::unauthorized, "Token missing sub claim.");
    if (!subject->is_string() || subject->string().empty())
        return Error(ErrorCode::unauthorized, "The sub claim of the token is no name.");
    read.subject = subject->string();
    constexpr double kFarthest = 1e15; // 30 million years: "never", and far from what seconds can hold
    if (const auto *expires = claims.find("exp"))
        if (auto time_s = *expires->as_double(); time_s < kFarthest)
            read.expires_at = std::chrono::seconds(static_cast<std::int64_t>(time_s));
    return read;
}

} // namespace divan::access
