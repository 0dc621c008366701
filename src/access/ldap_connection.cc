#include "access/ldap_connection.h"

#include "base/encoding.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldap.h>
#include <strings.h>
#include <sys/time.h>

namespace divan::access {
namespace {

// What one entry may bring; further values are left out.
constexpr std::size_t kValuesMax = 10'000;

struct FreeMessage {
    void operator()(LDAPMessage *message) const { ldap_msgfree(message); }
};
using Message = std::unique_ptr<LDAPMessage, FreeMessage>;

struct FreeValues {
    void operator()(berval **values) const { ldap_value_free_len(values); }
};

timeval to_timeval(Millis time) {
    return {static_cast<time_t>(time.count() / 1'000),
            static_cast<suseconds_t>(time.count() % 1'000 * 1'000)};
}

// Answers that say nothing about the request: the server cannot be talked to, or has no time.
bool is_lost(int code) {
    switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_TIMEOUT:
    case LDAP_LOCAL_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
        return true;
    default:
        return false;
    }
}

// Answers to a bind that are about this entry and its password.
bool is_refusal(int code) {
    switch (code) {
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_INAPPROPRIATE_AUTH:   // the entry has no password
    case LDAP_UNWILLING_TO_PERFORM: // an account that is shut
    case LDAP_CONSTRAINT_VIOLATION: // too many wrong passwords
    case LDAP_INSUFFICIENT_ACCESS:
        return true;
    default:
        return false;
    }
}

std::string_view advice(int code) {
    switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
        return "it cannot be reached, or its certificate is not trusted";
    case LDAP_TIMEOUT:
        return "it does not answer in time";
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_STRONG_AUTH_REQUIRED:
        return "it wants an encrypted connection: see [ldap] start_tls";
    case LDAP_NO_SUCH_OBJECT:
        return "an entry that [ldap] names is not there, or may not be read: see user_base, group_base, "
               "bind_dn";
    case LDAP_INSUFFICIENT_ACCESS:
        return "it does not allow the search: see [ldap] bind_dn";
    default:
        return "it refuses the request: the log of Divan says why";
    }
}

std::vector<std::string> text_values(LDAP *handle, LDAPMessage *entry, const char *attribute) {
    std::vector<std::string> out;
    std::unique_ptr<berval *, FreeValues> values(ldap_get_values_len(handle, entry, attribute));
    for (auto **value = values.get(); value != nullptr && *value != nullptr && out.size() < kValuesMax;
         ++value) {
        std::string text((*value)->bv_val, (*value)->bv_len);
        if (is_utf8(text))
            out.push_back(std::move(text));
    }
    return out;
}

LdapEntry read_entry(LDAP *handle, LDAPMessage *message, const LdapSearch &search) {
    LdapEntry entry;
    if (char *dn = ldap_get_dn(handle, message)) {
        entry.dn = dn;
        ldap_memfree(dn);
    }
    for (const auto &name : search.attributes)
        if (auto values = text_values(handle, message, name.c_str()); !values.empty())
            entry.attributes[name] = std::move(values);
    return entry;
}

} // namespace

const std::vector<std::string> &LdapEntry::values(const std::string &attribute) const {
    static const std::vector<std::string> kNoValues;
    auto found = attributes.find(attribute);
    return found == attributes.end() ? kNoValues : found->second;
}

void LdapConnection::Close::operator()(LDAP *handle) const {
    ldap_unbind_ext_s(handle, nullptr, nullptr);
}

Error LdapConnection::unusable(std::string_view what) const {
    return {ErrorCode::service_unavailable, fmt::format("The LDAP server {}: {}.", server_.url, what)};
}

std::string LdapConnection::described(std::string_view step, int code) const {
    char *said = nullptr;
    if (handle_)
        ldap_get_option(handle_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, static_cast<void *>(&said));
    auto text = fmt::format("LDAP server {}: {}: {}", server_.url, step, ldap_err2string(code));
    if (said != nullptr) {
        if (*said != '\0')
            text += fmt::format(": {}", to_utf8(said));
        ldap_memfree(said);
    }
    return text;
}

Error LdapConnection::failed(std::string_view step, int code) {
    lost_ = lost_ || is_lost(code);
    log_.warning(described(step, code));
    return unusable(advice(code));
}

