// Texts of strangers: what is read comes back when it is written and read again, and nothing counts as signed
// that no key has signed.

#include "crypto/testing/signer.h"
#include "xml/document.h"
#include "xml/signature.h"

#include <cstdlib>

namespace {

using divan::xml::Element;

std::string written(const Element &element) {
    using divan::xml::escape;
    std::string text = "<" + element.name + " xmlns=\"" + escape(element.space) + "\"";
    for (std::size_t i = 0; i < element.attributes.size(); ++i) {
        const auto &[space, name, value] = element.attributes[i];
        if (space == "http://www.w3.org/XML/1998/namespace") {
            text += " xml:" + name + "=\"" + escape(value) + "\"";
            continue;
        }
        auto prefix = "p" + std::to_string(i);
        if (!space.empty())
            text.append(" xmlns:").append(prefix).append("=\"").append(escape(space)).append("\"");
        text.append(" ").append(space.empty() ? "" : prefix + ":").append(name);
        text.append("=\"").append(escape(value)).append("\"");
    }
    text += ">" + escape(element.text);
    for (const auto &child : element.children)
        text += written(child);
    return text + "</" + element.name + ">";
}

bool equal(const Element &a, const Element &b) {
    if (a.space != b.space || a.name != b.name || a.text != b.text ||
        a.attributes.size() != b.attributes.size() || a.children.size() != b.children.size())
        return false;
    for (std::size_t i = 0; i < a.attributes.size(); ++i)
        if (a.attributes[i].space != b.attributes[i].space || a.attributes[i].name != b.attributes[i].name ||
            a.attributes[i].value != b.attributes[i].value)
            return false;
    for (std::size_t i = 0; i < a.children.size(); ++i)
        if (!equal(a.children[i], b.children[i]))
            return false;
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    static const crypto::Signer signer("P-256");
    static const std::vector<xml::TrustedKey> keys = {xml::TrustedKey::from_pem(signer.public_pem()).value()};
    std::string_view text(reinterpret_cast<const char *>(data), size);
    xml::Limits limits;
    limits.allow_comments = size % 2 == 0;
    auto root = xml::parse(text, limits);
    if (root.ok()) {
        auto again = xml::parse(written(*root), {16 << 20, limits.depth_max, limits.elements_max});
        if (!again.ok() || !equal(*root, *again))
            std::abort();
        if (xml::verified_element(text, {root->space, root->name}, keys, limits).ok())
            std::abort();
    }
    if (xml::verified_element(text, {"urn:oasis:names:tc:SAML:2.0:assertion", "Assertion"}, keys, limits)
            .ok())
        std::abort();
    (void)xml::TrustedKey::from_certificate(text);
    return 0;
}
