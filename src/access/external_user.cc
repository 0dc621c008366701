#include "access/external_user.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

// What a provider may not set.
constexpr std::string_view kReserved[] = {"type",        "name",  "roles",           "salt",
                                          "locked",      "totp",  "password",        "identity_provider",
                                          "derived_key", "scram", "identity_subject"};

json::Value roles_of(const ExternalUser &external) {
    json::Array roles;
    for (const auto &role : external.roles)
        if (!role.empty() && !role.starts_with("_"))
            roles.emplace_back(role);
    return roles;
}

std::string_view provider_of(const User &user) {
    const auto *provider = user.document.find("identity_provider");
    return provider != nullptr && provider->is_string() ? std::string_view(provider->string())
                                                        : std::string_view();
}

} // namespace

Result<std::optional<json::Object>> external_document(const ExternalUser &external, const User *known,
                                                      std::string_view salt) {
    const auto &name = external.name;
    if (name.empty() || name.starts_with("_") || name.find(':') != std::string::npos)
        return Error(
            ErrorCode::forbidden,
            "The name from the identity provider cannot be one here: it is empty, begins with `_` or "
            "has a `:`.");
    if (known != nullptr && (known->is_admin || provider_of(*known) != external.provider))
        return Error(ErrorCode::forbidden,
                     fmt::format("The name `{}` belongs to another account of this server: an administrator "
                                 "can rename or remove it.",
                                 name));
    const auto *subject = known != nullptr ? known->document.find("identity_subject") : nullptr;
    if (subject != nullptr && !external.subject.empty() && *subject != json::Value(external.subject))
        return Error(
            ErrorCode::forbidden,
            fmt::format("The name `{}` belongs to somebody else at the identity provider: an administrator "
                        "can rename or remove the user's document.",
                        name));
    auto document = known != nullptr ? known->document : json::Object();
    if (known == nullptr) {
        document.append("type", "user");
        document.append("name", name);
        document.append("identity_provider", external.provider);
        document.append("salt", salt);
    }
    if (!external.subject.empty())
        document.set("identity_subject", external.subject);
    document.set("roles", roles_of(external));
    for (const auto &[key, value] : external.attributes)
        if (!key.starts_with("_") &&
            std::find(std::begin(kReserved), std::end(kReserved), key) == std::end(kReserved))
            document.set(key, value);
    if (known != nullptr && document == known->document)
        return std::optional<json::Object>();
    return std::optional(std::move(document));
}

} // namespace divan::access
