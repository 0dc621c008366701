#include "access/user.h"

#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "json/writer.h"

#include <algorithm>
#include <limits>

namespace divan::access {
namespace {

using Scheme = crypto::PasswordHash::Scheme;

constexpr std::string_view kPasswordMembers[] = {"derived_key",     "iterations",   "password",
                                                 "password_scheme", "password_sha", "preserve_salt",
                                                 "pbkdf2_prf",      "salt"};

std::string_view text_of(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    return value != nullptr && value->is_string() ? std::string_view(value->string()) : std::string_view();
}

struct ReadPassword {
    std::optional<crypto::PasswordHash> hash;
    std::optional<Error> error;
};

// As couch_httpd_auth:authenticate_int, with its defaults of older documents.
ReadPassword read_password(const json::Object &object) {
    crypto::PasswordHash hash;
    auto scheme = text_of(object, "password_scheme");
    hash.salt = text_of(object, "salt");
    bool simple = scheme.empty() || scheme == "simple";
    auto key = hex_decode(text_of(object, simple ? "password_sha" : "derived_key"));
    if (!key || key->empty())
        return {};
    hash.key = std::move(*key);
    if (simple) {
        hash.scheme = Scheme::simple;
        return {std::move(hash), {}};
    }
    if (scheme == "simple+pbkdf2")
        hash.scheme = Scheme::simple_pbkdf2;
    else if (scheme != "pbkdf2")
        return {};
    auto prf = crypto::hash_function(object.contains("pbkdf2_prf") ? text_of(object, "pbkdf2_prf") : "sha");
    if (!prf)
        return {std::nullopt, Error(ErrorCode::forbidden, "PRF is invalid")};
    hash.prf = *prf;
    const auto *iterations = object.find("iterations");
    auto count = iterations == nullptr ? std::optional<std::int64_t>(10'000) : iterations->as_int64();
    // Both are outside of what any setting allows.
    hash.iterations = !count || *count > std::numeric_limits<std::uint32_t>::max()
                          ? std::numeric_limits<std::uint32_t>::max()
                          : static_cast<std::uint32_t>(std::max<std::int64_t>(0, *count));
    return {std::move(hash), {}};
}

std::string authority_of(const User &user) {
    std::string text(user.salt);
    for (const auto &role : user.roles)
        text.append("\n").append(role);
    text.append(user.locked ? "\nlocked" : "\n");
    if (const auto *totp = user.document.find("totp"); totp != nullptr && totp->is_object())
        text.append(text_of(totp->object(), "key"));
    if (const auto *attributes = user.document.find("policy_attributes"))
        text.append("\n").append(json::to_text(*attributes));
    return crypto::sha256(text).substr(0, 16);
}

} // namespace

User read_user(json::Object document) {
    User user;
    auto password = read_password(document);
    user.password = std::move(password.hash);
    user.password_error = std::move(password.error);
    user.salt = text_of(document, "salt");
    if (const auto *roles = document.find("roles"); roles != nullptr && roles->is_array())
        for (const auto &role : roles->array())
            // Roles of the system come from the configuration alone, whatever a document says that was
            // replicated from elsewhere.
            if (role.is_string() && !role.string().starts_with("_"))
                user.roles.push_back(role.string());
    if (const auto *locked = document.find("locked"))
        user.locked = locked->is_true();
    user.document = std::move(document);
    user.authority = authority_of(user);
    return user;
}

User join_admin(std::string name, std::string_view admin_text, std::optional<User> of_document) {
    User user = std::move(of_document).value_or(User());
    user.name = std::move(name);
    user.is_admin = true;
    user.roles.insert(user.roles.begin(), "_admin");
    user.password = crypto::parse_password_hash(admin_text);
    user.password_error.reset();
    user.salt = user.password ? user.password->salt : std::string();
    user.authority = authority_of(user);
    return user;
}

Result<void> check_password_cost(const crypto::PasswordHash &hash, const config::Config &config) {
    if (hash.scheme == Scheme::simple)
        return {};
    if (hash.iterations < std::max<std::int64_t>(1, config.integer("chttpd_auth", "min_iterations")))
        return Error(ErrorCode::forbidden, "Iteration count is too low for this server");
    if (hash.iterations > config.integer("chttpd_auth", "max_iterations"))
        return Error(ErrorCode::forbidden, "Iteration count is too high for this server");
    return {};
}

json::Object password_members(const crypto::PasswordHash &hash) {
    json::Object members;
    if (hash.scheme == Scheme::simple) {
        members.append("password_scheme", "simple");
        members.append("salt", hash.salt);
        members.append("password_sha", hex_encode(hash.key));
        return members;
    }
    members.append("password_scheme", hash.scheme == Scheme::pbkdf2 ? "pbkdf2" : "simple+pbkdf2");
    members.append("pbkdf2_prf", std::string(crypto::hash_function_name(hash.prf)));
    members.append("salt", hash.salt);
    members.append("iterations", static_cast<std::uint64_t>(hash.iterations));
    members.append("derived_key", hex_encode(hash.key));
    return members;
}

std::optional<crypto::PasswordHash> read_password_members(const json::Object &object) {
    return read_password(object).hash;
}

void set_password_members(json::Object &document, const crypto::PasswordHash &hash) {
    auto changed = password_members(hash);
    for (auto &member : document)
        if (std::find(std::begin(kPasswordMembers), std::end(kPasswordMembers), member.key) ==
            std::end(kPasswordMembers))
            changed.append(std::move(member.key), std::move(member.value));
    document = std::move(changed);
}

} // namespace divan::access
