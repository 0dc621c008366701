#include "xml/testing/signer.h"

#include "xml/tree.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <vector>
#include <xmlsec/crypto.h>
#include <xmlsec/keysmngr.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

namespace divan::xml {
namespace {

// In the order in which they end, so that inner ones come first.
void visit(xmlDoc *document, xmlNode *node, std::vector<xmlNode *> &signatures) {
    for (auto *child = node->children; child != nullptr; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            visit(document, child, signatures);
    if (auto *id = xmlHasNsProp(node, BAD_CAST "ID", nullptr); id != nullptr && id->children != nullptr)
        xmlAddID(nullptr, document, id->children->content, id);
    for (auto *child = node->children; child != nullptr; child = child->next)
        if (xmlSecCheckNodeName(child, xmlSecNodeSignature, xmlSecDSigNs) == 1)
            signatures.push_back(child);
}

bool sign_one(xmlNode *signature, std::string_view private_pem) {
    auto *key = xmlSecCryptoAppKeyLoadMemory(reinterpret_cast<const xmlSecByte *>(private_pem.data()),
                                             static_cast<xmlSecSize>(private_pem.size()),
                                             xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr);
    auto *context = xmlSecDSigCtxCreate(nullptr);
    context->signKey = key;
    bool signed_well = key != nullptr && xmlSecDSigCtxSign(context, signature) == 0;
    xmlSecDSigCtxDestroy(context);
    return signed_well;
}

} // namespace

std::string unsigned_signature(std::string_view id, const SignatureForm &form) {
    return fmt::format(
        R"(<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>)"
        R"(<ds:CanonicalizationMethod Algorithm="{}"/><ds:SignatureMethod Algorithm="{}"/>)"
        R"(<ds:Reference URI="{}"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm="{}"/>)"
        R"(<ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>{}</ds:Signature>)",
        form.canonical, form.method, id.empty() ? std::string() : fmt::format("#{}", id), form.transforms,
        form.digest, form.more);
}

std::string sign(std::string_view text, std::string_view private_pem) {
    if (!start_libraries())
        return {};
    Tree tree(xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
    auto *root = tree == nullptr ? nullptr : xmlDocGetRootElement(tree.get());
    if (root == nullptr)
        return {};
    std::vector<xmlNode *> signatures;
    visit(tree.get(), root, signatures);
    for (auto *signature : signatures)
        if (!sign_one(signature, private_pem))
            return {};
    xmlChar *bytes = nullptr;
    int size = 0;
    xmlDocDumpMemory(tree.get(), &bytes, &size);
    std::string done(reinterpret_cast<const char *>(bytes), static_cast<std::size_t>(size));
    xmlFree(bytes);
    return done;
}

} // namespace divan::xml
