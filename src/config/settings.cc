#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::config {
namespace {

constexpr std::int64_t kAny = 9'007'199'254'740'991; // what JSON clients can show
constexpr std::int64_t kDay = 86'400'000;

constexpr Setting kSettings[] = {
    {"couchdb", "uuid", Kind::text, "", 0, 0, kReadOnlyOverHttp, "The server's id; made at the first start."},
    {"couchdb", "database_dir", Kind::text, "", 0, 0, kNeedsRestart | kReadOnlyOverHttp,
     "Where the data lies, unless `--data-dir` is given."},
    {"couchdb", "max_document_size", Kind::integer, "8000000", 1, kAny, kInfinityAllowed,
     "Largest document, in bytes of JSON without attachments; 413 beyond."},
    {"couchdb", "max_attachment_size", Kind::integer, "1073741824", 1, kAny, kInfinityAllowed,
     "Largest attachment, in bytes; 413 beyond."},
    {"couchdb", "max_partition_size", Kind::integer, "10737418240", 0, kAny, kInfinityAllowed,
     "A partition of so many bytes (documents and attachments) takes nothing that makes it larger; 403 "
     "beyond. "
     "0: no limit."},
    {"couchdb", "max_dbs_open", Kind::integer, "500", 1, 1'000'000, kNone,
     "Handles of idle databases beyond this number are closed."},
    {"couchdb", "maintenance_mode", Kind::text, "false", 0, 0, kNone,
     "`true` or `nolb`: `_up` answers 404, so that load balancers look elsewhere.", "true, false, nolb"},
    {"couchdb", "default_security", Kind::text, "admin_only", 0, 0, kNone, "Security of new databases.",
     "admin_only, everyone"},
    {"couchdb", "single_node", Kind::boolean, "true", 0, 0, kNone,
     "Accepted; Divan's embedded engine is always one node."},
    {"couchdb", "users_db_security_editable", Kind::boolean, "false", 0, 0, kNone,
     "The `_security` of the users database may be changed; then users may reach their own documents."},
    {"couchdb", "os_process_timeout", Kind::integer, "5000", 10, kDay, kNone,
     "Longest run of one call of a function of a design document, in ms."},
    {"query_server_config", "os_process_limit", Kind::integer, "4", 1, 256, kNone,
     "JavaScript workers, and one that waits. One database gets at most all but one."},
    {"query_server_config", "os_process_idle_limit", Kind::integer, "300", 1, 86'400, kNone,
     "An idle JavaScript worker is ended after this time, in s."},
    {"query_server_config", "query_limit", Kind::integer, "infinity", 1, kAny, kInfinityAllowed,
     "Most rows that one query of a view or listing may ask for; 400 beyond."},
    {"query_server_config", "partition_query_limit", Kind::integer, "infinity", 1, kAny, kInfinityAllowed,
     "As query_limit, of queries in one partition."},
    {"query_server_config", "reduce_limit", Kind::text, "true", 0, 0, kNeedsRestart,
     "A reduce that does not shrink its input is an error; `log` is taken for `false`.", "true, false, log"},
    {"query_server_config", "reduce_limit_threshold", Kind::integer, "5000", 0, kAny, kNeedsRestart,
     "Results up to so many bytes are never an error."},
    {"query_server_config", "reduce_limit_ratio", Kind::decimal, "2.0", 0, 1'000, kNeedsRestart,
     "Input has to be so many times as large as its result."},
    {"chttpd", "port", Kind::integer, "5984", 0, 65'535, kNeedsRestart,
     "TCP port, unless `--port` is given; 0 takes any free one."},
    {"chttpd", "bind_address", Kind::text, "127.0.0.1", 0, 0, kNeedsRestart,
     "IP address to listen on, unless `--bind` is given."},
    {"chttpd", "max_http_request_size", Kind::integer, "4294967296", 1, kAny, kNone,
     "Largest request body, in bytes; 413 beyond."},
    {"chttpd", "require_valid_user", Kind::boolean, "false", 0, 0, kNone,
     "Everything but `_session` needs a login."},
    {"chttpd", "require_valid_user_except_for_up", Kind::boolean, "false", 0, 0, kNone,
     "Everything but `_session` and `_up` needs a login."},
    {"chttpd", "authentication_handlers", Kind::text,
     "{chttpd_auth, cookie_authentication_handler}, {chttpd_auth, default_authentication_handler}", 0, 0,
     kNone,
     "Ways of logging in, in the order in which they are asked: `cookie`, `default` (passwords), `proxy`, "
     "`jwt`, `certificate`, or CouchDB's names of them."},
    {"chttpd", "enable_cors", Kind::boolean, "false", 0, 0, kNone,
     "Answers browsers of other origins, by the rules in [cors]."},
    {"chttpd", "enable_xframe_options", Kind::boolean, "false", 0, 0, kNone,
     "Answers carry X-Frame-Options, by the rules in [x_frame_options]."},
    {"chttpd", "changes_timeout", Kind::integer, "60000", 1, kDay, kNone,
     "Longest wait of a feed without heartbeat, in ms."},
    {"chttpd", "admin_only_all_dbs", Kind::boolean, "true", 0, 0, kNone,
     "Only server admins may list databases."},
    {"chttpd", "decode_plus_to_space", Kind::boolean, "true", 0, 0, kNone, "`+` in a path is a space."},
    {"chttpd", "max_db_number_for_dbs_info_req", Kind::integer, "100", 1, 10'000, kNone,
     "Databases that one POST `_dbs_info` may ask for."},
    {"chttpd", "rewrite_limit", Kind::integer, "100", 0, 1'000, kNone,
     "Rewrites that may follow one another in a request; 400 beyond."},
    {"chttpd", "secure_rewrites", Kind::boolean, "true", 0, 0, kNone, "Rewrites stay inside their database."},
    {"chttpd", "ip_allow", Kind::list, "", 0, 0, kNone,
     "Addresses and CIDR blocks that are admitted by the plain listener, separated by commas; empty: all."},
    {"chttpd", "ip_deny", Kind::list, "", 0, 0, kNone,
     "Addresses and CIDR blocks that are not admitted there; wins over ip_allow."},
    {"ssl", "enable", Kind::boolean, "false", 0, 0, kNeedsRestart, "Serves HTTPS besides HTTP."},
    {"ssl", "port", Kind::integer, "6984", 0, 65'535, kNeedsRestart, "TCP port; 0 takes any free one."},
    {"ssl", "bind_address", Kind::text, "", 0, 0, kNeedsRestart,
     "IP address to listen on; empty: that of [chttpd]."},
    {"ssl", "cert_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the certificate, and behind it the chain. Read again when it changes."},
    {"ssl", "key_file", Kind::text, "", 0, 0, kNone,
     "PEM file of its private key. Read again when it changes."},
    {"ssl", "password", Kind::text, "", 0, 0, kSecret, "Password of that key."},
    {"ssl", "cacert_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the authorities whose clients are admitted. Read again when it changes."},
    {"ssl", "verify_ssl_certificates", Kind::boolean, "false", 0, 0, kNone,
     "Asks clients for certificates and checks them against cacert_file."},
    {"ssl", "fail_if_no_peer_cert", Kind::boolean, "true", 0, 0, kNone,
     "With verify_ssl_certificates: refuses clients without a certificate."},
    {"ssl", "ssl_certificate_max_depth", Kind::integer, "1", 0, 100, kNone,
     "Authorities between a client's certificate and the trusted one, at most."},
    {"ssl", "tls_versions", Kind::list, "tlsv1.2, tlsv1.3", 0, 0, kNone,
     "Versions of TLS that are spoken; older ones are refused."},
    {"ssl", "ciphers", Kind::list, "", 0, 0, kNone,
     "Ciphers by OpenSSL's names, separated by commas; empty: those with forward secrecy and authenticated "
     "encryption."},
    {"ssl", "client_certificate_user", Kind::text, "common_name", 0, 0, kNone,
     "What of a client's certificate is the name of a user, for the handler `certificate`.",
     "common_name, email, dns_name, subject"},
    {"ssl", "ip_allow", Kind::list, "", 0, 0, kNone, "As in [chttpd], of the HTTPS listener."},
    {"ssl", "ip_deny", Kind::list, "", 0, 0, kNone, "As in [chttpd], of the HTTPS listener."},
    {"ssl", "hsts_max_age", Kind::integer, "0", 0, 3'153'600'000, kNone,
     "Answers over HTTPS tell browsers to come back by HTTPS only, for so many s; they cannot be told "
     "otherwise "
     "before. 0: they are not told."},
    {"csp", "utils_enable", Kind::boolean, "true", 0, 0, kNone,
     "Pages of `_utils` carry a Content-Security-Policy."},
    {"csp", "utils_header_value", Kind::text,
     "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'", 0, 0, kNone, "This one."},
    {"csp", "attachments_enable", Kind::boolean, "true", 0, 0, kNone,
     "Attachments carry a Content-Security-Policy; without it a page that somebody attaches acts with the "
     "session of who opens it."},
    {"csp", "attachments_header_value", Kind::text, "sandbox", 0, 0, kNone, "This one."},
    {"csp", "showlist_enable", Kind::boolean, "true", 0, 0, kNone,
     "Answers of show, list and update functions carry a Content-Security-Policy; without it their authors' "
     "pages act with the session of who opens them."},
    {"csp", "showlist_header_value", Kind::text, "sandbox", 0, 0, kNone, "This one."},
    {"x_frame_options", "same_origin", Kind::boolean, "false", 0, 0, kNone,
     "Pages of this server may show its answers in frames, whatever `hosts` is."},
    {"x_frame_options", "hosts", Kind::list, "", 0, 0, kNone,
     "Addresses of this server, such as https://example.org, whose answers may be shown in frames; `*` for "
     "all."},
    {"cors", "origins", Kind::list, "", 0, 0, kNone,
     "Origins that may call, separated by commas; `*` for all."},
    {"cors", "credentials", Kind::boolean, "false", 0, 0, kNone, "Origins may send cookies and passwords."},
    {"cors", "methods", Kind::list, "", 0, 0, kNone, "Allowed methods; empty: CouchDB's usual ones."},
    {"cors", "headers", Kind::list, "", 0, 0, kNone, "Allowed request headers besides CouchDB's usual ones."},
    {"cors", "max_age", Kind::integer, "600", 0, kDay, kNone,
     "How long a browser may remember an answer, in s."},
    {"uuids", "algorithm", Kind::text, "uuid_v7", 0, 0, kNone, "How `_uuids` and new document ids are made.",
     "sequential, random, utc_random, utc_id, uuid_v7"},
    {"uuids", "max_count", Kind::integer, "1000", 1, 1'000'000, kNone,
     "Ids that one `_uuids` request may ask for."},
    {"uuids", "utc_id_suffix", Kind::text, "", 0, 0, kNone, "End of ids made by utc_id."},
    {"attachments", "compression_level", Kind::integer, "8", 0, 9, kNone,
     "gzip level of compressible attachments; 0: none."},
    {"attachments", "compressible_types", Kind::list,
     "text/*, application/javascript, application/json, application/xml", 0, 0, kNone,
     "Content types whose attachments are stored compressed."},
    {"log", "level", Kind::text, "info", 0, 0, kNone, "The least important lines that are logged.",
     "debug, info, notice, warning, error, critical, alert, emergency, none"},
    {"log", "writer", Kind::text, "stderr", 0, 0, kNeedsRestart, "Where the log goes.", "stderr, file"},
    {"log", "file", Kind::text, "", 0, 0, kNeedsRestart, "The file of writer = file."},
    {"cluster", "q", Kind::integer, "2", 1, 1'024, kNone, "Shards of a new database: accepted and echoed."},
    {"cluster", "n", Kind::integer, "1", 1, 1'024, kNone, "Copies of a new database: accepted and echoed."},
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
    {"chttpd_auth", "auth_cache_size", Kind::integer, "50", 1, 1'000'000, kNone,
     "Verified logins kept in memory, at least 1000."},
    {"ldap", "enable", Kind::boolean, "false", 0, 0, kNone,
     "Users whom the users database does not know log in with their password of an LDAP directory: ldap.md."},
    {"ldap", "url", Kind::text, "", 0, 0, kNone,
     "`ldap://HOST:PORT` or `ldaps://HOST:PORT`; several, separated by spaces, are tried in turn."},
    {"ldap", "start_tls", Kind::text, "auto", 0, 0, kNone,
     "Whether connections to `ldap://` are encrypted by StartTLS; `auto`: unless the host is loopback.",
     "auto, true, false"},
    {"ldap", "allow_plaintext", Kind::boolean, "false", 0, 0, kNone,
     "Passwords may be sent unencrypted to hosts that are not loopback."},
    {"ldap", "cacert_file", Kind::text, "", 0, 0, kNone,
     "PEM file with the authorities whose certificates are trusted; empty: those of the system's ldap.conf."},
    {"ldap", "verify_certificates", Kind::boolean, "true", 0, 0, kNone,
     "The server's certificate and its host name are checked."},
    {"ldap", "user_dn_template", Kind::text, "", 0, 0, kNone,
     "Distinguished name of a user, such as `uid={name},ou=people,dc=example,dc=org`; or see user_base."},
    {"ldap", "user_base", Kind::text, "", 0, 0, kNone,
     "Users are searched for below this entry, with user_filter; instead of user_dn_template."},
    {"ldap", "user_filter", Kind::text, "(uid={name})", 0, 0, kNone, "Filter that finds a user by name."},
    {"ldap", "name_attributes", Kind::list, "uid", 0, 0, kNone,
     "Attributes of a user; the name of a login has to be a value of one of them, letter for letter."},
    {"ldap", "bind_dn", Kind::text, "", 0, 0, kNone, "As whom Divan searches; empty: as nobody."},
    {"ldap", "bind_password", Kind::text, "", 0, 0, kSecret, "Password of bind_dn."},
    {"ldap", "user_group_attribute", Kind::text, "", 0, 0, kNone,
     "Attribute of a user that holds the groups, as distinguished names or as names: `memberOf`."},
    {"ldap", "group_base", Kind::text, "", 0, 0, kNone,
     "Groups are searched for below this entry, with group_filter; empty: they are not."},
    {"ldap", "group_filter", Kind::text, "(member={dn})", 0, 0, kNone,
     "Filter that finds the groups of a user, by `{dn}` or `{name}`."},
    {"ldap", "group_attribute", Kind::text, "cn", 0, 0, kNone, "Attribute that holds the name of a group."},
    {"ldap", "groups_as_roles", Kind::boolean, "false", 0, 0, kNone,
     "Every group gives a role of its name, besides those of [ldap_roles]."},
    {"ldap", "attributes", Kind::list, "", 0, 0, kNone,
     "Attributes that are copied to the user's document at each login, such as `mail`."},
    {"ldap", "connect_timeout_ms", Kind::integer, "3000", 10, 60'000, kNone,
     "Longest wait for a connection to a server."},
    {"ldap", "request_timeout_ms", Kind::integer, "5000", 10, 60'000, kNone,
     "Longest wait for one answer of the directory."},
    {"ldap", "retry_delay_ms", Kind::integer, "2000", 0, 600'000, kNone,
     "After no server could be reached, logins that need one are answered 503 for this time without asking."},
    {"ldap", "connections_max", Kind::integer, "8", 1, 64, kNeedsRestart,
     "Logins that ask the directory at once; each has a kept connection for searches and one of its own."},
    {"ldap", "remember_seconds", Kind::integer, "60", 0, 86'400, kNone,
     "The directory is not asked again for a password that was right so long ago."},
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
    {"oidc", "enable", Kind::boolean, "false", 0, 0, kNone,
     "People log in at an identity provider: see oidc.md."},
    {"oidc", "issuer", Kind::text, "", 0, 0, kNone,
     "URL of the provider, byte for byte as it writes it: https, or http on this machine."},
    {"oidc", "client_id", Kind::text, "", 0, 0, kNone, "What the provider knows this server by."},
    {"oidc", "client_secret", Kind::text, "", 0, 0, kSecret,
     "Its secret there; empty: a public client, protected by PKCE alone."},
    {"oidc", "redirect_uri", Kind::text, "", 0, 0, kNone,
     "URL of `_session/oidc/callback` as the provider has it registered; empty: by the host that was asked."},
    {"oidc", "scopes", Kind::text, "openid profile email", 0, 0, kNone,
     "What is asked of the provider; `openid` has to be there."},
    {"oidc", "name_claim", Kind::text, "preferred_username", 0, 0, kNone,
     "The claim that is the user's name here; `sub` never changes at the provider."},
    {"oidc", "name_fallback_sub", Kind::boolean, "false", 0, 0, kNone,
     "Who has no such claim is named by `sub`; otherwise 403."},
    {"oidc", "roles_claim", Kind::text, "groups", 0, 0, kNone,
     "Where the user's groups stand: names of nested members between points, `realm_access.roles`; `\\.` is "
     "a "
     "point in a name."},
    {"oidc", "groups_as_roles", Kind::boolean, "false", 0, 0, kNone,
     "Groups that [oidc_roles] does not name are roles as they are."},
    {"oidc", "attributes", Kind::list, "", 0, 0, kNone,
     "Claims that are kept in the user's document, as `email` or `name:display_name`."},
    {"oidc", "userinfo", Kind::boolean, "true", 0, 0, kNone,
     "Claims that an ID token lacks are asked for at the provider's userinfo endpoint."},
    {"oidc", "post_logout_redirect_uri", Kind::text, "", 0, 0, kNone,
     "Where the provider sends who has logged out, as registered there; empty: it says so itself."},
    {"oidc", "ca_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the authorities that are trusted for the provider; empty: the system's."},
    {"oidc", "timeout_ms", Kind::integer, "10000", 100, 600'000, kNone,
     "Time that the provider has for each answer; 503 beyond."},
    {"oidc", "response_bytes_max", Kind::integer, "262144", 1'024, 16'777'216, kNone,
     "Largest answer of the provider."},
    {"oidc", "token_bytes_max", Kind::integer, "65536", 256, 1'048'576, kNone, "Longest ID token."},
    {"oidc", "jwks_refresh_seconds", Kind::integer, "3600", 10, 604'800, kNone,
     "The provider's metadata and keys are read again after this time; keys at once when a token names one "
     "that is not known."},
    {"oidc", "jwks_request_seconds", Kind::integer, "60", 0, 86'400, kNone,
     "Least time between two readings of keys that tokens ask for."},
    {"oidc", "clock_leeway_seconds", Kind::integer, "30", 0, 60, kNone,
     "How far the provider's clock may be off when the times of an ID token are checked."},
    {"oidc", "logins_pending_max", Kind::integer, "10000", 1, 1'000'000, kNone,
     "Logins that have begun and not ended; beyond, the oldest is forgotten."},
    {"oidc", "login_timeout_seconds", Kind::integer, "600", 10, 86'400, kNone,
     "Time to log in at the provider."},
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
    {"disk_monitor", "enable", Kind::boolean, "false", 0, 0, kNone,
     "Refuses writes with 507 when the disk is nearly full."},
    {"disk_monitor", "interactive_database_writes_threshold", Kind::integer, "90", 1, 100, kNone,
     "Percent of the disk in use from which writes are refused."},
    {"global_changes", "update_db", Kind::boolean, "true", 0, 0, kNeedsRestart,
     "Makes `_global_changes` and keeps it, for `_db_updates`."},
    {"global_changes", "max_write_delay", Kind::integer, "500", 0, 60'000, kNone,
     "Time in which events of databases are gathered before they are written, in ms."},
    {"replicator", "max_jobs", Kind::integer, "500", 0, 1'000'000, kNone,
     "Replications that run at once; further ones get turns."},
    {"replicator", "interval", Kind::integer, "60000", 100, kDay, kNone,
     "How often running replications make room for waiting ones, in ms."},
    {"replicator", "max_churn", Kind::integer, "20", 0, 1'000'000, kNone,
     "How many of them make room each time."},
    {"replicator", "max_history", Kind::integer, "20", 2, 10'000, kNone,
     "Events of a job that `_scheduler/jobs` shows; the waits of a failing job double at most half as "
     "often."},
    {"replicator", "startup_jitter", Kind::integer, "5000", 0, kDay, kNone,
     "Jobs of documents start within up to so many ms of each other, when many of them run."},
    {"replicator", "health_threshold", Kind::integer, "120", 0, 86'400, kNone,
     "Earlier failures of a job count no more when it has run so long, in s."},
    {"replicator", "update_docs", Kind::boolean, "false", 0, 0, kNone,
     "Documents are also told `triggered` and `error`, and not only `completed` and `failed`."},
    {"replicator", "usage_coeff", Kind::decimal, "0.5", 0, 1, kNone,
     "What is remembered of the running time of a `_replicator` database after each interval."},
    {"replicator", "max_retries", Kind::integer, "0", 0, 1'000'000, kInfinityAllowed,
     "A job of a document that failed so often in a row fails for good. 0: never."},
    {"replicator", "retry_delay", Kind::integer, "30", 1, 86'400, kNone,
     "How long a job waits after its first failure, in s."},
    {"replicator", "backoff_factor", Kind::decimal, "2", 1, 100, kNone,
     "How much longer it waits after each further failure."},
    {"replicator", "max_delay", Kind::integer, "28800", 1, 8'640'000, kNone,
     "Longest wait of a failing job, in s."},
    {"replicator", "worker_processes", Kind::integer, "4", 1, 100, kNone,
     "Batches that a replication works on beside each other."},
    {"replicator", "worker_batch_size", Kind::integer, "500", 1, 100'000, kNone, "Documents of a batch."},
    {"replicator", "http_connections", Kind::integer, "20", 1, 1'000, kNone,
     "Connections of a replication to each of its remote ends."},
    {"replicator", "connection_timeout", Kind::integer, "30000", 100, kDay, kNone,
     "Longest wait for a remote end, in ms."},
    {"replicator", "retries_per_request", Kind::integer, "5", 0, 100, kNone,
     "How often a request is tried again before its replication fails."},
    {"replicator", "use_checkpoints", Kind::boolean, "true", 0, 0, kNone,
     "Replications go on where they ended; otherwise they begin anew."},
    {"replicator", "use_bulk_get", Kind::boolean, "true", 0, 0, kNone,
     "Documents are read from the source in batches."},
    {"replicator", "checkpoint_interval", Kind::integer, "30000", 100, kDay, kNone,
     "How often a replication writes its checkpoint, in ms."},
    {"replicator", "checkpoint_documents", Kind::integer, "0", 0, kAny, kNone,
     "And also after so many documents. 0: only by time."},
    {"replicator", "kilobytes_per_second", Kind::integer, "0", 0, kAny, kNone,
     "What a replication may send and receive, in kB a second. 0: no limit."},
    {"replicator", "kilobytes_per_second_total", Kind::integer, "0", 0, kAny, kNone,
     "The same for all replications of this server together."},
    {"replicator", "compression_level", Kind::integer, "1", 0, 9, kNone,
     "gzip level of what is sent to remote ends that take it; 0: none."},
    {"replicator", "encrypted_replication", Kind::boolean, "false", 0, 0, kNone,
     "Ends with http:// are refused unless they are on this machine; otherwise they are warned about."},
    {"replicator", "keep_alive_timeout", Kind::integer, "60", 1, 86'400, kNeedsRestart,
     "Life of an idle connection to a remote end, in s."},
    {"replicator", "connection_pooling", Kind::boolean, "true", 0, 0, kNeedsRestart,
     "Connections to remote ends are kept and shared between replications."},
    {"replicator", "idle_connections_max", Kind::integer, "256", 0, 100'000, kNeedsRestart,
     "How many of them are kept at once while nobody uses them."},
    {"replicator", "missing_doc_retry_msec", Kind::integer, "2000", 0, kDay, kNone,
     "How long to wait for a document that is in the feed of its source and cannot be read, in ms."},
    {"replicator", "max_document_id_length", Kind::integer, "infinity", 1, kAny, kInfinityAllowed,
     "Documents with longer ids are not replicated, in bytes."},
    {"replicator", "valid_endpoint_protocols", Kind::list, "http,https", 0, 0, kNone,
     "Protocols of remote ends."},
    {"replicator", "valid_proxy_protocols", Kind::list, "http", 0, 0, kNone,
     "Protocols of proxies; `http` is what there is."},
    {"replicator", "verify_ssl_certificates", Kind::boolean, "true", 0, 0, kNone,
     "Certificates of remote ends are verified."},
    {"replicator", "ssl_trusted_certificates_file", Kind::text, "", 0, 0, kNone,
     "PEM file of the authorities that are trusted; empty: those of the system."},
    {"replicator", "ssl_certificate_max_depth", Kind::integer, "3", 0, 100, kNone,
     "Longest chain of certificates."},
    {"replicator", "cert_file", Kind::text, "", 0, 0, kNone,
     "PEM file of this server's certificate as a client."},
    {"replicator", "key_file", Kind::text, "", 0, 0, kNone, "PEM file of its key."},
    {"replicator", "password", Kind::text, "", 0, 0, kSecret, "Password of that key."},
    {"divan", "json_depth_max", Kind::integer, "8000", 16, 10'000, kNone,
     "Deepest nesting of JSON; 400 beyond."},
    {"divan", "inflated_body_bytes_max", Kind::integer, "268435456", 1'024, kAny, kNone,
     "Largest body that a gzip-encoded request may inflate to, in bytes; 413 beyond."},
    {"divan", "profile", Kind::text, "standard", 0, 0, kNone,
     "`enterprise` changes the defaults of some settings, see below; what is set stays as it is set.",
     "standard, enterprise"},
    {"divan", "compressed_responses", Kind::text, "divan", 0, 0, kNone,
     "Whose requests with Accept-Encoding: gzip get JSON answers as gzip, at the level of [replicator] "
     "compression_level: `divan` (replicators of other Divan nodes), `all`, `none`.",
     "divan, all, none"},
    {"divan", "spool_bytes_min", Kind::integer, "16777216", 65'536, kAny, kNone,
     "Larger bodies of `_bulk_docs` wait in a file without a name in the data directory and are committed in "
     "groups."},
    {"divan", "session_body_bytes_max", Kind::integer, "65536", 256, 16'777'216, kNone,
     "Largest body of a login, in bytes; 413 beyond: anybody may send one."},
    {"divan", "io_thread_count", Kind::integer, "2", 1, 256, kNeedsRestart,
     "Threads that serve connections."},
    {"divan", "scram_logins_max", Kind::integer, "10000", 1, 1'000'000, kNone,
     "Logins by SCRAM that have begun and not ended; 503 beyond."},
    {"divan", "login_thread_count", Kind::integer, "2", 1, 64, kNeedsRestart, "Threads that hash passwords."},
    {"divan", "engine_thread_count", Kind::integer, "8", 2, 256, kNeedsRestart,
     "Threads for work on the storage engine."},
    {"divan", "memory_bytes_max", Kind::integer, "1073741824", 33'554'432, kAny, kNeedsRestart,
     "Cache and write buffers of the storage engine, in bytes."},
    {"divan", "connections_max", Kind::integer, "2048", 1, 1'000'000, kNeedsRestart,
     "Open connections; further ones are answered 503, or closed before a handshake of TLS."},
    {"divan", "connections_per_address_max", Kind::integer, "0", 0, 1'000'000, kNone,
     "Open connections of one IP address; further ones are closed. 0: no limit."},
    {"divan", "tls_handshake_timeout_ms", Kind::integer, "10000", 100, kDay, kNeedsRestart,
     "Time for the handshake of a TLS connection; it is closed beyond."},
    {"divan", "header_bytes_max", Kind::integer, "16384", 1'024, 1'048'576, kNeedsRestart,
     "Largest request head; 431 beyond."},
    {"divan", "target_bytes_max", Kind::integer, "8192", 256, 1'048'576, kNeedsRestart,
     "Longest URL; 414 beyond."},
    {"divan", "header_timeout_ms", Kind::integer, "30000", 100, kDay, kNeedsRestart,
     "Time to send a request's head; 408 beyond."},
    {"divan", "body_timeout_ms", Kind::integer, "60000", 100, kDay, kNeedsRestart,
     "Time without a byte of a request's body; 408 beyond."},
    {"divan", "write_timeout_ms", Kind::integer, "60000", 100, kDay, kNeedsRestart,
     "Time without the client taking a byte."},
    {"divan", "keep_alive_timeout_ms", Kind::integer, "300000", 100, kDay, kNeedsRestart,
     "Life of an idle connection."},
    {"divan", "drain_timeout_ms", Kind::integer, "10000", 0, kDay, kNeedsRestart,
     "Time for requests under way when the server stops."},
    {"divan", "all_docs_offset_rows_max", Kind::integer, "1000", 0, 1'000'000, kNone,
     "`offset` of `_all_docs` is counted up to this many rows and null beyond."},
    {"divan", "commit_group_edits_max", Kind::integer, "1000", 1, 100'000, kNone,
     "Edits that share one commit and one sync."},
    {"divan", "commit_queue_edits_max", Kind::integer, "100000", 1, 10'000'000, kNone,
     "Edits that may wait for one database; 503 beyond."},
    {"divan", "inline_body_bytes_max", Kind::integer, "4096", 0, 262'144, kNone,
     "Larger bodies get a row of their own."},
    {"divan", "compaction_replaced_share_percent", Kind::integer, "50", 1, 100, kNone,
     "Automatic compaction: replaced revisions take this share of a database."},
    {"divan", "compaction_replaced_bytes_min", Kind::integer, "16777216", 0, kAny, kNone,
     "Automatic compaction: and at least so many bytes."},
    {"divan", "compaction_keep_revisions_newest", Kind::integer, "2", 0, 1'000, kNone,
     "Replaced revisions of each branch that automatic compaction leaves."},
    {"mango", "default_limit", Kind::integer, "25", 0, kAny, kNone,
     "Documents that a query answers when it does not say how many."},
    {"mango", "index_scan_warning_threshold", Kind::integer, "10", 0, kAny, kNone,
     "A query that looks at more than so many documents for each that it answers is told so; 0 = never."},
    {"divan", "mango_sort_in_memory", Kind::boolean, "false", 0, 0, kNone,
     "Queries whose sort no index has are sorted in memory, as if they had `sort_in_memory`; otherwise they "
     "are "
     "refused, as in CouchDB."},
    {"divan", "mango_sort_documents_max", Kind::integer, "10000", 1, 10'000'000, kNone,
     "Documents that a sort in memory holds: skip and limit together; 400 beyond."},
    {"divan", "mango_groups_max", Kind::integer, "10000", 1, 10'000'000, kNone,
     "Groups that a query without an index for them holds in memory; 400 beyond."},
    {"divan", "mango_memory_bytes_max", Kind::integer, "67108864", 65'536, kAny, kNone,
     "What one query holds of documents that it sorts in memory, or of groups without an index, in bytes; "
     "400 beyond."},
    {"divan", "mango_union_documents_max", Kind::integer, "10000", 0, 1'000'000, kNone,
     "Rows of several indexes that a query puts together for an `$or`; it reads all documents beyond."},
    {"divan", "mango_regexes_given_up_max", Kind::integer, "100", 0, kAny, kNone,
     "Matches of a `$regex` that one query may give up for taking too many steps; 400 beyond."},
    {"divan", "view_build_delay_ms", Kind::integer, "1000", 0, kDay, kNone,
     "How long writes are gathered before views are built in the background, in ms."},
    {"divan", "view_builds_max", Kind::integer, "4", 1, 64, kNeedsRestart,
     "View indexes that are built at the same time for those who wait."},
    {"divan", "view_builds_background_max", Kind::integer, "1", 1, 64, kNeedsRestart,
     "View indexes that are built at the same time for nobody."},
    {"divan", "view_query_thread_count", Kind::integer, "4", 1, 256, kNeedsRestart,
     "Threads for queries that wait for functions of design documents."},
    {"divan", "view_indexes_open_max", Kind::integer, "10000", 1, 10'000'000, kNeedsRestart,
     "View indexes known in memory; idle ones beyond are forgotten."},
    {"divan", "view_timeouts_max", Kind::integer, "3", 1, 1'000, kNeedsRestart,
     "A build ends with an error when so many calls of functions took too long."},
    {"divan", "script_memory_bytes_max", Kind::integer, "268435456", 16'777'216, 3'221'225'472, kNone,
     "Memory of the functions in one JavaScript worker, in bytes."},
    {"divan", "script_programs_max", Kind::integer, "32", 1, 10'000, kNone,
     "Design documents whose functions one JavaScript worker keeps compiled."},
    {"divan", "script_answer_bytes_max", Kind::integer, "268435456", 65'536, 1'073'741'824, kNone,
     "What functions may emit or return in one request to a worker, in bytes."},
    {"divan", "script_log_bytes_max", Kind::integer, "16384", 0, 16'777'216, kNone,
     "What is kept of `log()` in one request to a worker, in bytes."},
    {"divan", "script_queue_max", Kind::integer, "10000", 1, 1'000'000, kNone,
     "Requests that wait for a JavaScript worker; 503 beyond."},
    {"divan", "selector_depth_max", Kind::integer, "200", 1, 1'000, kNone,
     "Selectors: operators and fields inside each other; 400 beyond."},
    {"divan", "selector_conditions_max", Kind::integer, "10000", 1, 1'000'000, kNone,
     "Selectors: conditions, and values of `$in`, `$nin` and `$all`; 400 beyond."},
    {"divan", "selector_path_bytes_max", Kind::integer, "1048576", 1, 67'108'864, kNone,
     "Selectors: names of the fields of all conditions, together; 400 beyond."},
    {"divan", "selector_regex_bytes_max", Kind::integer, "10000", 1, 1'048'576, kNone,
     "Selectors: one pattern of `$regex`; 400 beyond."},
    {"divan", "selector_regex_program_bytes_max", Kind::integer, "4194304", 1, 268'435'456, kNone,
     "Selectors: all patterns as they are compiled; 400 beyond."},
    {"divan", "selector_regex_match_max", Kind::integer, "100000", 1, 10'000'000, kNone,
     "Steps of matching one pattern at one place of a string; beyond, the string does not match."},
    {"divan", "selector_regex_cpu_ms_max", Kind::integer, "200", 1, 60'000, kNone,
     "Processor time of matching one pattern against one string; beyond, it does not match."},
    {"divan", "housekeeping_interval_ms", Kind::integer, "10000", 100, kDay, kNone,
     "Pause between rounds of background work."},
};

// What the profile `enterprise` has as defaults.
struct ProfileDefault {
    std::string_view section;
    std::string_view key;
    std::string_view value;
};
constexpr ProfileDefault kEnterpriseDefaults[] = {
    {"replicator", "encrypted_replication", "true"},     {"authentication", "password_min_length", "12"},
    {"authentication", "require_uppercase", "true"},     {"authentication", "require_numbers", "true"},
    {"authentication", "require_special_chars", "true"}, {"authentication", "password_history", "5"},
    {"authentication", "password_max_age", "90"},
};

constexpr Alias kAliases[] = {
    {"httpd", "", "chttpd"},
    {"couch_httpd_auth", "require_valid_user", "chttpd"},
    {"chttpd_auth", "require_valid_user", "chttpd"},
    {"couch_httpd_auth", "require_valid_user_except_for_up", "chttpd"},
    {"chttpd_auth", "require_valid_user_except_for_up", "chttpd"},
    {"couch_httpd_auth", "", "chttpd_auth"},
    {"authentication", "session_timeout", "chttpd_auth", "timeout"},
    {"csp", "enable", "csp", "utils_enable"},
    {"csp", "header_value", "csp", "utils_header_value"},
    {"authentication", "max_failed_attempts", "chttpd_auth_lockout", "threshold"},
    {"replicator", "max_concurrent_replications", "replicator", "max_jobs"},
    {"replicator", "max_replication_retry_count", "replicator", "max_retries"},
    {"replicator", "replication_retry_delay", "replicator", "retry_delay"},
};

constexpr WithoutEffect kWithoutEffect[] = {
    {"couchdb", "view_index_dir", "indexes lie beside the data"},
    {"couchdb", "delayed_commits", "every write is durable before it is acknowledged"},
    {"couchdb", "file_compression", "the storage engine chooses its compression"},
    {"couchdb", "uri_file", "the address is printed when the server is ready"},
    {"couchdb", "default_engine", "there is one storage engine"},
    {"couchdb", "attachment_stream_buffer_size", "attachments are stored in chunks of a fixed size"},
    {"log", "include_sasl", "there is one log"},
    {"cluster", "placement", "there is one node"},
    {"cluster", "seedlist", "there is one node"},
    {"chttpd", "allow_jsonp", "JSONP is not served"},
    {"chttpd", "default_handler", "routes are fixed"},
    {"chttpd", "backlog", "the system decides"},
    {"chttpd", "server_options", "see [divan]"},
    {"chttpd", "socket_options", "see [divan]"},
    {"chttpd", "buffer_response", "answers are always checked before the first byte"},
    {"chttpd", "bulk_get_use_batches", "bulk reads are always batched"},
    {"chttpd", "bulk_get_batch_size", "bulk reads are always batched"},
    {"chttpd_auth", "public_fields", "documents of other users are not shown"},
    {"chttpd_auth", "users_db_public", "documents of other users are not shown"},
    {"chttpd_auth", "authentication_redirect", "there is no login page yet"},
    {"ssl", "signature_algs", "OpenSSL decides"},
    {"ssl", "ecc_curves", "OpenSSL decides"},
    {"ssl", "secure_renegotiate", "there is no renegotiation"},
    {"ssl", "verify_fun", "certificates are verified by OpenSSL"},
    {"compaction_daemon", "", "compaction is automatic: see [divan] compaction_*"},
    {"database_compaction", "", "compaction is automatic: see [divan] compaction_*"},
    {"view_compaction", "", "compaction is automatic"},
    {"smoosh", "", "compaction is automatic: see [divan] compaction_*"},
    {"compactions", "", "compaction is automatic: see [divan] compaction_*"},
    {"replicator", "request_timeout", "see connection_timeout"},
    {"replicator", "connect_to", "names are resolved by the system"},
    {"replicator", "socket_options", "the system decides"},
    {"replicator", "valid_socket_options", "the system decides"},
    {"replicator", "ibrowse_options", "the system decides"},
    {"replicator", "valid_ibrowse_options", "the system decides"},
    {"replicator", "valid_endpoint_protocols_log", "ends that are not encrypted are always warned about"},
    {"replicator", "verify_ssl_certificates_log", "certificates are verified"},
    {"replicator", "cacert_reload_interval_hours", "files of certificates are read again when they change"},
    {"replicator", "cluster_start_period", "there is one node"},
    {"replicator", "auth_plugins", "a session is used where the other side has them"},
    {"replicator", "session_refresh_interval_sec", "a session is renewed when it has ended"},
    {"replicator", "priority_coeff", "databases get turns by their shares and their running time"},
    {"replicator", "stats_update_interval_sec", "figures are always those of now"},
    {"ioq", "", "there is no I/O queue"},
    {"chttpd", "scrub_json_request", "functions never see credentials"},
    {"query_server_config", "revs_limit", "functions get the newest 20 revisions of a document"},
    {"query_server_config", "os_process_soft_limit", "idle workers end after os_process_idle_limit"},
    {"query_server_config", "db_tag", "no two databases share a worker"},
    {"query_server_config", "commit_freq", "indexes are committed with their checkpoints"},
    {"native_query_servers", "", "functions are JavaScript"},
    {"daemons", "", "services are fixed"},
    {"httpd_global_handlers", "", "routes are fixed"},
    {"httpd_db_handlers", "", "routes are fixed"},
    {"httpd_design_handlers", "", "routes are fixed"},
    {"vendor", "", "`/` names Divan"},
    {"vhosts", "", "virtual hosts are not served"},
    {"feature_flags", "", "nothing is behind a flag"},
    {"global_changes", "max_event_delay", "see max_write_delay"},
    {"prometheus", "", "metrics are served at _prometheus"},
    {"stats", "", "metrics are always gathered"},
};

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::boolean:
        return "boolean";
    case Kind::integer:
        return "integer";
    case Kind::decimal:
        return "number";
    case Kind::list:
        return "list";
    case Kind::text:
        break;
    }
    return "text";
}

bool is_choice(std::string_view choices, std::string_view value) {
    while (!choices.empty()) {
        auto comma = choices.find(", ");
        if (choices.substr(0, comma) == value)
            return true;
        choices.remove_prefix(comma == std::string_view::npos ? choices.size() : comma + 2);
    }
    return false;
}

// The value, or of a list each of its elements.
bool are_choices(const Setting &setting, std::string_view value) {
    if (setting.kind != Kind::list)
        return is_choice(setting.choices, value);
    while (!value.empty()) {
        auto comma = value.find(',');
        auto part = value.substr(0, comma);
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        auto begin = part.find_first_not_of(' ');
        if (begin == std::string_view::npos ||
            !is_choice(setting.choices, part.substr(begin, part.find_last_not_of(' ') - begin + 1)))
            return false;
    }
    return true;
}

} // namespace

std::span<const Setting> settings() {
    return kSettings;
}

const Setting *find_setting(std::string_view section, std::string_view key) {
    for (const auto &setting : kSettings)
        if (setting.key == key && setting.section == section)
            return &setting;
    return nullptr;
}

std::span<const Alias> aliases() {
    return kAliases;
}

const WithoutEffect *find_without_effect(std::string_view section, std::string_view key) {
    for (const auto &entry : kWithoutEffect)
        if (entry.section == section && (entry.key.empty() || entry.key == key))
            return &entry;
    return nullptr;
}

namespace {

template <typename Number> bool lies_between(std::string_view value, const Setting &setting) {
    Number number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc() && end == value.data() + value.size() &&
           number >= static_cast<Number>(setting.min) && number <= static_cast<Number>(setting.max);
}

} // namespace

std::string_view default_value(const Setting &setting, std::string_view profile) {
    if (profile == "enterprise")
        for (const auto &other : kEnterpriseDefaults)
            if (other.section == setting.section && other.key == setting.key)
                return other.value;
    return setting.default_value;
}

Result<void> check_value(const Setting &setting, std::string_view value) {
    auto name = fmt::format("[{}] {}", setting.section, setting.key);
    if (setting.kind == Kind::boolean && value != "true" && value != "false")
        return Error(ErrorCode::bad_request, fmt::format("{} must be true or false, not `{}`.", name, value));
    if (!setting.choices.empty() && value != setting.default_value && !are_choices(setting, value))
        return Error(ErrorCode::bad_request,
                     fmt::format("{} must be one of {}, not `{}`.", name, setting.choices, value));
    if ((setting.flags & kInfinityAllowed) != 0 && value == "infinity")
        return {};
    bool decimal = setting.kind == Kind::decimal;
    bool fits = decimal ? lies_between<double>(value, setting) : lies_between<std::int64_t>(value, setting);
    if ((decimal || setting.kind == Kind::integer) && !fits)
        return Error(ErrorCode::bad_request,
                     fmt::format("{} must be a {}number from {} to {}, not `{}`.", name,
                                 decimal ? "" : "whole ", setting.min, setting.max, value));
    return {};
}

std::string settings_markdown() {
    std::string out =
        "# Settings\n\n"
        "Ini files as CouchDB's. Later files win; changes through `_node/_local/_config` are kept in "
        "`local.ini` of the data directory.\nThis page is made by `divan settings`.\n";
    std::string_view section;
    for (const auto &setting : kSettings) {
        if (setting.section != section) {
            section = setting.section;
            out += fmt::format(
                "\n## [{}]\n\n| setting | kind | default | bounds | meaning |\n|---|---|---|---|---|\n",
                section);
        }
        bool is_number = setting.kind == Kind::integer || setting.kind == Kind::decimal;
        std::string bounds =
            is_number ? fmt::format("{} to {}", setting.min, setting.max) : std::string(setting.choices);
        if ((setting.flags & kInfinityAllowed) != 0)
            bounds += ", infinity";
        std::string meaning(setting.description);
        if ((setting.flags & kNeedsRestart) != 0)
            meaning += " Read at start.";
        if ((setting.flags & kReadOnlyOverHttp) != 0)
            meaning += " Not changed over HTTP.";
        out += fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.key, kind_name(setting.kind),
                           setting.default_value.empty() ? std::string()
                                                         : fmt::format("`{}`", setting.default_value),
                           bounds, meaning);
    }
    out += "\n## The profile `enterprise`\n\nDefaults that `[divan] profile = enterprise` changes.\n\n"
           "| setting | default |\n|---|---|\n";
    for (const auto &entry : kEnterpriseDefaults)
        out += fmt::format("| `[{}] {}` | `{}` |\n", entry.section, entry.key, entry.value);
    out += "\n## Older places\n\n| written as | read as |\n|---|---|\n";
    for (const auto &alias : kAliases)
        out +=
            fmt::format("| `[{}] {}` | `[{}]{}{}` |\n", alias.section, alias.key.empty() ? "..." : alias.key,
                        alias.new_section, alias.new_key.empty() ? "" : " ", alias.new_key);
    out += "\n## Without effect\n\nThese settings of CouchDB are recognised and reported once at start.\n\n"
           "| setting | why |\n|---|---|\n";
    for (const auto &entry : kWithoutEffect)
        out += fmt::format("| `[{}] {}` | {} |\n", entry.section, entry.key.empty() ? "..." : entry.key,
                           entry.reason);
    return out;
}

} // namespace divan::config
