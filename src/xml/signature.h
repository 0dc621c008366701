#pragma once

// Signatures in XML (XML Signature 1.1), checked by xmlsec in the one form that SAML allows: enveloped, over
// the element that holds them. What a check gives is the bytes that were signed, and nothing else of the
// document is to be believed: so there is nothing to wrap around them.

#include "base/result.h"
#include "xml/document.h"

#include <span>
#include <string>
#include <string_view>

namespace divan::xml {

inline constexpr std::string_view kSignatureSpace = "http://www.w3.org/2000/09/xmldsig#";

// A public key that somebody trusts.
class TrustedKey {
  public:
    // PEM: CERTIFICATE or PUBLIC KEY; as crypto::Key::from_pem(), and RSA or EC. Errors: bad_request.
    [[nodiscard]] static Result<TrustedKey> from_pem(std::string_view pem);
    // The content of an X509Certificate element: base64 of DER. Errors: bad_request.
    [[nodiscard]] static Result<TrustedKey> from_certificate(std::string_view base64);

    [[nodiscard]] const std::string &pem() const { return pem_; }

  private:
    explicit TrustedKey(std::string pem) : pem_(std::move(pem)) {}
    std::string pem_;
};

// Which element has to be signed: the only one of its name in the document, its root or a child of the root.
struct SignedName {
    std::string_view space;
    std::string_view name;
};

// The exclusive canonical form of the element, without its signature, as one of the keys has signed it. It is
// a document of its own, to be parsed anew.
// Refused are: no signature or several, references to anything but the element itself, ids that two elements
// have, transforms other than enveloped-signature and exclusive canonicalization, algorithms other than RSA
// and ECDSA with SHA-256 or more, objects in the signature. KeyInfo is not looked at.
// Errors: bad_request with what is wrong, as parse(). Thread-safe.
[[nodiscard]] Result<std::string> verified_element(std::string_view text, const SignedName &which,
                                                   std::span<const TrustedKey> keys, const Limits &limits);

} // namespace divan::xml
