#pragma once

// Signs XML for tests and fuzzers.

#include <string>
#include <string_view>

namespace divan::xml {

// What a signature says of itself; the defaults are taken by verified_element(), for an RSA key.
struct SignatureForm {
    std::string method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    std::string digest = "http://www.w3.org/2001/04/xmlenc#sha256";
    std::string canonical = "http://www.w3.org/2001/10/xml-exc-c14n#"; // of SignedInfo
    std::string transforms =
        R"(<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>)"
        R"(<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>)";
    std::string more = {}; // behind the value: KeyInfo, Object
};

// A signature without its value, over the element of that ID; "" refers to the whole document.
[[nodiscard]] std::string unsigned_signature(std::string_view id, const SignatureForm &form = {});

// The document with the values of all such signatures in it, those of inner elements first; "" if it cannot
// be signed.
[[nodiscard]] std::string sign(std::string_view text, std::string_view private_pem);

} // namespace divan::xml
