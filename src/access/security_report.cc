#include "access/security_report.h"

#include "base/clock.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

// Members by the names of the settings that they show.
class Section {
  public:
    Section(const config::Config &config, std::string_view section) : config_(config), section_(section) {}

    Section &boolean(std::string_view name, std::string_view key) {
        object_.append(std::string(name), config_.boolean(section_, key));
        return *this;
    }
    Section &integer(std::string_view name, std::string_view key) {
        object_.append(std::string(name), config_.integer(section_, key));
        return *this;
    }
    Section &text(std::string_view name, std::string_view key) {
        object_.append(std::string(name), config_.text(section_, key));
        return *this;
    }
    Section &value(std::string_view name, json::Value given) {
        object_.append(std::string(name), std::move(given));
        return *this;
    }
    [[nodiscard]] json::Object take() { return std::move(object_); }

  private:
    const config::Config &config_;
    std::string_view section_;
    json::Object object_;
};

json::Array texts(const std::vector<std::string> &values) {
    json::Array array;
    for (const auto &value : values)
        array.emplace_back(value);
    return array;
}

json::Object authentication(const config::Config &config) {
    auto sso = config.boolean("oidc", "enable") || config.boolean("saml", "enable");
    return Section(config, "authentication")
        .value("method", config.text("chttpd", "authentication_handlers"))
        .boolean("multi_factor", "multi_factor")
        .value("sso_integration", sso)
        .value("directory_integration", config.boolean("ldap", "enable"))
        .value("session_timeout", config.integer("chttpd_auth", "timeout"))
        .value("password_policy", Section(config, "authentication")
                                      .integer("min_length", "password_min_length")
                                      .boolean("require_special_chars", "require_special_chars")
                                      .boolean("require_numbers", "require_numbers")
                                      .boolean("require_uppercase", "require_uppercase")
                                      .integer("password_history", "password_history")
                                      .integer("max_age_days", "password_max_age")
                                      .take())
        .value("account_lockout",
               Section(config, "authentication")
                   .boolean("enabled", "lockout_enabled")
                   .value("failed_attempts", config.integer("chttpd_auth_lockout", "threshold"))
                   .integer("lockout_duration", "lockout_duration")
                   .boolean("auto_unlock", "auto_unlock")
                   .take())
        .take();
}

json::Object authorization(const config::Config &config, const PolicySet *policies) {
    Section section(config, "authorization");
    section.boolean("rbac_enabled", "rbac_enabled").text("default_role", "default_role");
    if (policies == nullptr)
        return section.take();
    json::Object roles;
    for (const auto *role : policies->roles_in_force())
        roles.set(role->name, role->to_json());
    json::Object filters;
    const auto &documents = policies->documents();
    for (const auto &rule : documents.rules)
        filters.set(rule.id, rule.to_json());
    json::Object fields;
    for (const auto &rule : documents.field_rules)
        fields.set(rule.id, rule.to_json());
    return section.value("admin_roles", texts(policies->server_admin_roles()))
        .value("database_level_permissions", true)
        .value("document_level_permissions", !documents.rules.empty() || !documents.classifications.empty())
        .value("field_level_permissions", !documents.field_rules.empty())
        .value("roles", std::move(roles))
        .value("document_filters", std::move(filters))
        .value("field_rules", std::move(fields))
        .take();
}

json::Object encryption(const config::Config &config) {
    return Section(config, "ssl")
        .value("in_transit", config.boolean("ssl", "enable"))
        .text("tls_versions", "tls_versions")
        .boolean("client_certificates", "verify_ssl_certificates")
        .value("replications_encrypted", config.boolean("replicator", "encrypted_replication"))
        .value("at_rest", false)
        .take();
}

json::Object audit(const config::Config &config) {
    bool anchored = !config.text("audit", "anchor_file").empty() ||
                    config.boolean("audit", "anchor_syslog") || !config.text("audit", "anchor_peer").empty();
    return Section(config, "audit")
        .boolean("enabled", "enable")
        .text("events", "events")
        .value("anchored", anchored)
        .take();
}

json::Object anomalies(const config::Config &config) {
    Section section(config, "anomaly");
    // It looks at what the audit log is told.
    section.value("enabled", config.boolean("audit", "enable") && config.boolean("anomaly", "enable"))
        .text("kinds", "kinds");
    for (const auto *kind : {"failed_logins", "refusals", "many_reads", "new_address"}) {
        auto actions = std::string(kind) + "_actions";
        section.text(actions, actions);
    }
    return section.take();
}

json::Object network(const config::Config &config) {
    return Section(config, "chttpd")
        .text("bind_address", "bind_address")
        .text("ip_allow", "ip_allow")
        .text("ip_deny", "ip_deny")
        .boolean("cors_enabled", "enable_cors")
        .value("cors_origins", config.text("cors", "origins"))
        .boolean("require_valid_user", "require_valid_user")
        .value("https_port",
               config.boolean("ssl", "enable") ? json::Value(config.integer("ssl", "port")) : json::Value())
        .take();
}

