// What strangers and providers send: nothing of it makes a user unless a key has signed it, for this login.

#include "access/saml_metadata.h"
#include "access/saml_response.h"
#include "crypto/testing/signer.h"
#include "xml/document.h"
#include "xml/testing/signer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    static const crypto::Signer signer("P-256");
    static const auto rules = [] {
        access::SamlResponseRules made;
        made.provider_entity_id = "urn:id";
        made.keys = {xml::TrustedKey::from_pem(signer.public_pem()).value()};
        made.entity_id = "urn:divan";
        made.acs_url = "https://db/acs";
        made.request_id = "_1";
        made.leeway = std::chrono::seconds(30);
        return made;
    }();
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto now = std::chrono::seconds(1'700'000'000);

    if (auto provider = access::parse_saml_metadata(text, now, {.source = "a file"});
        provider.ok() &&
        (provider->entity_id.empty() || provider->keys.empty() || !provider->login_url.starts_with("http")))
        std::abort();
    if (access::verify_saml_response(text, now, rules).ok())
        std::abort();
    // The same with a signature where the text has a place for one: "<SIGN/>" over the element of ID "a".
    constexpr std::string_view kPlace = "<SIGN/>";
    auto place = text.find(kPlace);
    if (place == std::string_view::npos)
        return 0;
    xml::SignatureForm form;
    form.method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    auto made = std::string(text).replace(place, kPlace.size(), xml::unsigned_signature("a", form));
    auto assertion = access::verify_saml_response(xml::sign(made, signer.private_pem()), now, rules);
    if (!assertion.ok())
        return 0;
    if (assertion->id.empty() || assertion->valid_until <= now ||
        text.find("urn:divan") == std::string_view::npos)
        std::abort();
    access::SamlSettings settings;
    settings.roles_attribute = "groups";
    settings.groups_as_roles = true;
    if (auto user = access::saml_user(*assertion, settings); user.ok() && user->name.empty())
        std::abort();
    return 0;
}
