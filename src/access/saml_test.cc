#include "access/saml_metadata.h"
#include "access/saml_request.h"
#include "access/saml_response.h"
#include "access/saml_settings.h"
#include "access/seen_ids.h"

#include "base/encoding.h"
#include "config/config.h"
#include "crypto/testing/signer.h"
#include "net/url.h"
#include "xml/document.h"
#include "xml/testing/signer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using std::chrono::seconds;

const crypto::Signer &signer() {
    static const crypto::Signer kept("P-256");
    return kept;
}

xml::TrustedKey trusted() {
    return xml::TrustedKey::from_pem(signer().public_pem()).value();
}

bool contains(const std::string &text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// ---- what was seen

TEST(SeenIds, CountOnce) {
    SeenIds seen(10);
    EXPECT_TRUE(seen.add("a", seconds(100), seconds(50)));
    EXPECT_FALSE(seen.add("a", seconds(100), seconds(60)));
    EXPECT_FALSE(seen.add("a", seconds(100), seconds(100)));
    EXPECT_TRUE(seen.add("b", seconds(100), seconds(60)));
    // What has expired is forgotten: nobody takes it any more.
    EXPECT_TRUE(seen.add("a", seconds(300), seconds(101)));
    EXPECT_EQ(seen.size(), 1u);
}

TEST(SeenIds, AreBounded) {
    SeenIds seen(2);
    EXPECT_TRUE(seen.add("late", seconds(300), seconds(0)));
    EXPECT_TRUE(seen.add("early", seconds(100), seconds(0)));
    EXPECT_TRUE(seen.add("middle", seconds(200), seconds(0)));
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_FALSE(seen.add("late", seconds(300), seconds(0)));
    EXPECT_FALSE(seen.add("middle", seconds(200), seconds(0)));
}

// ---- requests

SamlRequest request() {
    SamlRequest made;
    made.id = "_1";
    made.issued_at = seconds(1'700'000'000);
    made.login_url = "https://id/login?a=1&b=2";
    made.entity_id = "urn:divan?a&b";
    made.acs_url = "https://db/_session/saml/acs";
    return made;
}

TEST(SamlRequest, IsXml) {
    auto made = request();
    auto root = xml::parse(saml_request_text(made), {}).value();
    EXPECT_EQ(*root.attribute("ID"), "_1");
    EXPECT_EQ(*root.attribute("Destination"), made.login_url);
    EXPECT_EQ(*root.attribute("IssueInstant"), "2023-11-14T22:13:20Z");
    EXPECT_EQ(root.child("urn:oasis:names:tc:SAML:2.0:assertion", "Issuer")->text, made.entity_id);
    EXPECT_EQ(root.attribute("ForceAuthn"), nullptr);
    made.force_authn = true;
    EXPECT_EQ(*xml::parse(saml_request_text(made), {}).value().attribute("ForceAuthn"), "true");
}

TEST(SamlRequest, IsSignedAsItStandsInTheUrl) {
    crypto::Signer rsa("rsa");
    auto key = crypto::SigningKey::from_pem(rsa.private_pem()).value();
    auto url = saml_request_url(request(), "state", key);
    auto begin = url.find("&SAMLRequest=") + 1, end = url.find("&Signature=");
    ASSERT_TRUE(url.starts_with("https://id/login?a=1&b=2&SAMLRequest="));
    auto query = net::Query::parse(url.substr(begin)).value();
    EXPECT_EQ(query.find("RelayState"), "state");
    auto signature = base64_decode(query.find("Signature").value()).value();
    EXPECT_TRUE(rsa.public_key().verify(crypto::SignatureAlgorithm::rs256, url.substr(begin, end - begin),
                                        signature));
    EXPECT_FALSE(contains(saml_request_url(request(), "state", std::nullopt), "Signature"));
}

TEST(SigningKey, WhatIsNone) {
    for (const auto &pem : {std::string(), std::string("x"), crypto::Signer("rsa").public_pem(),
                            crypto::Signer("P-256").private_pem(), crypto::Signer("rsa:1024").private_pem()})
        EXPECT_EQ(crypto::SigningKey::from_pem(pem).error().code(), ErrorCode::bad_request);
}

TEST(SamlServiceMetadata, SaysWhetherRequestsAreSigned) {
    constexpr std::string_view kSpace = "urn:oasis:names:tc:SAML:2.0:metadata";
    auto root = xml::parse(saml_service_metadata("urn:a&b", "https://db/acs", ""), {}).value();
    EXPECT_EQ(*root.attribute("entityID"), "urn:a&b");
    const auto *role = root.child(kSpace, "SPSSODescriptor");
    EXPECT_EQ(*role->attribute("AuthnRequestsSigned"), "false");
    EXPECT_EQ(role->child(kSpace, "KeyDescriptor"), nullptr);
    root = xml::parse(saml_service_metadata("urn:a", "https://db/acs", "AAAA"), {}).value();
    role = root.child(kSpace, "SPSSODescriptor");
    EXPECT_EQ(*role->attribute("AuthnRequestsSigned"), "true");
    EXPECT_EQ(role->count(xml::kSignatureSpace, "X509Certificate"), 1u);
}

// ---- responses

constexpr seconds kNow(1'700'000'000); // 2023-11-14T22:13:20Z
constexpr seconds kLeeway(30);

SamlResponseRules rules() {
    SamlResponseRules made;
    made.provider_entity_id = "urn:id";
    made.keys = {trusted()};
    made.entity_id = "urn:divan";
    made.acs_url = "https://db/acs";
    made.request_id = "_1";
    made.leeway = kLeeway;
    return made;
}

struct Moments {
    std::string from = "2023-11-14T22:13:20Z", until = "2023-11-14T22:13:21Z",
                data_until = "2023-11-14T22:13:21Z", session_until = "2023-11-14T22:13:21Z",
                instant = "2023-11-14T22:13:20Z";
};

std::string response(const Moments &moments, std::string_view more_confirmations = "") {
    xml::SignatureForm form;
    form.method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    auto text = fmt::format(
        R"(<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" )"
        R"(ID="r" Version="2.0" Destination="https://db/acs" InResponseTo="_1">)"
        R"(<p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>)"
        R"(<Assertion ID="a" Version="2.0"><Issuer>urn:id</Issuer>{}<Subject><NameID>anna</NameID>{})"
        R"(<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData )"
        R"(Recipient="https://db/acs" InResponseTo="_1" NotOnOrAfter="{}"/></SubjectConfirmation></Subject>)"
        R"(<Conditions NotBefore="{}" NotOnOrAfter="{}"><AudienceRestriction><Audience>urn:divan</Audience>)"
        R"(</AudienceRestriction></Conditions><AuthnStatement AuthnInstant="{}" SessionNotOnOrAfter="{}"/>)"
        R"(<AttributeStatement><Attribute Name="g"><AttributeValue>x</AttributeValue></Attribute>)"
        R"(<Attribute Name="g"><AttributeValue> y </AttributeValue><AttributeValue/></Attribute>)"
        R"(</AttributeStatement></Assertion></p:Response>)",
        xml::unsigned_signature("a", form), more_confirmations, moments.data_until, moments.from,
        moments.until, moments.instant, moments.session_until);
    return xml::sign(text, signer().private_pem());
}

TEST(SamlResponse, GivesWhatWasSaid) {
    auto assertion = verify_saml_response(response({}), kNow, rules()).value();
    EXPECT_EQ(assertion.id, "a");
    EXPECT_EQ(assertion.name_id, "anna");
    EXPECT_EQ(assertion.name_format, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    EXPECT_EQ(assertion.values("g"), (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(assertion.values("h"), std::vector<std::string>());
    EXPECT_EQ(assertion.valid_until, kNow + seconds(1) + kLeeway);
}

TEST(SamlResponse, TimesCountToTheSecond) {
    auto text = response({});
    auto at = [&](seconds now) { return verify_saml_response(text, now, rules()).ok(); };
    EXPECT_FALSE(at(kNow - kLeeway - seconds(1)));
    EXPECT_TRUE(at(kNow - kLeeway));
    EXPECT_TRUE(at(kNow + kLeeway));
    EXPECT_FALSE(at(kNow + kLeeway + seconds(1)));
    // Each of them alone.
    for (auto member : {&Moments::until, &Moments::data_until, &Moments::session_until}) {
        Moments moments;
        moments.*member = "2023-11-14T22:12:50Z"; // the leeway ago
        auto verified = verify_saml_response(response(moments), kNow, rules());
        EXPECT_TRUE(!verified.ok() && contains(verified.error().reason(), "has expired"));
        moments.*member = "2023-11-14T22:12:50.001Z";
        EXPECT_TRUE(verify_saml_response(response(moments), kNow, rules()).ok());
    }
}

TEST(SamlResponse, OneOfSeveralConfirmationsSuffices) {
    constexpr std::string_view kOther =
        R"(<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/>)";
    EXPECT_TRUE(verify_saml_response(response({}, kOther), kNow, rules()).ok());
}

TEST(SamlResponse, ALoginHasToBeNewIfThatWasAsked) {
    auto since = rules();
    since.logged_in_since = kNow + kLeeway;
    EXPECT_TRUE(verify_saml_response(response({}), kNow, since).ok());
    since.logged_in_since = kNow + kLeeway + seconds(1);
    EXPECT_TRUE(contains(verify_saml_response(response({}), kNow, since).error().reason(), "earlier login"));
}

TEST(SamlResponse, NoReasonShowsTheResponse) {
    auto other = rules();
    other.entity_id = "urn:other";
    auto error = verify_saml_response(response({}), kNow, other).error();
    EXPECT_EQ(error.code(), ErrorCode::unauthorized);
    EXPECT_FALSE(contains(error.reason(), "anna") || contains(error.reason(), "urn:"));
}

// ---- users

SamlAssertion assertion() {
    SamlAssertion made;
    made.name_id = "n7";
    made.name_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    made.attributes = {
        {"uid", {"anna"}}, {"groups", {"staff", "guests"}}, {"mail", {"a@b", "c@d"}}, {"none", {}}};
    return made;
}

TEST(SamlUser, IsNamedByNameIdOrByAnAttribute) {
    SamlSettings settings;
    auto user = saml_user(assertion(), settings).value();
    EXPECT_EQ(user.name, "n7");
    EXPECT_EQ(user.subject, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent#n7");
    EXPECT_TRUE(user.roles.empty());
    settings.name_attribute = "uid";
    EXPECT_EQ(saml_user(assertion(), settings).value().name, "anna");
    EXPECT_EQ(saml_user(assertion(), settings).value().subject, user.subject);
    for (const char *name : {"mail", "none", "absent"}) {
        settings.name_attribute = name;
        EXPECT_EQ(saml_user(assertion(), settings).error().code(), ErrorCode::forbidden) << name;
    }
}

TEST(SamlUser, HasRolesAndAttributes) {
    SamlSettings settings;
    settings.roles_attribute = "groups";
    settings.roles["staff"] = {"crew", "readers"};
    settings.attributes = {{"mail", "addresses"}, {"uid", "uid"}, {"none", "none"}};
    auto user = saml_user(assertion(), settings).value();
    EXPECT_EQ(user.roles, (std::vector<std::string>{"crew", "readers"}));
    EXPECT_EQ(user.attributes.find("addresses")->array().size(), 2u);
    EXPECT_EQ(*user.attributes.find("uid"), json::Value("anna"));
    EXPECT_EQ(user.attributes.find("none"), nullptr);
    settings.groups_as_roles = true;
    EXPECT_EQ(saml_user(assertion(), settings).value().roles,
              (std::vector<std::string>{"crew", "readers", "guests"}));
}

// ---- settings

class SamlSettingsTest : public testing::Test {
  public:
    void set(const char *key, const std::string &value) {
        ASSERT_TRUE(config_->set("saml", key, value, false).ok()) << key;
    }
    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
};

TEST_F(SamlSettingsTest, AttributesAreSplitAtTheLastColon) {
    set("idp_metadata_url", "https://id/metadata");
    set("base_url", "https://db/");
    set("attributes", "mail, urn:oid:2.5.4.42:given, http://a/b:c");
    auto settings = read_saml_settings(*config_).value();
    using Pair = std::pair<std::string, std::string>;
    EXPECT_EQ(settings.attributes,
              (std::vector<Pair>{{"mail", "mail"}, {"urn:oid:2.5.4.42", "given"}, {"http://a/b", "c"}}));
    EXPECT_EQ(settings.entity_id, "https://db/_session/saml/metadata");
}

// By the host that was asked, an assertion for another service of the provider would count here.
TEST_F(SamlSettingsTest, TheEntityIdIsNeverByTheHost) {
    set("idp_metadata_url", "https://id/metadata");
    EXPECT_TRUE(contains(read_saml_settings(*config_).error().reason(), "base_url"));
    set("entity_id", "urn:divan");
    EXPECT_EQ(read_saml_settings(*config_).value().entity_id, "urn:divan");
}

} // namespace
} // namespace divan::access
