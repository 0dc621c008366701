// Tokens of strangers never get in; tokens that are signed are read or refused, whatever they say.

#include "access/jwt.h"
#include "crypto/testing/signer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    using crypto::SignatureAlgorithm;
    static const crypto::Signer secret("hmac"), ec("P-256"), edwards("Ed25519");
    static const access::KeySet keys = [] {
        access::KeySet set;
        for (const auto *signer : {&secret, &ec, &edwards})
            if (!set.add("_default", {signer->public_key(), std::nullopt}))
                std::abort();
        return set;
    }();

    std::string_view text(reinterpret_cast<const char *>(data), size);
    if (access::verify_jwt(text, keys, std::chrono::seconds(0), {}).ok())
        std::abort();

    // rules, path, header and payload, a line each
    std::string_view lines[4];
    for (auto &line : lines) {
        auto end = text.find('\n');
        line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    access::JwtRules rules;
    if (auto claims = access::parse_required_claims(lines[0]); claims.ok())
        rules.required_claims = *claims;
    rules.roles_path = access::parse_claim_path(lines[1]);
    rules.roles_required = size % 2 == 0;
    auto token = secret.token(SignatureAlgorithm::hs256, lines[2], lines[3]);
    auto claims = access::verify_jwt(token, keys, std::chrono::seconds(1'000'000'000), rules);
    if (claims.ok() && (claims->subject.empty() ||
                        (claims->expires_at && claims->expires_at < std::chrono::seconds(1'000'000'000))))
        std::abort();
    return 0;
}
