#include "access/saml_response.h"

#include "access/saml_names.h"
#include "access/saml_validity.h"
#include "xml/document.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

using namespace saml;

constexpr std::size_t kStatusWordBytesMax = 64;

std::string text_attribute(const xml::Element &element, std::string_view name) {
    const auto *value = element.attribute(name);
    return value == nullptr ? std::string() : *value;
}

// ---- what was signed

struct Parts {
    xml::Element response; // signed or not
    xml::Element assertion;
};

Result<xml::Element> read_signed(std::string_view text, const xml::SignedName &which,
                                 const SamlResponseRules &rules, const xml::Limits &limits) {
    auto bytes = xml::verified_element(text, which, rules.keys, limits);
    if (!bytes.ok())
        return refused_response(bytes.error().reason());
    auto element = xml::parse(*bytes, limits);
    if (!element.ok() || !element->is(which.space, which.name))
        return refused_response("what was signed cannot be read");
    return element;
}

// The provider's words for why nobody has logged in.
Result<void> check_status(const xml::Element &response) {
    const auto *status = response.child(kProtocol, "Status");
    const auto *code = status == nullptr ? nullptr : status->child(kProtocol, "StatusCode");
    if (code == nullptr)
        return refused_response("it has no status");
    std::string words;
    for (; code != nullptr; code = code->child(kProtocol, "StatusCode")) {
        auto value = text_attribute(*code, "Value");
        if (words.empty() && value == std::string(kStatus) + "Success")
            return {};
        std::string_view word = value;
        if (word.starts_with(kStatus))
            word.remove_prefix(kStatus.size());
        bool shown = word.size() <= kStatusWordBytesMax && std::all_of(word.begin(), word.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                     });
        words += fmt::format("{}{}", words.empty() ? "" : ", ", shown ? word : "a status of its own");
    }
    return Error(ErrorCode::unauthorized, fmt::format("The identity provider refuses the login: {}", words));
}

Result<void> check_content(const xml::Element &response) {
    if (!response.is(kProtocol, "Response"))
        return refused_response("it is no SAML response");
    DIVAN_TRY_VOID(check_status(response));
    if (response.count(kAssertion, "EncryptedAssertion") > 0)
        return refused_response(
            "its assertion is encrypted, which this server does not offer: have the provider "
            "send it signed and not encrypted");
    if (response.count(kAssertion, "Assertion") != 1)
        return refused_response("it does not have exactly one assertion");
    if (response.child(kAssertion, "Assertion") == nullptr)
        return refused_response("its assertion is not where it belongs");
    return {};
}

Result<Parts> signed_parts(std::string_view text, const SamlResponseRules &rules) {
    xml::Limits limits;
    limits.bytes_max = rules.bytes_max;
    auto sent = xml::parse(text, limits);
    if (!sent.ok())
        return refused_response(sent.error().reason());
    DIVAN_TRY_VOID(check_content(*sent));
    const auto &assertion = *sent->child(kAssertion, "Assertion");
    auto response_signatures = sent->all(xml::kSignatureSpace, "Signature").size();
    auto assertion_signatures = assertion.all(xml::kSignatureSpace, "Signature").size();
    if (response_signatures + assertion_signatures == 0)
        return refused_response("neither it nor its assertion is signed");
    if (response_signatures + assertion_signatures != sent->count(xml::kSignatureSpace, "Signature"))
        return refused_response("it has a signature that belongs to neither it nor its assertion");
    Parts parts;
    if (response_signatures > 0) {
        DIVAN_TRY(parts.response, read_signed(text, {kProtocol, "Response"}, rules, limits));
    } else {
        parts.response = *sent;
    }
    if (assertion_signatures > 0) {
        DIVAN_TRY(parts.assertion, read_signed(text, {kAssertion, "Assertion"}, rules, limits));
    } else {
        const auto *inside = parts.response.child(kAssertion, "Assertion");
        if (inside == nullptr)
            return refused_response("its assertion is not signed");
        parts.assertion = *inside;
    }
    return parts;
}

