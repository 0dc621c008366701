#include "access/saml_metadata.h"

#include "access/saml_names.h"
#include "access/web_request.h"
#include "xml/date_time.h"
#include "xml/document.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

using namespace saml;

constexpr std::size_t kElementsMax = 500'000; // federations publish thousands of entities in one document

std::string text_attribute(const xml::Element &element, std::string_view name) {
    const auto *value = element.attribute(name);
    return value == nullptr ? std::string() : *value;
}

bool has_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        auto end = std::min(words.find_first_of(" \t\r\n"), words.size());
        if (words.substr(0, end) == word)
            return true;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

class Reader {
  public:
    Reader(std::chrono::microseconds now, const SamlMetadataRules &rules) : now_(now), rules_(rules) {}

    Error wrong(std::string_view what) const {
        return {ErrorCode::service_unavailable,
                fmt::format("The metadata of the identity provider, {}, cannot be used: {}", rules_.source,
                            what)};
    }

    Result<SamlProvider> read(const xml::Element &root) {
        DIVAN_TRY_VOID(collect(root));
        if (found_.empty())
            return wrong(rules_.entity_id.empty()
                             ? "it has no identity provider (IDPSSODescriptor) of SAML 2.0"
                             : fmt::format("it has no identity provider {}: see [saml] idp_entity_id",
                                           rules_.entity_id));
        if (found_.size() > 1)
            return wrong("it has several identity providers: set [saml] idp_entity_id to one of them");
        return provider_of(*found_[0].first, *found_[0].second);
    }

  private:
    Result<void> check_valid(const xml::Element &element) const {
        const auto *until = element.attribute("validUntil");
        if (until == nullptr)
            return {};
        auto time = xml::parse_date_time(*until);
        if (!time || *time <= now_)
            return wrong(
                "its validUntil has passed: the provider has to publish it anew; are both clocks right?");
        return {};
    }

    Result<void> collect(const xml::Element &element) {
        if (element.is(kMetadata, "EntitiesDescriptor")) {
            DIVAN_TRY_VOID(check_valid(element));
            for (const auto &child : element.children)
                DIVAN_TRY_VOID(collect(child));
        }
        if (element.is(kMetadata, "EntityDescriptor") &&
            (rules_.entity_id.empty() || text_attribute(element, "entityID") == rules_.entity_id))
            for (const auto *role : element.all(kMetadata, "IDPSSODescriptor"))
                if (has_word(text_attribute(*role, "protocolSupportEnumeration"), kProtocol))
                    found_.emplace_back(&element, role);
        return {};
    }

    Result<SamlProvider> provider_of(const xml::Element &entity, const xml::Element &role) const {
        DIVAN_TRY_VOID(check_valid(entity));
        DIVAN_TRY_VOID(check_valid(role));
        SamlProvider provider;
        provider.entity_id = text_attribute(entity, "entityID");
        if (provider.entity_id.empty())
            return wrong("it has no entityID");
        auto wants = text_attribute(role, "WantAuthnRequestsSigned");
        provider.wants_signed_requests = wants == "true" || wants == "1";
        DIVAN_TRY(provider.login_url, login_url_of(role));
        provider.keys = keys_of(role);
        if (provider.keys.empty() && rules_.keys_needed)
            return wrong(
                "it has no certificate for signatures that can be used (RSA of 2048 bits or more, or "
                "EC): see [saml] idp_certificate_file");
        return provider;
    }

    Result<std::string> login_url_of(const xml::Element &role) const {
        for (const auto *service : role.all(kMetadata, "SingleSignOnService"))
            if (text_attribute(*service, "Binding") == kRedirectBinding) {
                auto url = text_attribute(*service, "Location");
                if (auto address = WebAddress::parse(url); !address.ok())
                    return wrong(
                        fmt::format("the Location of its SingleSignOnService is not a URL for it: {}",
                                    address.error().reason()));
                return url;
            }
        return wrong("it has no SingleSignOnService with the binding HTTP-Redirect");
    }

    static std::vector<xml::TrustedKey> keys_of(const xml::Element &role) {
        std::vector<xml::TrustedKey> keys;
        for (const auto *descriptor : role.all(kMetadata, "KeyDescriptor")) {
            auto use = text_attribute(*descriptor, "use");
            const auto *info = descriptor->child(xml::kSignatureSpace, "KeyInfo");
            if (info == nullptr || (!use.empty() && use != "signing"))
                continue;
            for (const auto *data : info->all(xml::kSignatureSpace, "X509Data"))
                for (const auto *certificate : data->all(xml::kSignatureSpace, "X509Certificate"))
                    if (auto key = xml::TrustedKey::from_certificate(certificate->text); key.ok())
                        keys.push_back(std::move(*key));
        }
        return keys;
    }

    std::chrono::microseconds now_;
    const SamlMetadataRules &rules_;
    std::vector<std::pair<const xml::Element *, const xml::Element *>> found_; // entity, role
};

} // namespace

Result<SamlProvider> parse_saml_metadata(std::string_view text, std::chrono::microseconds now,
                                         const SamlMetadataRules &rules) {
    Reader reader(now, rules);
    xml::Limits limits;
    limits.bytes_max = rules.bytes_max;
    limits.elements_max = kElementsMax;
    limits.allow_comments = true; // files that people edit
    auto root = xml::parse(text, limits);
    if (!root.ok())
        return reader.wrong(root.error().reason());
    return reader.read(*root);
}

} // namespace divan::access