Result<void> LdapConnection::prepare_tls() {
    auto *handle = handle_.get();
    int verify = settings_.verify_certificates ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
    int version = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    if (int code = ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &verify); code != LDAP_OPT_SUCCESS)
        return failed("setting verify_certificates", LDAP_LOCAL_ERROR);
    if (!settings_.cacert_file.empty() &&
        ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, settings_.cacert_file.c_str()) != LDAP_OPT_SUCCESS)
        return failed("setting cacert_file", LDAP_LOCAL_ERROR);
    // Not every library behind libldap knows it; those have their own bound.
    (void)ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &version);
    int client = 0;
    if (ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client) != LDAP_OPT_SUCCESS)
        return failed("reading the certificates of cacert_file", LDAP_CONNECT_ERROR);
    return {};
}

Result<void> LdapConnection::prepare() {
    LDAP *made = nullptr;
    if (int code = ldap_initialize(&made, server_.url.c_str()); code != LDAP_SUCCESS)
        return failed("initialisation", code);
    handle_.reset(made);
    int version = LDAP_VERSION3;
    int never = LDAP_DEREF_NEVER;
    auto connect = to_timeval(settings_.connect_timeout);
    auto request = to_timeval(settings_.request_timeout);
    // The system's ldap.conf has no say in what decides about safety.
    if (ldap_set_option(made, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
        ldap_set_option(made, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != LDAP_OPT_SUCCESS ||
        ldap_set_option(made, LDAP_OPT_DEREF, &never) != LDAP_OPT_SUCCESS ||
        ldap_set_option(made, LDAP_OPT_NETWORK_TIMEOUT, &connect) != LDAP_OPT_SUCCESS ||
        ldap_set_option(made, LDAP_OPT_TIMEOUT, &request) != LDAP_OPT_SUCCESS ||
        deadline_.attach(made) != LDAP_OPT_SUCCESS)
        return failed("initialisation", LDAP_LOCAL_ERROR);
    // Reading the authorities takes milliseconds.
    return server_.start_tls || server_.url.starts_with("ldaps:") ? prepare_tls() : Result<void>();
}

Result<std::unique_ptr<LdapConnection>> LdapConnection::open(const LdapSettings &settings,
                                                             const LdapServer &server, Clock &clock,
                                                             telemetry::Logger &log) {
    std::unique_ptr<LdapConnection> made(new LdapConnection(settings, server, clock, log));
    DIVAN_TRY_VOID(made->prepare());
    auto *handle = made->handle_.get();
    made->deadline_.start(settings.connect_timeout);
    if (int code = ldap_connect(handle); code != LDAP_SUCCESS)
        return made->failed("connecting", code);
    if (server.start_tls)
        if (int code = ldap_start_tls_s(handle, nullptr, nullptr); code != LDAP_SUCCESS)
            return made->failed("StartTLS", code);
    return made;
}

Result<bool> LdapConnection::bind(const std::string &dn, std::string_view password) {
    if (dn.empty() || password.empty())
        return false;
    deadline_.start(settings_.request_timeout);
    berval credentials{static_cast<ber_len_t>(password.size()), const_cast<char *>(password.data())};
    int code = ldap_sasl_bind_s(handle_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &credentials, nullptr, nullptr,
                                nullptr);
    if (code == LDAP_SUCCESS)
        return true;
    if (is_refusal(code)) {
        log_.info(described(fmt::format("bind of {}", to_utf8(dn)), code));
        return false;
    }
    return failed("bind", code);
}

Result<std::vector<LdapEntry>> LdapConnection::search(const LdapSearch &search) {
    std::vector<char *> attributes;
    for (const auto &name : search.attributes)
        attributes.push_back(const_cast<char *>(name.c_str()));
    // None at all would ask for every one.
    std::string none = LDAP_NO_ATTRS;
    if (attributes.empty())
        attributes.push_back(none.data());
    attributes.push_back(nullptr);
    deadline_.start(settings_.request_timeout);
    auto timeout = to_timeval(settings_.request_timeout);
    int scope = search.scope == LdapSearch::Scope::entry ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE;
    LDAPMessage *answer = nullptr;
    int code =
        ldap_search_ext_s(handle_.get(), search.base.c_str(), scope, search.filter.c_str(), attributes.data(),
                          0, nullptr, nullptr, &timeout, search.entries_max, &answer);
    Message message(answer);
    if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED)
        return failed("search", code);
    std::vector<LdapEntry> entries;
    for (auto *entry = ldap_first_entry(handle_.get(), answer);
         entry != nullptr && entries.size() < static_cast<std::size_t>(search.entries_max);
         entry = ldap_next_entry(handle_.get(), entry))
        entries.push_back(read_entry(handle_.get(), entry, search));
    return entries;
}

} // namespace divan::access
