#include "xml/signature.h"

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/quiet_errors.h"
#include "crypto/signature.h"
#include "xml/tree.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/keysmngr.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

namespace divan::xml {
namespace {

constexpr std::string_view kXmlSpace = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::string_view kExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
constexpr std::string_view kSignatureMethods[] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
};
constexpr std::string_view kDigestMethods[] = {
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
};
constexpr std::size_t kIdBytesMax = 256;

Error refused(std::string what) {
    return {ErrorCode::bad_request, std::move(what)};
}

void say_nothing(const char *, int, const char *, const char *, const char *, int, const char *) {}

template <typename T> struct Destroyer;
template <> struct Destroyer<xmlSecDSigCtx> {
    void operator()(xmlSecDSigCtx *context) const { xmlSecDSigCtxDestroy(context); }
};
template <> struct Destroyer<xmlSecKey> {
    void operator()(xmlSecKey *key) const { xmlSecKeyDestroy(key); }
};
using KeyPointer = std::unique_ptr<xmlSecKey, Destroyer<xmlSecKey>>;

KeyPointer load_key(const std::string &pem) {
    bool certificate = pem.find("BEGIN CERTIFICATE") != std::string::npos;
    return KeyPointer(xmlSecCryptoAppKeyLoadMemory(
        reinterpret_cast<const xmlSecByte *>(pem.data()), static_cast<xmlSecSize>(pem.size()),
        certificate ? xmlSecKeyDataFormatCertPem : xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr));
}

bool is_one_of(std::string_view text, std::span<const std::string_view> allowed) {
    return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

std::string algorithm_of(const Element &element) {
    const auto *algorithm = element.attribute("Algorithm");
    return algorithm == nullptr ? std::string() : *algorithm;
}

// ---- the form of the signature

// That the children are these, each once and in this order; those that end with `?` may be absent.
bool has_children(const Element &element, std::span<const std::string_view> names) {
    auto child = element.children.begin();
    for (auto name : names) {
        bool optional = name.ends_with('?');
        if (optional)
            name.remove_suffix(1);
        if (child != element.children.end() && child->is(kSignatureSpace, name))
            ++child;
        else if (!optional)
            return false;
    }
    return child == element.children.end();
}

Result<void> check_transforms(const Element &transforms) {
    const auto &children = transforms.children;
    bool well = children.size() == 2 && algorithm_of(children[0]) == kEnveloped &&
                children[0].children.empty() && algorithm_of(children[1]) == kExclusive;
    for (const auto &child : children)
        well = well && child.is(kSignatureSpace, "Transform");
    if (well)
        for (const auto &parameter : children[1].children)
            well = well && parameter.is(kExclusive, "InclusiveNamespaces");
    if (!well)
        return refused("its signature has transforms other than enveloped-signature and exclusive "
                       "canonicalization");
    return {};
}

Result<void> check_form(const Element &signature, const std::string &id) {
    constexpr std::string_view kParts[] = {"SignedInfo", "SignatureValue", "KeyInfo?"};
    constexpr std::string_view kInfoParts[] = {"CanonicalizationMethod", "SignatureMethod", "Reference"};
    constexpr std::string_view kReferenceParts[] = {"Transforms", "DigestMethod", "DigestValue"};
    if (!has_children(signature, kParts))
        return refused("its signature has other parts than SignedInfo, SignatureValue and KeyInfo");
    const auto &info = signature.children[0];
    if (!has_children(info, kInfoParts) || !has_children(info.children[2], kReferenceParts))
        return refused("its signature does not have exactly one reference with transforms and a digest");
    if (algorithm_of(info.children[0]) != kExclusive)
        return refused("its signature is not made over the exclusive canonical form");
    const auto &method = info.children[1];
    if (!is_one_of(algorithm_of(method), kSignatureMethods) || !method.children.empty())
        return refused("its signature is of an algorithm that is not taken: RSA and ECDSA with SHA-256, "
                       "SHA-384 and SHA-512 are");
    const auto &reference = info.children[2];
    const auto *uri = reference.attribute("URI");
    if (uri == nullptr || *uri != "#" + id)
        return refused("its signature is of another element than the one that holds it");
    DIVAN_TRY_VOID(check_transforms(reference.children[0]));
    if (!is_one_of(algorithm_of(reference.children[1]), kDigestMethods))
        return refused("its digest is of an algorithm that is not taken: SHA-256, SHA-384 and SHA-512 are");
    return {};
}

// ---- the document around it

bool is_plain_id(std::string_view id) {
    return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               c == '-' || c == '.';
    });
}

// Every attribute that some reader could take for an id.
Result<void> collect_ids(const Element &element, std::set<std::string> &ids) {
    for (const auto &attribute : element.attributes) {
        bool named_id = attribute.name.size() == 2 && (attribute.name[0] | 0x20) == 'i' &&
                        (attribute.name[1] | 0x20) == 'd';
        if (named_id && attribute.space == kXmlSpace)
            return refused("it has an attribute xml:id, which is not taken");
        if (named_id && !ids.insert(attribute.value).second)
            return refused("two elements have the same ID");
    }
    for (const auto &child : element.children)
        DIVAN_TRY_VOID(collect_ids(child, ids));
    return {};
}

xmlNode *find_child(xmlNode *parent, std::string_view space, std::string_view name) {
    for (auto *child = parent->children; child != nullptr; child = child->next)
        if (child->type == XML_ELEMENT_NODE && element_of(*child).is(space, name))
            return child;
    return nullptr;
}

struct Found {
    xmlNode *element;
    xmlNode *signature;
    std::string id;
};

