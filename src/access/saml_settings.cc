#include "access/saml_settings.h"

#include "access/small_file.h"
#include "config/config.h"
#include "crypto/signature.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr std::size_t kEntityIdBytesMax = 1'024; // saml-metadata, 2.2.1

Error wrong(std::string_view key, std::string_view what) {
    return wrong_setting("saml", key, what);
}

Result<void> check_entity_id(std::string_view text) {
    bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!visible || text.size() > kEntityIdBytesMax)
        return Error(ErrorCode::bad_request, "must be a URI of at most 1024 characters without spaces");
    return {};
}

// Names of attributes may have colons; a colon and a plain word behind them is the member.
Result<void> check_attributes(std::string_view text) {
    for (const auto &word : split_words(text, ", ")) {
        auto colon = word.rfind(':');
        auto member =
            colon == std::string::npos ? std::string_view("x") : std::string_view(word).substr(colon + 1);
        bool plain = !member.empty() && std::all_of(member.begin(), member.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                   c == '-';
        });
        if (colon == 0 || !plain)
            return Error(ErrorCode::bad_request,
                         "takes attributes as `mail`, or `urn:oid:0.9.2342.19200300.100.1.3:mail` with the "
                         "member of the user's document behind the last colon, between commas");
    }
    return {};
}

constexpr SettingCheck kChecks[] = {
    {"idp_metadata_url", check_optional_url},
    {"base_url", check_optional_url_without_query},
    {"entity_id", check_entity_id},
    {"attributes", check_attributes},
};

Result<std::string> read_pem(std::string_view key, const std::string &path) {
    auto text = read_small_file(path, kPemBytesMax);
    if (!text.ok())
        return wrong(key, fmt::format("cannot be used: {}", text.error().reason()));
    return text;
}

// The text between the lines of PEM.
std::string armoured(std::string_view pem) {
    std::string text;
    for (const auto &line : split_words(pem, "\r\n"))
        if (!line.starts_with("-----"))
            text += line;
    return text;
}

Result<void> read_signing_key(const SamlSettings &settings, SamlKeys &keys) {
    if (settings.key_file.empty() && settings.certificate_file.empty())
        return {};
    if (settings.key_file.empty() || settings.certificate_file.empty())
        return wrong(settings.key_file.empty() ? "key_file" : "certificate_file",
                     "is missing: requests are signed with key_file, and the provider checks them with "
                     "certificate_file");
    DIVAN_TRY(auto private_pem, read_pem("key_file", settings.key_file));
    auto signing = crypto::SigningKey::from_pem(private_pem);
    if (!signing.ok())
        return wrong("key_file", fmt::format("cannot be used: {}", signing.error().reason()));
    DIVAN_TRY(auto pem, read_pem("certificate_file", settings.certificate_file));
    auto certificate = crypto::Key::from_pem(pem);
    if (!certificate.ok() || pem.find("BEGIN CERTIFICATE") == std::string::npos)
        return wrong("certificate_file", "is no certificate in PEM");
    constexpr std::string_view kProbe = "probe";
    if (!certificate->verify(crypto::SignatureAlgorithm::rs256, kProbe, signing->sign_rs256(kProbe)))
        return wrong("certificate_file", "is of another key than key_file");
    keys.signing = std::move(*signing);
    keys.certificate = armoured(pem);
    return {};
}

} // namespace

Result<SamlSettings> read_saml_settings(const config::Config &config) {
    auto text = [&](const char *key) { return config.text("saml", key); };
    DIVAN_TRY_VOID(run_checks(config, "saml", kChecks));
    SamlSettings settings;
    static_cast<ProviderSettings &>(settings) = read_provider_settings(config, "saml");
    settings.idp_metadata_url = text("idp_metadata_url");
    settings.idp_metadata_file = text("idp_metadata_file");
    if (settings.idp_metadata_url.empty() == settings.idp_metadata_file.empty())
        return wrong("idp_metadata_url",
                     settings.idp_metadata_url.empty()
                         ? "is missing: set it, or idp_metadata_file, to where the metadata "
                           "of the identity provider is"
                         : "and idp_metadata_file are both set: only one of them can count");
    settings.idp_entity_id = text("idp_entity_id");
    settings.idp_certificate_file = text("idp_certificate_file");
    settings.base_url = text("base_url");
    if (settings.base_url.ends_with('/'))
        settings.base_url.pop_back();
    settings.entity_id = text("entity_id");
    // Never by the host that was asked: an assertion for another service of the provider would count, if
    // somebody asks by the name of that service.
    if (settings.entity_id.empty() && settings.base_url.empty())
        return wrong("base_url", "is missing: set it to the URL of this server as browsers know it, as "
                                 "https://db.example.com, or set entity_id");
    if (settings.entity_id.empty())
        settings.entity_id = settings.base_url + "/_session/saml/metadata";
    settings.name_attribute = text("name_attribute");
    settings.roles_attribute = text("roles_attribute");
    settings.key_file = text("key_file");
    settings.certificate_file = text("certificate_file");
    settings.refresh_interval = std::chrono::seconds(config.integer("saml", "metadata_refresh_seconds"));
    settings.force_authn = config.boolean("saml", "force_authn");
    return settings;
}

Result<SamlKeys> read_saml_keys(const SamlSettings &settings) {
    SamlKeys keys;
    if (!settings.idp_certificate_file.empty()) {
        DIVAN_TRY(auto pem, read_pem("idp_certificate_file", settings.idp_certificate_file));
        auto pinned = xml::TrustedKey::from_pem(pem);
        if (!pinned.ok())
            return wrong("idp_certificate_file", fmt::format("cannot be used: {}", pinned.error().reason()));
        keys.pinned = std::move(*pinned);
    }
    DIVAN_TRY_VOID(read_signing_key(settings, keys));
    return keys;
}

Result<void> check_saml_settings(config::Config &config) {
    DIVAN_TRY_VOID(add_checks(config, "saml", kChecks));
    if (!config.boolean("saml", "enable"))
        return {};
    DIVAN_TRY(auto settings, read_saml_settings(config));
    auto keys = read_saml_keys(settings);
    return keys.ok() ? Result<void>() : keys.error();
}

} // namespace divan::access
