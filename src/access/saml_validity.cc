#include "access/saml_validity.h"

#include "access/saml_names.h"
#include "xml/date_time.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

using namespace saml;
using Time = std::chrono::microseconds;

std::string text_attribute(const xml::Element &element, std::string_view name) {
    const auto *value = element.attribute(name);
    return value == nullptr ? std::string() : *value;
}

// The moments of an assertion against the clock.
class Times {
  public:
    Times(Time now, Time leeway) : now_(now), leeway_(leeway) {}

    // nullopt: the element has no such attribute.
    Result<std::optional<Time>> find(const xml::Element &element, std::string_view name) const {
        const auto *text = element.attribute(name);
        if (text == nullptr)
            return std::optional<Time>();
        auto time = xml::parse_date_time(*text);
        if (!time)
            return refused_response(fmt::format("its {} is no time in UTC", name));
        return time;
    }
    Result<void> check_begun(const xml::Element &element) const {
        DIVAN_TRY(auto from, find(element, "NotBefore"));
        if (from && *from > now_ + leeway_)
            return refused_response("it is not valid yet; are both clocks right?");
        return {};
    }
    // Until when, the leeway included.
    Result<std::optional<Time>> check_not_ended(const xml::Element &element, std::string_view name) const {
        DIVAN_TRY(auto until, find(element, name));
        if (!until)
            return std::optional<Time>();
        if (*until <= now_ - leeway_)
            return refused_response(fmt::format("it has expired ({}); are both clocks right?", name));
        return std::optional(*until + leeway_);
    }
    // Whether it was before, further than the clocks may be apart.
    bool is_before(Time time, Time since) const { return time < since - leeway_; }

  private:
    Time now_, leeway_;
};

Result<void> check_issuer(const xml::Element &element, bool needed, const SamlResponseRules &rules) {
    const auto *issuer = element.child(kAssertion, "Issuer");
    if (issuer == nullptr && !needed)
        return {};
    auto format = issuer == nullptr ? std::string() : text_attribute(*issuer, "Format");
    if (issuer == nullptr || issuer->trimmed() != rules.provider_entity_id || !issuer->children.empty() ||
        (!format.empty() && format != kEntityName))
        return refused_response("its issuer is another one than the identity provider of the metadata");
    return {};
}

Result<void> check_audience(const xml::Element &conditions, const SamlResponseRules &rules) {
    auto restrictions = conditions.all(kAssertion, "AudienceRestriction");
    if (restrictions.empty())
        return refused_response("it does not say for whom it is: it has no AudienceRestriction");
    for (const auto *restriction : restrictions) {
        auto audiences = restriction->all(kAssertion, "Audience");
        bool ours = std::any_of(audiences.begin(), audiences.end(), [&](const xml::Element *audience) {
            return audience->trimmed() == rules.entity_id && audience->children.empty();
        });
        if (!ours)
            return refused_response("it is not for this server: its audience is not [saml] entity_id");
    }
    return {};
}

// Conditions that are not known make an assertion worth nothing (saml-core, 2.5.1).
Result<std::optional<Time>> check_conditions(const xml::Element &assertion, const Times &times,
                                             const SamlResponseRules &rules) {
    auto all = assertion.all(kAssertion, "Conditions");
    if (all.size() != 1)
        return refused_response("it does not have exactly one element Conditions");
    const auto &conditions = *all[0];
    for (const auto &condition : conditions.children)
        if (!condition.is(kAssertion, "AudienceRestriction") && !condition.is(kAssertion, "OneTimeUse") &&
            !condition.is(kAssertion, "ProxyRestriction"))
            return refused_response("it has a condition that is not known");
    DIVAN_TRY_VOID(times.check_begun(conditions));
    DIVAN_TRY_VOID(check_audience(conditions, rules));
    return times.check_not_ended(conditions, "NotOnOrAfter");
}

// Until when it confirms that whoever brings the assertion is its subject.
Result<Time> check_confirmation(const xml::Element &confirmation, const Times &times,
                                const SamlResponseRules &rules) {
    const auto *data = confirmation.child(kAssertion, "SubjectConfirmationData");
    if (text_attribute(confirmation, "Method") != kBearer || data == nullptr)
        return refused_response("its subject has no confirmation of the method bearer");
    if (text_attribute(*data, "Recipient") != rules.acs_url)
        return refused_response("its Recipient is not the URL where it came");
    if (text_attribute(*data, "InResponseTo") != rules.request_id)
        return refused_response("its subject was not confirmed for this login (InResponseTo)");
    if (data->attribute("NotBefore") != nullptr)
        return refused_response("its SubjectConfirmationData has a NotBefore");
    DIVAN_TRY(auto until, times.check_not_ended(*data, "NotOnOrAfter"));
    if (!until)
        return refused_response("its SubjectConfirmationData has no NotOnOrAfter");
    return *until;
}

Result<Time> check_subject(const xml::Element &assertion, const Times &times,
                           const SamlResponseRules &rules) {
    auto subjects = assertion.all(kAssertion, "Subject");
    if (subjects.size() != 1)
        return refused_response("it does not have exactly one subject");
    Result<Time> confirmed = refused_response("its subject has no confirmation of the method bearer");
    for (const auto *confirmation : subjects[0]->all(kAssertion, "SubjectConfirmation")) {
        confirmed = check_confirmation(*confirmation, times, rules);
        if (confirmed.ok())
            break;
    }
    return confirmed;
}

Result<void> check_statements(const xml::Element &assertion, const Times &times,
                              const SamlResponseRules &rules) {
    auto statements = assertion.all(kAssertion, "AuthnStatement");
    if (statements.empty())
        return refused_response("it does not say that somebody has logged in: it has no AuthnStatement");
    for (const auto *statement : statements) {
        DIVAN_TRY(auto logged_in_at, times.find(*statement, "AuthnInstant"));
        if (!logged_in_at)
            return refused_response("its AuthnStatement has no AuthnInstant");
        if (rules.logged_in_since && times.is_before(*logged_in_at, *rules.logged_in_since))
            return refused_response("it is of an earlier login at the provider ([saml] force_authn)");
        if (auto session = times.check_not_ended(*statement, "SessionNotOnOrAfter"); !session.ok())
            return session.error();
    }
    return {};
}

} // namespace

Result<void> check_saml_response(const xml::Element &response, const SamlResponseRules &rules) {
    if (text_attribute(response, "Version") != "2.0")
        return refused_response("it is not of SAML 2.0");
    if (text_attribute(response, "Destination") != rules.acs_url)
        return refused_response("its Destination is not the URL where it came");
    if (text_attribute(response, "InResponseTo") != rules.request_id)
        return refused_response("it does not answer this login (InResponseTo)");
    return check_issuer(response, false, rules);
}

Result<Time> check_saml_assertion(const xml::Element &assertion, Time now, const SamlResponseRules &rules) {
    Times times(now, rules.leeway);
    if (text_attribute(assertion, "Version") != "2.0" || text_attribute(assertion, "ID").empty())
        return refused_response("its assertion is not of SAML 2.0");
    DIVAN_TRY_VOID(check_issuer(assertion, true, rules));
    DIVAN_TRY(auto until, check_subject(assertion, times, rules));
    DIVAN_TRY(auto conditions_until, check_conditions(assertion, times, rules));
    DIVAN_TRY_VOID(check_statements(assertion, times, rules));
    return std::min(until, conditions_until.value_or(until));
}

} // namespace divan::access
