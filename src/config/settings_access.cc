// How users log in by what this server knows.

#include "config/settings_tables.h"

namespace divan::config {
namespace {

constexpr Setting kSettings[] = {
    {"chttpd_auth", "timeout", Kind::integer, "600", 1, 31'536'000, kNone, "Life of a session cookie, in s."},
    {"chttpd_auth", "secret", Kind::text, "", 0, 0, kSecret,
     "Signs session cookies and proxy tokens; nodes that share it accept each other's. Made at the first "
     "start, "
     "unless the environment variable COUCHDB_SECRET gives one."},
    {"chttpd_auth", "iterations", Kind::integer, "600000", 1, 10'000'000, kNone,
     "PBKDF2 iterations of new password hashes."},
    {"chttpd_auth", "allow_persistent_cookies", Kind::boolean, "true", 0, 0, kNone,
     "Session cookies outlive the browser."},
    {"chttpd_auth", "same_site", Kind::text, "", 0, 0, kNone, "SameSite attribute of session cookies.",
     "strict, lax, none"},
    {"chttpd_auth", "cookie_domain", Kind::text, "", 0, 0, kNone, "Domain attribute of session cookies."},
    {"chttpd_auth", "authentication_db", Kind::text, "_users", 0, 0, kNeedsRestart | kReadOnlyOverHttp,
     "The users database."},
    {"chttpd_auth", "hash_algorithms", Kind::list, "sha256, sha", 0, 0, kNone,
     "HMACs of session cookies and proxy tokens: the first signs, all are accepted.",
     "sha, sha224, sha256, sha384, sha512"},
    {"chttpd_auth", "min_iterations", Kind::integer, "1", 1, 10'000'000, kNone,
     "Passwords in `_users` that are hashed with fewer iterations are refused with 403."},
    {"chttpd_auth", "max_iterations", Kind::integer, "10000000", 1, 100'000'000, kNone,
     "And those with more: whoever writes documents of users must not stop the server."},
    {"chttpd_auth", "password_scheme", Kind::text, "pbkdf2", 0, 0, kNone, "How new passwords are hashed.",
     "pbkdf2"},
    {"chttpd_auth", "pbkdf2_prf", Kind::text, "sha256", 0, 0, kNone,
     "The hash function in PBKDF2 of new password hashes.", "sha, sha224, sha256, sha384, sha512"},
    {"chttpd_auth", "upgrade_hash_on_auth", Kind::boolean, "true", 0, 0, kNone,
     "Passwords that are hashed otherwise than these settings say are hashed anew when they are next used."},
    {"chttpd_auth", "password_regexp", Kind::text, "[]", 0, 0, kNone,
     "Erlang list of regular expressions that new passwords must match: "
     "`[{\".{10,}\", \"At least 10 characters.\"}]`."},
    {"chttpd_auth", "proxy_use_secret", Kind::boolean, "false", 0, 0, kNone,
     "Users named by a proxy need a token made with `secret`; otherwise whoever reaches the server is "
     "believed."},
    {"chttpd_auth", "x_auth_username", Kind::text, "X-Auth-CouchDB-UserName", 0, 0, kNone,
     "Header in which a proxy names the user."},
    {"chttpd_auth", "x_auth_roles", Kind::text, "X-Auth-CouchDB-Roles", 0, 0, kNone,
     "Header with the user's roles, separated by commas."},
    {"chttpd_auth", "x_auth_token", Kind::text, "X-Auth-CouchDB-Token", 0, 0, kNone,
     "Header with the token of `proxy_use_secret`."},
    {"chttpd_auth", "public_fields", Kind::list, "", 0, 0, kNone,
     "Members of a user's document that others see; empty: they do not see it at all."},
    {"chttpd_auth", "auth_cache_size", Kind::integer, "50", 1, 1'000'000, kNone,
     "Verified logins kept in memory, at least 1000."},
    {"chttpd_auth_lockout", "mode", Kind::text, "enforce", 0, 0, kNone,
     "What happens to those who fail to log in too often: `enforce` refuses them for a while with 403, "
     "`warn` "
     "logs it.",
     "enforce, warn, off"},
    {"chttpd_auth_lockout", "threshold", Kind::integer, "5", 1, 1'000'000, kNone,
     "Failures of one name from one address that are too often."},
    {"chttpd_auth_lockout", "address_threshold", Kind::integer, "100", 0, 1'000'000'000, kNone,
     "Failures from one address, whatever the names, that are too often; 0: no limit."},
    {"chttpd_auth_lockout", "max_objects", Kind::integer, "10000", 100, 10'000'000, kNone,
     "Names and addresses whose failures are remembered."},
    {"chttpd_auth_lockout", "max_lifetime", Kind::integer, "0", 0, kDay * 365, kNone,
     "How long failures count, from the first on, in ms; 0: as [authentication] lockout_duration says."},
    {"authorization", "rbac_enabled", Kind::boolean, "false", 0, 0, kNone,
     "The standard roles super_admin, admin, developer, analyst and reader permit what docs/authorization.md "
     "says."},
    {"authorization", "default_role", Kind::text, "", 0, 0, kNone,
     "Role of users who are logged in and have none; empty: none."},
    {"authorization", "allow_pushes_under_field_rules", Kind::boolean, "false", 0, 0, kNone,
     "Whom field rules bind may replicate changes of documents with fields that they do not see, which wipes "
     "these or puts their masks there."},
    {"authorization", "accesses_max", Kind::integer, "10000", 1, 10'000'000, kNone,
     "Of how many users and databases it is kept what document and field rules make of them."},
    {"authentication", "lockout_enabled", Kind::boolean, "true", 0, 0, kNone,
     "false: as [chttpd_auth_lockout] mode = off."},
    {"authentication", "lockout_duration", Kind::integer, "900", 1, 31'536'000, kNone,
     "How long failures to log in count, from the first on, in s."},
    {"authentication", "auto_unlock", Kind::boolean, "true", 0, 0, kNone,
     "false: who failed too often is refused until an admin unlocks the name, or the server is restarted."},
    {"authentication", "multi_factor", Kind::boolean, "false", 0, 0, kNone,
     "Everybody who logs in with a password needs a second factor; who has none may only set one up."},
    {"authentication", "multi_factor_roles", Kind::list, "", 0, 0, kNone,
     "The same for users with one of these roles. Services use tokens (JWT), which need none."},
    {"authentication", "password_min_length", Kind::integer, "0", 0, 1'000, kNone,
     "Characters that a new password needs; 400 below."},
    {"authentication", "require_uppercase", Kind::boolean, "false", 0, 0, kNone,
     "A new password needs an upper-case letter."},
    {"authentication", "require_numbers", Kind::boolean, "false", 0, 0, kNone,
     "A new password needs a digit."},
    {"authentication", "require_special_chars", Kind::boolean, "false", 0, 0, kNone,
     "A new password needs a character that is neither letter nor digit."},
    {"authentication", "password_history", Kind::integer, "0", 0, 24, kNone,
     "Of so many of a user's newest passwords none may come again."},
    {"authentication", "password_max_age", Kind::integer, "0", 0, 36'500, kNone,
     "Days after which a password has to be replaced before its user gets in; 0: never."},
    {"couch_peruser", "enable", Kind::boolean, "false", 0, 0, kNone,
     "Makes a private database for each user."},
    {"couch_peruser", "delete_dbs", Kind::boolean, "false", 0, 0, kNone,
     "Deletes it with the user; otherwise it is closed to that name."},
    {"couch_peruser", "database_prefix", Kind::text, "userdb-", 0, 0, kNone,
     "Beginning of its name; the user's name in hex follows."},
    {"couch_peruser", "q", Kind::integer, "1", 1, 1'024, kNone, "Shards of such a database: echoed."},
    {"jwt_auth", "required_claims", Kind::text, "exp", 0, 0, kNone,
     "Claims that a token needs, separated by commas; with a value that it must have: `exp, {iss, "
     "\"https://issuer.example\"}, {aud, \"divan\"}`. The keys are in [jwt_keys]: `hmac:kid = base64`, "
     "`rsa:kid`, `ec:kid` and `eddsa:kid` = a PEM text with `\\n` for line ends; kid `_default` for tokens "
     "without one."},
    {"jwt_auth", "roles_claim_name", Kind::text, "_couchdb.roles", 0, 0, kNone,
     "The claim with the roles, a list or a text with commas."},
    {"jwt_auth", "roles_claim_path", Kind::text, "", 0, 0, kNone,
     "The same inside other claims: names separated by points, `\\.` for a point in a name."},
    {"jwt_auth", "jwks_file", Kind::text, "", 0, 0, kNone,
     "File with a key set (JWKS, RFC 7517) whose keys check tokens, besides [jwt_keys]. Read again as "
     "jwks_refresh_seconds says."},
    {"jwt_auth", "jwks_url", Kind::text, "", 0, 0, kNone,
     "URL of a key set that an identity provider publishes, https or on this machine; read as jwks_file."},
    {"jwt_auth", "jwks_refresh_seconds", Kind::integer, "3600", 10, 604'800, kNone,
     "Both are read again after this time; at once, but at most once a minute, when a token names a key that "
     "is not known."},
    {"jwt_auth", "jwks_keep_seconds", Kind::integer, "86400", 60, 31'536'000, kNone,
     "How long the last good set is used while it cannot be read again."},
    {"jwt_auth", "jwks_ca_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the authorities that are trusted for jwks_url; empty: the system's."},
    {"jwt_auth", "jwks_timeout_ms", Kind::integer, "10000", 100, 600'000, kNone,
     "Time that jwks_url has to answer."},
    {"jwt_auth", "jwks_request_seconds", Kind::integer, "60", 0, 86'400, kNone,
     "Least time between two readings, however many tokens name keys that are not known."},
};

} // namespace

std::span<const Setting> access_settings() {
    return kSettings;
}

} // namespace divan::config