class Findings {
  public:
    void add(std::string_view severity, std::string_view setting, std::string message) {
        json::Object finding;
        finding.append("severity", severity);
        finding.append("setting", setting);
        finding.append("message", std::move(message));
        list_.emplace_back(std::move(finding));
    }
    [[nodiscard]] json::Array take() { return std::move(list_); }

  private:
    json::Array list_;
};

bool is_loopback_text(std::string_view address) {
    return address.starts_with("127.") || address == "::1" || address == "localhost";
}

void judge_network(const config::Config &config, Findings &findings) {
    auto origins = config.list("cors", "origins");
    bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
    if (config.boolean("chttpd", "enable_cors") && any)
        findings.add(config.boolean("cors", "credentials") ? "high" : "medium", "[cors] origins",
                     "Pages of every origin may ask this server: name the origins of your applications.");
    if (!is_loopback_text(config.text("chttpd", "bind_address")))
        findings.add(
            config.boolean("ssl", "enable") ? "medium" : "high", "[chttpd] bind_address",
            "Others can reach the plain listener, where passwords are readable on the way: bind it to "
            "127.0.0.1 and serve HTTPS ([ssl] enable).");
    if (!config.boolean("replicator", "encrypted_replication"))
        findings.add("low", "[replicator] encrypted_replication", "Replications may go without TLS.");
    if (!config.boolean("replicator", "verify_ssl_certificates"))
        findings.add("medium", "[replicator] verify_ssl_certificates",
                     "Certificates of other servers are not checked: somebody in between can pose as them.");
}

void judge_authentication(const config::Config &config, Findings &findings) {
    if (config.integer("authentication", "password_min_length") < 12)
        findings.add("low", "[authentication] password_min_length", "New passwords may be shorter than 12.");
    if (!config.boolean("authentication", "lockout_enabled") ||
        config.text("chttpd_auth_lockout", "mode") != "enforce")
        findings.add("medium", "[authentication] lockout_enabled", "Passwords can be guessed without end.");
    auto handlers = config.text("chttpd", "authentication_handlers");
    if (handlers.find("proxy") != std::string::npos && !config.boolean("chttpd_auth", "proxy_use_secret"))
        findings.add("high", "[chttpd_auth] proxy_use_secret",
                     "Whoever reaches the server can say who it is, in headers of an authenticating proxy.");
    if (config.text("couchdb", "default_security") == "everyone")
        findings.add("medium", "[couchdb] default_security", "New databases are open to everybody.");
    if (config.text("chttpd_auth", "same_site").empty())
        findings.add("low", "[chttpd_auth] same_site",
                     "Session cookies come along from pages of other sites: set it to lax or strict.");
    for (const auto *provider : {"oidc", "saml"})
        if (config.boolean(provider, "enable") && config.boolean(provider, "groups_as_roles"))
            findings.add("medium", fmt::format("[{}] groups_as_roles", provider),
                         "The identity provider decides about roles by the names of its groups.");
    if (config.boolean("ldap", "enable") && config.boolean("ldap", "groups_as_roles"))
        findings.add("medium", "[ldap] groups_as_roles",
                     "The directory decides about roles by the names of its groups.");
}

void judge_audit(const config::Config &config, Findings &findings) {
    if (!config.boolean("audit", "enable"))
        findings.add("low", "[audit] enable", "Nothing is recorded of who did what.");
    else if (config.text("audit", "anchor_file").empty() && !config.boolean("audit", "anchor_syslog") &&
             config.text("audit", "anchor_peer").empty())
        findings.add("medium", "[audit] anchor_file",
                     "The audit log has no anchor: records that are cut off at its end would not be missed.");
    if (config.boolean("audit", "enable") && !config.boolean("anomaly", "enable"))
        findings.add("low", "[anomaly] enable", "Nobody is told of guessed passwords and carried off data.");
}

void judge_policies(const ReportFacts &facts, Findings &findings) {
    if (facts.policies == nullptr)
        return;
    for (const auto &id : facts.policies->unreadable())
        findings.add("high", "_policies",
                     fmt::format("The policy {} cannot be read: nobody but server admins gets in.", id));
    if (!facts.admins_by_role.empty())
        findings.add("low", "_users",
                     fmt::format("{} users are server admins by a role.", facts.admins_by_role.size()));
}

} // namespace

json::Object security_report(const config::Config &config, const ReportFacts &facts) {
    Findings findings;
    judge_authentication(config, findings);
    judge_network(config, findings);
    judge_audit(config, findings);
    judge_policies(facts, findings);
    json::Array configured;
    for (const auto &[name, text] : config.section("admins"))
        configured.emplace_back(name);
    json::Object admins;
    admins.append("configured", std::move(configured));
    admins.append("by_role", texts(facts.admins_by_role));
    json::Object report;
    report.append("node_name", facts.node_name);
    report.append("configuration_timestamp", rfc3339(facts.now));
    report.append("authentication", authentication(config));
    report.append("authorization", authorization(config, facts.policies));
    report.append("encryption", encryption(config));
    report.append("audit", audit(config));
    report.append("anomalies", anomalies(config));
    report.append("network_security", network(config));
    report.append("server_admins", std::move(admins));
    report.append("findings", findings.take());
    return report;
}

} // namespace divan::access
