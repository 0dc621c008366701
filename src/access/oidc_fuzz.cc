// What strangers and providers send: nothing of it makes a user unless a key has signed it for this login.

#include "access/jwt.h"
#include "access/oidc_metadata.h"
#include "access/oidc_token.h"
#include "access/pending_logins.h"
#include "crypto/testing/signer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    using crypto::SignatureAlgorithm;
    static const crypto::Signer signer("Ed25519");
    static const access::KeySet keys = [] {
        access::KeySet set;
        if (!set.add("_default", {signer.public_key(), std::nullopt}))
            std::abort();
        return set;
    }();
    std::string_view text(reinterpret_cast<const char *>(data), size);

    if (auto address = access::WebAddress::parse(text);
        address.ok() &&
        (!address->target.starts_with('/') || address->target.find_first_of(" \r\n#") != std::string::npos))
        std::abort();
    if (access::check_local_path(text).ok() &&
        (!text.starts_with('/') || text.starts_with("//") || text.starts_with("/\\")))
        std::abort();
    if (auto metadata = access::parse_oidc_metadata(text, "https://id");
        metadata.ok() &&
        (metadata->issuer != "https://id" || !access::WebAddress::parse(metadata->token_endpoint).ok() ||
         metadata->algorithms.contains(SignatureAlgorithm::hs256)))
        std::abort();
    (void)access::parse_token_answer(size % 2 == 0 ? 200 : 400, text);
    (void)access::parse_userinfo(200, text, "1");
    (void)access::names_unknown_key(text, keys);

    access::IdTokenRules rules{"i", "c", "n", "a", {SignatureAlgorithm::eddsa}, std::chrono::seconds(30)};
    auto now = std::chrono::seconds(1'000'000'000);
    if (access::verify_id_token(text, keys, now, rules).ok())
        std::abort();
    auto token = signer.token(SignatureAlgorithm::eddsa, R"({"alg":"EdDSA"})", text);
    auto claims = access::verify_id_token(token, keys, now, rules);
    if (!claims.ok())
        return 0;
    if (*claims->find("nonce") != json::Value("n") || *claims->find("iss") != json::Value("i"))
        std::abort();
    access::OidcSettings settings;
    settings.name_claim = "name";
    settings.roles_path = {"groups", "roles"};
    settings.groups_as_roles = true;
    if (auto user = access::oidc_user(*claims, settings); user.ok() && user->name.empty())
        std::abort();
    return 0;
}