// ---- who it is

Result<void> read_name(const xml::Element &subject, SamlAssertion &assertion) {
    if (subject.child(kAssertion, "EncryptedID") != nullptr)
        return refused_response("its name is encrypted, which this server does not offer");
    auto names = subject.all(kAssertion, "NameID");
    if (names.empty())
        return {};
    if (names.size() > 1 || !names[0]->children.empty())
        return refused_response("its NameID is malformed");
    assertion.name_id = names[0]->trimmed();
    assertion.name_format = text_attribute(*names[0], "Format");
    if (assertion.name_format.empty())
        assertion.name_format = kUnspecified;
    return {};
}

void read_attributes(const xml::Element &element, SamlAssertion &assertion) {
    for (const auto *statement : element.all(kAssertion, "AttributeStatement"))
        for (const auto *attribute : statement->all(kAssertion, "Attribute")) {
            std::vector<std::string> values;
            for (const auto *value : attribute->all(kAssertion, "AttributeValue"))
                if (value->children.empty() && !value->trimmed().empty())
                    values.emplace_back(value->trimmed());
            assertion.attributes.emplace_back(text_attribute(*attribute, "Name"), std::move(values));
        }
}

json::Value json_of(const std::vector<std::string> &values) {
    if (values.size() == 1)
        return json::Value(values[0]);
    json::Array array;
    for (const auto &value : values)
        array.emplace_back(value);
    return json::Value(std::move(array));
}

} // namespace

Error refused_response(std::string_view why) {
    return {ErrorCode::unauthorized, fmt::format("The answer of the identity provider is refused: {}", why)};
}

Result<SamlAssertion> verify_saml_response(std::string_view text, std::chrono::microseconds now,
                                           const SamlResponseRules &rules) {
    DIVAN_TRY(auto parts, signed_parts(text, rules));
    DIVAN_TRY_VOID(check_saml_response(parts.response, rules));
    SamlAssertion assertion;
    DIVAN_TRY(assertion.valid_until, check_saml_assertion(parts.assertion, now, rules));
    assertion.id = text_attribute(parts.assertion, "ID");
    DIVAN_TRY_VOID(read_name(*parts.assertion.child(kAssertion, "Subject"), assertion));
    read_attributes(parts.assertion, assertion);
    return assertion;
}

std::vector<std::string> SamlAssertion::values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto &[attribute, its_values] : attributes)
        if (attribute == name)
            found.insert(found.end(), its_values.begin(), its_values.end());
    return found;
}

Result<ExternalUser> saml_user(const SamlAssertion &assertion, const SamlSettings &settings) {
    ExternalUser user;
    user.provider = "saml";
    bool transient = assertion.name_format == kTransient;
    if (!assertion.name_id.empty() && !transient)
        user.subject = fmt::format("{}#{}", assertion.name_format, assertion.name_id);
    if (!settings.name_attribute.empty()) {
        auto names = assertion.values(settings.name_attribute);
        if (names.size() != 1)
            return Error(
                ErrorCode::forbidden,
                fmt::format("The identity provider does not say exactly one value of the attribute `{}`, "
                            "which is the user's name here: see [saml] name_attribute.",
                            settings.name_attribute));
        user.name = names[0];
    } else if (transient || assertion.name_id.empty()) {
        return Error(
            ErrorCode::forbidden,
            "The identity provider gives no name that lasts, but a NameID that is absent or transient: "
            "have it send a persistent one or the e-mail address, or set [saml] name_attribute.");
    } else {
        user.name = assertion.name_id;
    }
    if (!settings.roles_attribute.empty())
        user.roles = roles_of_groups(assertion.values(settings.roles_attribute), settings);
    for (const auto &[name, member] : settings.attributes)
        if (auto values = assertion.values(name); !values.empty())
            user.attributes.set(member, json_of(values));
    return user;
}

} // namespace divan::access