Result<Found> find_signed(xmlDoc &tree, const SignedName &which) {
    auto *root = xmlDocGetRootElement(&tree);
    auto whole = element_of(*root);
    std::set<std::string> ids;
    DIVAN_TRY_VOID(collect_ids(whole, ids));
    if (whole.count(which.space, which.name) != 1)
        return refused(fmt::format("it does not have exactly one {}", which.name));
    auto *node = whole.is(which.space, which.name) ? root : find_child(root, which.space, which.name);
    if (node == nullptr)
        return refused(fmt::format("its {} is not where it belongs", which.name));
    auto element = element_of(*node);
    auto signatures = element.all(kSignatureSpace, "Signature");
    if (signatures.empty())
        return refused(fmt::format("its {} is not signed", which.name));
    if (signatures.size() > 1)
        return refused(fmt::format("its {} has several signatures", which.name));
    const auto *id = element.attribute("ID");
    if (id == nullptr || !is_plain_id(*id))
        return refused(fmt::format("its {} has no ID that can be referred to", which.name));
    DIVAN_TRY_VOID(check_form(*signatures[0], *id));
    return Found{node, find_child(node, kSignatureSpace, "Signature"), *id};
}

// ---- the check

void drop_key_info(xmlNode *signature) {
    if (auto *info = find_child(signature, kSignatureSpace, "KeyInfo")) {
        xmlUnlinkNode(info);
        xmlFreeNode(info);
    }
}

bool restrict_transforms(xmlSecDSigCtx *context) {
    context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    bool well = true;
    for (auto id : {xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId, xmlSecTransformSha256Id,
                    xmlSecTransformSha384Id, xmlSecTransformSha512Id})
        well = well && xmlSecDSigCtxEnableReferenceTransform(context, id) == 0;
    for (auto id : {xmlSecTransformExclC14NId, xmlSecTransformRsaSha256Id, xmlSecTransformRsaSha384Id,
                    xmlSecTransformRsaSha512Id, xmlSecTransformEcdsaSha256Id, xmlSecTransformEcdsaSha384Id,
                    xmlSecTransformEcdsaSha512Id})
        well = well && xmlSecDSigCtxEnableSignatureTransform(context, id) == 0;
    return well;
}

// The bytes that the one digest was taken over, if the key has signed them.
std::string signed_bytes(const Found &found, const TrustedKey &trusted) {
    auto key = load_key(trusted.pem());
    std::unique_ptr<xmlSecDSigCtx, Destroyer<xmlSecDSigCtx>> context(xmlSecDSigCtxCreate(nullptr));
    if (key == nullptr || context == nullptr || !restrict_transforms(context.get()))
        return {};
    context->signKey = key.release();
    context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
    if (xmlSecDSigCtxVerify(context.get(), found.signature) != 0 ||
        context->status != xmlSecDSigStatusSucceeded ||
        xmlSecPtrListGetSize(&context->signedInfoReferences) != 1)
        return {};
    auto *reference =
        static_cast<xmlSecDSigReferenceCtx *>(xmlSecPtrListGetItem(&context->signedInfoReferences, 0));
    if (reference == nullptr || reference->status != xmlSecDSigStatusSucceeded)
        return {};
    auto *buffer = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference);
    if (buffer == nullptr || xmlSecBufferGetData(buffer) == nullptr)
        return {};
    return {reinterpret_cast<const char *>(xmlSecBufferGetData(buffer)), xmlSecBufferGetSize(buffer)};
}

} // namespace

bool start_libraries() {
    static const bool started = [] {
        crypto::QuietErrors quiet;
        xmlInitParser();
        bool well = xmlSecInit() >= 0 && xmlSecCheckVersion() == 1 && xmlSecCryptoAppInit(nullptr) >= 0 &&
                    xmlSecCryptoInit() >= 0;
        xmlSecErrorsSetCallback(say_nothing); // over those that they set, which print
        return well;
    }();
    return started;
}

Result<TrustedKey> TrustedKey::from_pem(std::string_view pem) {
    DIVAN_TRY(auto key, crypto::Key::from_pem(pem));
    if (key.family() != crypto::KeyFamily::rsa && key.family() != crypto::KeyFamily::ec)
        return Error(ErrorCode::bad_request, "The key is neither RSA nor EC");
    return TrustedKey(std::string(pem));
}

Result<TrustedKey> TrustedKey::from_certificate(std::string_view base64) {
    auto bytes = base64_decode(base64);
    if (!bytes || bytes->empty())
        return Error(ErrorCode::bad_request, "The certificate is not in base64");
    constexpr std::size_t kLineBytes = 64;
    auto text = base64_encode(*bytes);
    std::string pem = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < text.size(); at += kLineBytes)
        pem.append(text, at, kLineBytes).append("\n");
    return from_pem(pem + "-----END CERTIFICATE-----\n");
}

Result<std::string> verified_element(std::string_view text, const SignedName &which,
                                     std::span<const TrustedKey> keys, const Limits &limits) {
    DIVAN_TRY(auto tree, parse_tree(text, limits));
    DIVAN_TRY(auto found, find_signed(*tree, which));
    drop_key_info(found.signature);
    // The one id that the reference may be resolved by.
    auto *id = xmlHasNsProp(found.element, BAD_CAST "ID", nullptr);
    if (xmlAddID(nullptr, tree.get(), BAD_CAST found.id.c_str(), id) == nullptr)
        return refused("two elements have the same ID");
    crypto::QuietErrors quiet;
    for (const auto &key : keys)
        if (auto bytes = signed_bytes(found, key); !bytes.empty())
            return bytes;
    return refused("its signature is not by a key of the identity provider");
}

} // namespace divan::xml
