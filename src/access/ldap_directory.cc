#include "access/ldap_directory.h"

#include "access/ldap_escape.h"
#include "base/encoding.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldap.h>

namespace divan::access {
namespace {

constexpr std::size_t kNameBytesMax = 1'024;
constexpr int kGroupsMax = 1'000;
// Servers and what lies between close connections that are idle, and the latter say nothing.
constexpr std::chrono::seconds kKeptFor{60};

// Names and passwords that cannot be right. Those that are empty would be somebody else's: nobody (RFC 4513).
bool is_possible(const std::string &name, const std::string &password) {
    return !name.empty() && name.size() <= kNameBytesMax && is_utf8(name) &&
           name.find('\0') == std::string::npos && !password.empty();
}

json::Value to_json(const std::vector<std::string> &values) {
    if (values.size() == 1)
        return values.front();
    json::Array array;
    for (const auto &value : values)
        array.emplace_back(value);
    return array;
}

std::vector<std::string> wanted_attributes(const LdapSettings &settings) {
    auto wanted = settings.attributes;
    wanted.insert(wanted.end(), settings.name_attributes.begin(), settings.name_attributes.end());
    if (!settings.user_group_attribute.empty())
        wanted.push_back(settings.user_group_attribute);
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    return wanted;
}

// Directories find `Anna ` and `ANNA` for `anna`; here they would be three accounts of one person, each with
// a lock of its own.
bool has_name(const LdapSettings &settings, const LdapEntry &entry, const std::string &name) {
    return std::any_of(settings.name_attributes.begin(), settings.name_attributes.end(),
                       [&](const std::string &attribute) {
                           const auto &values = entry.values(attribute);
                           return std::find(values.begin(), values.end(), name) != values.end();
                       });
}

} // namespace

// One login.
class LdapDirectory::Check {
  public:
    Check(LdapDirectory &directory, Settings settings, const std::string &name, const std::string &password)
        : directory_(directory), shared_(std::move(settings)), settings_(*shared_), name_(name),
          password_(password) {}
    ~Check() {
        if (searcher_ && !searcher_->lost())
            directory_.keep(shared_, std::move(searcher_));
    }

    // nullopt: refused.
    Result<std::optional<ExternalUser>> run() {
        DIVAN_TRY(auto entry, settings_.user_dn_template.empty() ? find_then_bind() : bind_then_read());
        if (!entry)
            return std::optional<ExternalUser>();
        DIVAN_TRY(auto groups, find_groups(*entry));
        ExternalUser user{"ldap", name_, settings_.roles.roles_of(groups), {}};
        for (const auto &attribute : settings_.attributes)
            if (const auto &values = entry->values(attribute); !values.empty())
                user.attributes.set(attribute, to_json(values));
        return std::optional(std::move(user));
    }

  private:
    Result<std::optional<LdapEntry>> find_then_bind() {
        LdapSearch search{settings_.user_base, LdapSearch::Scope::subtree,
                          expand_filter(settings_.user_filter, name_, ""), wanted_attributes(settings_), 2};
        DIVAN_TRY(auto entries, search_as_service(search));
        if (entries.size() > 1)
            directory_.log_.warning(
                fmt::format("LDAP: more than one entry has the name {}: its login is refused", name_));
        if (entries.size() != 1 || !has_name(settings_, entries.front(), name_))
            return std::optional<LdapEntry>();
        DIVAN_TRY(auto bound, bind_user(entries.front().dn));
        if (!bound)
            return std::optional<LdapEntry>();
        return std::optional(std::move(entries.front()));
    }

    Result<std::optional<LdapEntry>> bind_then_read() {
        auto dn = expand_dn(settings_.user_dn_template, name_);
        DIVAN_TRY(auto bound, bind_user(dn));
        if (!bound)
            return std::optional<LdapEntry>();
        LdapSearch search{dn, LdapSearch::Scope::entry, "(objectClass=*)", wanted_attributes(settings_), 1};
        DIVAN_TRY(auto entries, search_as_reader(search));
        if (entries.empty())
            return user_->unusable("a user may not read his own entry, nor does [ldap] bind_dn");
        if (!has_name(settings_, entries.front(), name_))
            return std::optional<LdapEntry>();
        return std::optional(std::move(entries.front()));
    }

    Result<bool> bind_user(const std::string &dn) {
        DIVAN_TRY(user_, directory_.connect(settings_));
        return checked(*user_, user_->bind(dn, password_));
    }

    Result<std::vector<LdapGroup>> find_groups(const LdapEntry &entry) {
        std::vector<LdapGroup> groups;
        if (!settings_.user_group_attribute.empty())
            for (const auto &value : entry.values(settings_.user_group_attribute))
                groups.push_back(normalized_dn(value) ? LdapGroup{"", value} : LdapGroup{value, ""});
        if (settings_.group_base.empty())
            return groups;
        LdapSearch search{settings_.group_base,
                          LdapSearch::Scope::subtree,
                          expand_filter(settings_.group_filter, name_, entry.dn),
                          {settings_.group_attribute},
                          kGroupsMax + 1};
        DIVAN_TRY(auto found, search_as_reader(search));
        // Some of the roles would be worse than none: rules may take as well as give.
        if (found.size() > static_cast<std::size_t>(kGroupsMax))
            return user_->unusable(
                fmt::format("a user is in more than {} groups: narrow [ldap] group_filter", kGroupsMax));
        for (const auto &group : found) {
            const auto &names = group.values(settings_.group_attribute);
            groups.push_back({names.empty() ? std::string() : names.front(), group.dn});
        }
        return groups;
    }

