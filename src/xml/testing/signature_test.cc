#include "xml/signature.h"

#include "crypto/testing/signer.h"
#include "xml/testing/signer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::xml {
namespace {

const crypto::Signer &rsa() {
    static const crypto::Signer signer("rsa");
    return signer;
}

std::vector<TrustedKey> trusted(const crypto::Signer &signer) {
    return {TrustedKey::from_pem(signer.public_pem()).value()};
}

constexpr SignedName kItem{"urn:a", "item"};

std::string document(const std::string &signature, std::string_view content = "<v>7</v>") {
    return fmt::format(R"(<list xmlns="urn:a"><item ID="i1">{}{}</item></list>)", signature, content);
}

std::string signed_document(const SignatureForm &form = {}, const crypto::Signer &signer = rsa()) {
    auto text = sign(document(unsigned_signature("i1", form)), signer.private_pem());
    EXPECT_NE(text, "");
    return text;
}

Result<std::string> verify(std::string_view text, const std::vector<TrustedKey> &keys = trusted(rsa())) {
    return verified_element(text, kItem, keys, {});
}

void expect_refused(std::string_view text, std::string_view part) {
    auto verified = verify(text);
    ASSERT_FALSE(verified.ok()) << part;
    EXPECT_EQ(verified.error().code(), ErrorCode::bad_request);
    EXPECT_NE(verified.error().reason().find(part), std::string::npos) << verified.error().reason();
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

TEST(Signature, GivesTheBytesThatWereSigned) {
    EXPECT_EQ(verify(signed_document()).value(), R"(<item xmlns="urn:a" ID="i1"><v>7</v></item>)");
}

TEST(Signature, OfTheRoot) {
    auto text = sign(fmt::format(R"(<item xmlns="urn:a" ID="i1"><v/>{}</item>)", unsigned_signature("i1")),
                     rsa().private_pem());
    EXPECT_EQ(verify(text).value(), R"(<item xmlns="urn:a" ID="i1"><v></v></item>)");
}

TEST(Signature, OfEveryAlgorithmThatIsTaken) {
    for (const char *hash : {"sha256", "sha384", "sha512"}) {
        SignatureForm form;
        form.method = fmt::format("http://www.w3.org/2001/04/xmldsig-more#rsa-{}", hash);
        form.digest = fmt::format("http://www.w3.org/2001/04/{}#{}",
                                  hash == std::string_view("sha384") ? "xmldsig-more" : "xmlenc", hash);
        EXPECT_TRUE(verify(signed_document(form)).ok()) << hash;
    }
    for (auto [curve, hash] : {std::pair{"P-256", "sha256"}, {"P-384", "sha384"}, {"P-521", "sha512"}}) {
        crypto::Signer signer(curve);
        SignatureForm form;
        form.method = fmt::format("http://www.w3.org/2001/04/xmldsig-more#ecdsa-{}", hash);
        EXPECT_TRUE(verify(signed_document(form, signer), trusted(signer)).ok()) << curve;
    }
}

// As Shibboleth signs: the prefix is used in a value only.
TEST(Signature, WithInclusivePrefixes) {
    constexpr std::string_view kInclusive =
        R"(#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/>)"
        R"(</ds:Transform>)";
    SignatureForm form;
    form.transforms = form.transforms.substr(0, form.transforms.size() - 4) + std::string(kInclusive);
    auto text = fmt::format(
        R"(<list xmlns="urn:a" xmlns:xs="urn:x" xmlns:y="urn:y"><item ID="i1">{}<v t="xs:s"/></item></list>)",
        unsigned_signature("i1", form));
    EXPECT_EQ(verify(sign(text, rsa().private_pem())).value(),
              R"(<item xmlns="urn:a" xmlns:xs="urn:x" ID="i1"><v t="xs:s"></v></item>)");
}

TEST(Signature, AnyOfTheKeysMayHaveMadeIt) {
    crypto::Signer other("rsa"), curve("P-256");
    auto keys = trusted(other);
    EXPECT_FALSE(verify(signed_document(), keys).ok());
    keys.push_back(trusted(curve)[0]);
    keys.push_back(trusted(rsa())[0]);
    EXPECT_TRUE(verify(signed_document(), keys).ok());
    EXPECT_FALSE(verify(signed_document(), {}).ok());
}

TEST(Signature, WhatWasChangedIsRefused) {
    auto text = signed_document();
    expect_refused(replaced(text, "<v>7</v>", "<v>8</v>"), "not by a key");
    expect_refused(replaced(text, "<v>7</v>", "<v>7</v><v/>"), "not by a key");
    auto value = text.find("SignatureValue>") + 20;
    text[value] = text[value] == 'A' ? 'B' : 'A';
    expect_refused(text, "not by a key");
    expect_refused(document(""), "is not signed");
    expect_refused(document(unsigned_signature("i1")), "not by a key");
    expect_refused(signed_document().substr(0, 300), "no well-formed XML");
}

TEST(Signature, FormsThatAreNotTaken) {
    auto with = [](auto change) {
        SignatureForm form;
        change(form);
        return signed_document(form);
    };
    const std::string transforms = SignatureForm().transforms;
    expect_refused(with([](auto &form) { form.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"; }),
                   "an algorithm that is not taken");
    expect_refused(with([](auto &form) { form.digest = "http://www.w3.org/2000/09/xmldsig#sha1"; }),
                   "digest is of an algorithm");
    expect_refused(
        with([](auto &form) { form.canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"; }),
        "exclusive canonical form");
    expect_refused(with([](auto &form) { form.canonical += "WithComments"; }), "exclusive canonical form");
    for (const std::string &other : {
             std::string(),
             transforms.substr(0, transforms.find("/>") + 2),
             transforms + R"(<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>)",
             replaced(transforms, "exc-c14n#", "exc-c14n#WithComments"),
             replaced(transforms, R"(<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>)",
                      R"(<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>)"
                      R"(not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>)"),
         })
        expect_refused(with([&](auto &form) { form.transforms = other; }), "transforms");
    expect_refused(with([](auto &form) { form.more = "<ds:Object><x/></ds:Object>"; }), "other parts");
    // HMAC, whose secret would be the public key.
    expect_refused(
        replaced(signed_document(), "2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#hmac-sha256"),
        "an algorithm that is not taken");
}

TEST(Signature, ReferencesToOtherThings) {
    for (const char *uri : {"", "#i2", "#xpointer(/)", "#xpointer(id('i1'))", "i1", "file:///etc/hostname",
                            "http://127.0.0.1:1/"})
        expect_refused(replaced(signed_document(), "URI=\"#i1\"", fmt::format("URI=\"{}\"", uri)),
                       "another element");
    expect_refused(replaced(signed_document(), " URI=\"#i1\"", ""), "another element");
    auto text = signed_document();
    auto begin = text.find("<ds:Reference"), end = text.find("</ds:Reference>") + 15;
    expect_refused(replaced(text, "</ds:SignedInfo>", text.substr(begin, end - begin) + "</ds:SignedInfo>"),
                   "exactly one reference");
}

TEST(Signature, WrappedElements) {
    auto text = signed_document();
    auto begin = text.find("<item"), end = text.find("</list>");
    auto item = text.substr(begin, end - begin);
    auto forged = R"(<item ID="i2"><v>8</v></item>)";
    expect_refused(replaced(text, "</list>", std::string(forged) + "</list>"), "exactly one item");
    expect_refused(replaced(text, item, fmt::format("<item ID=\"i1\"><v>8</v><w>{}</w></item>", item)),
                   "the same ID");
    expect_refused(replaced(text, item, fmt::format("<item ID=\"i2\"><v>8</v><w>{}</w></item>", item)),
                   "exactly one item");
    expect_refused(replaced(text, item, fmt::format("<w>{}</w>", item)), "not where it belongs");
    expect_refused(replaced(text, "<list", "<list id=\"i1\""), "the same ID");
    expect_refused(replaced(text, "<list", "<list xml:id=\"x\""), "xml:id");
    expect_refused(replaced(text, "ID=\"i1\"", "ID=\"i1\" xml:id=\"i1\""), "xml:id");
    auto signature_begin = item.find("<ds:Signature "), signature_end = item.find("</ds:Signature>") + 15;
    auto signature = item.substr(signature_begin, signature_end - signature_begin);
    expect_refused(replaced(text, signature, signature + signature), "several signatures");
    expect_refused(replaced(text, signature, fmt::format("<w>{}</w>", signature)), "is not signed");
    expect_refused(replaced(replaced(text, signature, ""), "<list xmlns=\"urn:a\">",
                            "<list xmlns=\"urn:a\">" + signature),
                   "is not signed");
}

TEST(Signature, OddIds) {
    for (const char *id : {"", "a b", "i1')", "&#10;"})
        expect_refused(replaced(signed_document(), "ID=\"i1\"", fmt::format("ID=\"{}\"", id)),
                       "no ID that can be referred to");
    expect_refused(replaced(signed_document(), " ID=\"i1\"", ""), "no ID that can be referred to");
}

// The key that a stranger sends along is not asked.
TEST(Signature, KeysOfTheDocumentDoNotCount) {
    crypto::Signer stranger("rsa");
    SignatureForm form;
    form.more = fmt::format("<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus/><ds:Exponent/>"
                            "</ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>");
    auto text = sign(document(unsigned_signature("i1", form)), stranger.private_pem());
    expect_refused(text, "not by a key");
    EXPECT_TRUE(verify(text, trusted(stranger)).ok());
    form.more = R"(<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/"/></ds:KeyInfo>)";
    EXPECT_TRUE(verify(signed_document(form)).ok());
}

TEST(TrustedKey, WhatIsNone) {
    EXPECT_FALSE(TrustedKey::from_pem("").ok());
    EXPECT_FALSE(TrustedKey::from_pem(rsa().private_pem()).ok());
    EXPECT_FALSE(TrustedKey::from_pem(crypto::Signer("rsa:1024").public_pem()).ok());
    EXPECT_FALSE(TrustedKey::from_pem(crypto::Signer("Ed25519").public_pem()).ok());
    EXPECT_FALSE(TrustedKey::from_certificate("").ok());
    EXPECT_FALSE(TrustedKey::from_certificate("AAAA").ok());
    EXPECT_FALSE(TrustedKey::from_certificate("%").ok());
}

} // namespace
} // namespace divan::xml
