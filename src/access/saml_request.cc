#include "access/saml_request.h"

#include "access/saml_names.h"
#include "access/url_form.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "net/gzip.h"
#include "xml/document.h"
#include "xml/signature.h"

#include <fmt/format.h>

namespace divan::access {

using namespace saml;

std::string saml_request_text(const SamlRequest &request) {
    return fmt::format(
        R"(<samlp:AuthnRequest xmlns:samlp="{}" xmlns:saml="{}" ID="{}" Version="2.0" IssueInstant="{}" )"
        R"(Destination="{}" AssertionConsumerServiceURL="{}" ProtocolBinding="{}"{}>)"
        R"(<saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>)",
        kProtocol, kAssertion, xml::escape(request.id), rfc3339(request.issued_at),
        xml::escape(request.login_url), xml::escape(request.acs_url), kPostBinding,
        request.force_authn ? R"( ForceAuthn="true")" : "", xml::escape(request.entity_id));
}

std::string saml_request_url(const SamlRequest &request, std::string_view relay_state,
                             const std::optional<crypto::SigningKey> &key) {
    UrlForm form;
    form.add("SAMLRequest", base64_encode(net::deflate_raw(saml_request_text(request))))
        .add("RelayState", relay_state);
    if (key) {
        form.add("SigAlg", kRsaSha256);
        // Over the text as it stands in the URL.
        auto signature = key->sign_rs256(form.text());
        form.add("Signature", base64_encode(signature));
    }
    return form.behind(request.login_url);
}

std::string saml_service_metadata(std::string_view entity_id, std::string_view acs_url,
                                  std::string_view certificate) {
    std::string key;
    if (!certificate.empty())
        key = fmt::format(R"(    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="{}"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
    </md:KeyDescriptor>
)",
                          xml::kSignatureSpace, xml::escape(certificate));
    return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="{}" entityID="{}">
  <md:SPSSODescriptor AuthnRequestsSigned="{}" WantAssertionsSigned="true" protocolSupportEnumeration="{}">
{}    <md:AssertionConsumerService Binding="{}" Location="{}" index="0" isDefault="true"/>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
)",
                       kMetadata, xml::escape(entity_id), !certificate.empty(), kProtocol, key, kPostBinding,
                       xml::escape(acs_url));
}

} // namespace divan::access