    // As the one who may search: the service, or, where there is none and users are not searched for, the
    // user.
    Result<std::vector<LdapEntry>> search_as_reader(const LdapSearch &search) {
        if (settings_.user_dn_template.empty() || !settings_.bind_dn.empty())
            return search_as_service(search);
        return checked(*user_, user_->search(search));
    }

    Result<std::vector<LdapEntry>> search_as_service(const LdapSearch &search) {
        if (!searcher_)
            searcher_ = directory_.take_kept(shared_);
        if (searcher_) {
            auto found = searcher_->search(search);
            if (found.ok() || !searcher_->lost())
                return found;
            // The server has closed it meanwhile.
            searcher_.reset();
        }
        DIVAN_TRY(searcher_, directory_.connect(settings_));
        if (!settings_.bind_dn.empty()) {
            DIVAN_TRY(auto bound, checked(*searcher_, searcher_->bind(settings_.bind_dn,
                                                                      settings_.bind_password->reveal())));
            if (!bound) {
                auto error = searcher_->unusable("it refuses [ldap] bind_dn: mend bind_dn or bind_password");
                searcher_.reset();
                directory_.note_unreachable(settings_, error);
                return error;
            }
        }
        return checked(*searcher_, searcher_->search(search));
    }

    template <typename T> Result<T> checked(const LdapConnection &connection, Result<T> result) {
        if (!result.ok() && connection.lost())
            directory_.note_unreachable(settings_, result.error());
        return result;
    }

    LdapDirectory &directory_;
    const Settings shared_;
    const LdapSettings &settings_;
    const std::string &name_;
    const std::string &password_;
    std::unique_ptr<LdapConnection> searcher_;
    std::unique_ptr<LdapConnection> user_;
};

LdapDirectory::LdapDirectory(const config::Config &config, Clock &clock, telemetry::Logger &log)
    : config_(config), clock_(clock), log_(log) {
    // libldap reads ldap.conf at its first call, which is not to be one of two at once.
    int version = 0;
    ldap_get_option(nullptr, LDAP_OPT_PROTOCOL_VERSION, &version);
}

LdapDirectory::~LdapDirectory() = default;

Result<void> LdapDirectory::apply_settings() {
    std::vector<Kept> closed; // behind the lock
    std::lock_guard lock(mutex_);
    Values values{config_.section("ldap"), config_.section("ldap_roles")};
    // A file that was missing may be there now.
    if (read_ == values && !settings_error_)
        return {};
    read_ = std::move(values);
    closed.swap(kept_);
    settings_.reset();
    settings_error_.reset();
    unreachable_.reset();
    first_server_ = 0;
    if (!enabled())
        return {};
    auto settings = read_ldap_settings(config_);
    if (!settings.ok()) {
        settings_error_ = Error(ErrorCode::service_unavailable, settings.error().reason());
        return settings.error();
    }
    settings_ = std::make_shared<const LdapSettings>(std::move(*settings));
    return {};
}

bool LdapDirectory::enabled() const {
    return config_.boolean("ldap", "enable");
}

std::chrono::seconds LdapDirectory::remembered() const {
    return std::chrono::seconds(config_.integer("ldap", "remember_seconds"));
}

Result<LdapDirectory::Settings> LdapDirectory::settings() {
    std::lock_guard lock(mutex_);
    if (settings_error_)
        return *settings_error_;
    if (!settings_)
        return Error(ErrorCode::service_unavailable, "[ldap] is being changed: try again.");
    if (unreachable_ && clock_.monotonic() < unreachable_until_)
        return *unreachable_;
    return settings_;
}

Result<std::optional<ExternalUser>> LdapDirectory::check_password(const std::string &name,
                                                                  const std::string &password) {
    if (!is_possible(name, password))
        return std::optional<ExternalUser>();
    DIVAN_TRY(auto current, settings());
    return Check(*this, std::move(current), name, password).run();
}

Result<std::unique_ptr<LdapConnection>> LdapDirectory::connect(const LdapSettings &settings) {
    std::size_t first = 0;
    {
        std::lock_guard lock(mutex_);
        first = first_server_;
    }
    std::optional<Error> error;
    for (std::size_t i = 0; i < settings.servers.size(); ++i) {
        auto at = (first + i) % settings.servers.size();
        auto opened = LdapConnection::open(settings, settings.servers[at], clock_, log_);
        if (opened.ok()) {
            std::lock_guard lock(mutex_);
            first_server_ = at;
            return opened;
        }
        error = opened.error();
    }
    note_unreachable(settings, *error);
    return *error;
}

void LdapDirectory::note_unreachable(const LdapSettings &settings, const Error &error) {
    std::lock_guard lock(mutex_);
    if (settings_.get() != &settings)
        return;
    unreachable_ = error;
    unreachable_until_ = clock_.monotonic() + settings.retry_delay;
}

std::unique_ptr<LdapConnection> LdapDirectory::take_kept(const Settings &settings) {
    std::vector<Kept> closed; // behind the lock
    std::lock_guard lock(mutex_);
    if (settings != settings_ || kept_.empty())
        return nullptr;
    if (kept_.back().since + kKeptFor < clock_.monotonic()) {
        closed.swap(kept_);
        return nullptr;
    }
    auto taken = std::move(kept_.back().connection);
    kept_.pop_back();
    return taken;
}

void LdapDirectory::keep(const Settings &settings, std::unique_ptr<LdapConnection> connection) {
    std::lock_guard lock(mutex_);
    // Else it is closed: it was opened with other settings.
    if (settings == settings_ &&
        kept_.size() < static_cast<std::size_t>(config_.integer("ldap", "connections_max")))
        kept_.push_back({std::move(connection), clock_.monotonic()});
}

} // namespace divan::access
