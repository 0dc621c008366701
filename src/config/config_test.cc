#include "config/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace divan::config {
namespace {

TEST(Ini, ParsesAsCouchDb) {
    auto values =
        parse_ini("; comment\n[a]\nk = v ; note\nurl = http://x;y\nlong = one\n  two\n[b]\n\nempty =\n");
    ASSERT_TRUE(values.ok());
    EXPECT_EQ((*values)["a"]["k"], "v");
    EXPECT_EQ((*values)["a"]["url"], "http://x;y");
    EXPECT_EQ((*values)["a"]["long"], "one two");
    EXPECT_EQ((*values)["b"]["empty"], "");
    EXPECT_FALSE(parse_ini("[a]\nnonsense\n").ok());
    EXPECT_FALSE(parse_ini("k = v\n").ok());
}

TEST(Ini, ChangesOneValueAndKeepsTheRest) {
    std::string text = "; head\n[a]\nk = old\n  continued\nother = 1 ; why\n\n[b]\nx = y\n";
    std::string value = "new";
    EXPECT_EQ(change_ini(text, "a", "k", &value), "; head\n[a]\nk = new\nother = 1 ; why\n\n[b]\nx = y\n");
    EXPECT_EQ(change_ini(text, "a", "k", nullptr), "; head\n[a]\nother = 1 ; why\n\n[b]\nx = y\n");
    auto added = parse_ini(change_ini(text, "a", "more", &value));
    EXPECT_EQ((*added)["a"]["more"], "new");
    auto section = parse_ini(change_ini(text, "c", "k", &value));
    EXPECT_EQ((*section)["c"]["k"], "new");
}

TEST(Ini, HoldsWhatReadsBackTheSame) {
    EXPECT_TRUE(ini_can_hold("a", "k", ""));
    EXPECT_TRUE(ini_can_hold("a b", "k k", "v = [x];y"));
    for (const char *value : {"a ; b", "; a", " a", "a ", "a\nb", "a\r", "\x01", "\xff"})
        EXPECT_FALSE(ini_can_hold("a", "k", value)) << value;
    for (const char *key : {"", "a=b", "[a", ";a", " a", "a\n"})
        EXPECT_FALSE(ini_can_hold("a", key, "v")) << key;
    for (const char *section : {"", "a]", " a", "a\n", "a ;b"})
        EXPECT_FALSE(ini_can_hold(section, "k", "v")) << section;
}

TEST(Ini, ContinuationsBehindBlankLinesGoWithTheirValue) {
    std::string value = "new";
    auto changed = change_ini("[a]\nk = old\n\n  more\nl = 1\n  k = 2\n", "a", "k", &value);
    EXPECT_EQ(changed, "[a]\nk = new\n\nl = 1\n  k = 2\n");
    EXPECT_EQ(parse_ini(changed).value()["a"]["l"], "1 k = 2");
}

class ConfigTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "divan-config-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string file(const std::string &name, const std::string &text) {
        auto path = directory_ + "/" + name;
        std::ofstream(path) << text;
        return path;
    }

    std::string directory_;
};

TEST_F(ConfigTest, LayersAndOldSections) {
    auto first =
        file("1.ini", "[httpd]\nport = 1111\nenable_cors = true\n[couchdb]\nmax_document_size = 5\n");
    auto second = file("2.ini", "[chttpd]\nport = 2222\n");
    auto config = Config::load({first, second}, directory_ + "/local.ini").value();
    EXPECT_EQ(config->integer("chttpd", "port"), 2222);
    EXPECT_TRUE(config->boolean("chttpd", "enable_cors"));
    EXPECT_EQ(config->get("httpd", "port"), "2222");
    EXPECT_EQ(config->integer("couchdb", "max_document_size"), 5);
    EXPECT_EQ(config->integer("uuids", "max_count"), 1000);
    EXPECT_EQ(config->get("no", "such"), std::nullopt);
}

TEST_F(ConfigTest, OlderNamesOfSettings) {
    auto path = file("a.ini", "[replicator]\nmax_jobs = 7\nmax_concurrent_replications = 9\n"
                              "replication_retry_delay = 3\n[replicator.shares]\nx/_replicator = 200\n");
    auto config = Config::load({path}, directory_ + "/local.ini").value();
    EXPECT_EQ(config->integer("replicator", "max_jobs"), 7);
    EXPECT_EQ(config->integer("replicator", "retry_delay"), 3);
    EXPECT_EQ(config->get("replicator", "replication_retry_delay"), "3");
    EXPECT_TRUE(config->notices().empty());
    EXPECT_TRUE(config->set("replicator", "max_concurrent_replications", "11", true).ok());
    EXPECT_EQ(config->integer("replicator", "max_jobs"), 11);
    EXPECT_FALSE(config->set("replicator", "max_replication_retry_count", "-1", true).ok());
    EXPECT_TRUE(Config::is_secret("replicator", "password"));
}

TEST_F(ConfigTest, SecretsAreApartFromWhatIsShown) {
    auto path = file("a.ini", "[couch_httpd_auth]\nsecret = of the file\n[admins]\nanna = plain\n");
    auto config = Config::load({path}, directory_ + "/local.ini").value();
    auto secret = config->secret("chttpd_auth", "secret");
    EXPECT_EQ(secret->reveal(), "of the file");
    EXPECT_EQ(config->text("chttpd_auth", "secret"), "****");
    EXPECT_EQ(config->all().at("admins").at("anna"), "****");
    EXPECT_EQ(config->secrets("admins").at("anna")->reveal(), "plain");
    EXPECT_TRUE(config->secret("ldap", "bind_password")->empty());
    EXPECT_EQ(config->get("ldap", "bind_password"), std::nullopt);

    EXPECT_EQ(config->set("chttpd_auth", "secret", "another", true).value(), "****");
    EXPECT_EQ(config->secret("chttpd_auth", "secret")->reveal(), "another");
    EXPECT_EQ(secret->reveal(), "of the file"); // who still holds it
    EXPECT_EQ(config->erase("admins", "anna", false).value(), "****");
    EXPECT_TRUE(config->secret("admins", "anna")->empty());
    // Kept in the local file, and an override over both.
    EXPECT_TRUE(config->reload().ok());
    EXPECT_EQ(config->secret("chttpd_auth", "secret")->reveal(), "another");
    EXPECT_TRUE(config->set_override("chttpd_auth", "secret", "of the command line").ok());
    EXPECT_TRUE(config->reload().ok());
    EXPECT_EQ(config->secret("chttpd_auth", "secret")->reveal(), "of the command line");
    // The same object as long as nobody sets it.
    auto kept = config->secret("chttpd_auth", "secret");
    EXPECT_TRUE(config->set("couchdb", "uuid", "1", false).ok());
    EXPECT_EQ(config->secret("chttpd_auth", "secret"), kept);
}

TEST_F(ConfigTest, ChecksOfHigherModulesHold) {
    auto path = file("a.ini", "[ssl]\ntls_versions = good\n");
    auto config = Config::load({path}, directory_ + "/local.ini").value();
    auto check = [](std::string_view value) {
        return value == "bad" ? Result<void>(Error(ErrorCode::bad_request, "it is bad.")) : Result<void>();
    };
    EXPECT_TRUE(config->add_check("ssl", "tls_versions", check).ok());
    auto refused = config->set("ssl", "tls_versions", "bad", true);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason(), "[ssl] tls_versions: it is bad.");
    EXPECT_EQ(config->text("ssl", "tls_versions"), "good");
    EXPECT_TRUE(config->set("ssl", "tls_versions", "better", false).ok());
    file("a.ini", "[ssl]\ntls_versions = bad\n");
    EXPECT_FALSE(config->reload().ok());
    EXPECT_EQ(config->text("ssl", "tls_versions"), "better");
    auto other = Config::load({path}, "").value();
    EXPECT_FALSE(other->add_check("ssl", "tls_versions", check).ok());
}

TEST_F(ConfigTest, YamlHasSectionsAsMaps) {
    auto path = file("a.yaml", "replicator:\n  max_concurrent_replications: 4\n  update_docs: true\n"
                               "  valid_endpoint_protocols: [https]\n  cert_file:\n"
                               "replicator.shares:\n  x/_replicator: 200\n");
    auto config = Config::load({path}, "").value();
    EXPECT_EQ(config->integer("replicator", "max_jobs"), 4);
    EXPECT_TRUE(config->boolean("replicator", "update_docs"));
    EXPECT_EQ(config->list("replicator", "valid_endpoint_protocols"), std::vector<std::string>{"https"});
    EXPECT_EQ(config->section("replicator.shares").at("x/_replicator"), "200");
    EXPECT_TRUE(Config::load({file("empty.yml", "")}, "").ok());
    auto reason = [&](const char *text) {
        return Config::load({file("bad.yaml", text)}, "").error().reason();
    };
    EXPECT_NE(reason("replicator:\n  max_jobs: many\n").find("max_jobs must be a whole number"),
              std::string::npos);
    EXPECT_NE(reason("a: 1\n").find("line 1: a section is a map"), std::string::npos);
    EXPECT_NE(reason("a:\n  b: {c: 1}\n").find("line 2"), std::string::npos);
    EXPECT_NE(reason("a: [\n").find("line 2"), std::string::npos);
    EXPECT_NE(reason("a:\n  b: 1\n  b: 2\n").find("b is there twice"), std::string::npos);
}

TEST_F(ConfigTest, RefusesBadValuesWithTheirPlace) {
    auto path = file("bad.ini", "[chttpd]\nport = many\n");
    auto config = Config::load({path}, "");
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().reason().find("bad.ini: [chttpd] port must be"), std::string::npos)
        << config.error().reason();
    EXPECT_FALSE(Config::load({directory_ + "/none.ini"}, "").ok());
}

TEST_F(ConfigTest, ChangesPersistUnlessToldOtherwise) {
    auto local = directory_ + "/local.ini";
    auto config = Config::load({}, local).value();
    int told = 0;
    config->on_change([&] { ++told; });
    EXPECT_EQ(config->set("log", "level", "debug", true).value(), "info");
    EXPECT_EQ(config->set("custom", "k", "v", false).value(), "");
    EXPECT_FALSE(config->set("chttpd", "port", "x", true).ok());
    EXPECT_FALSE(config->set("a", "b", "two\nlines", true).ok());
    EXPECT_EQ(told, 2);
    EXPECT_EQ(config->get("custom", "k"), "v");
    ASSERT_TRUE(config->reload().ok());
    EXPECT_EQ(config->get("custom", "k"), std::nullopt);
    EXPECT_EQ(Config::load({}, local).value()->text("log", "level"), "debug");
    EXPECT_EQ(config->erase("log", "level", true).value(), "debug");
    EXPECT_FALSE(config->erase("custom", "k", true).ok());
    EXPECT_EQ(Config::load({}, local).value()->text("log", "level"), "info");
}

TEST_F(ConfigTest, EverySettingOfAGeneratedClusterFileIsRecognised) {
    auto path = file("node.ini", R"(
[couchdb]
database_dir = /opt/couchdb/data
view_index_dir = /opt/couchdb/index
max_document_size = 8000000
max_attachment_size = 4294967296
single_node = false
[cluster]
q = 3
n = 2
placement = metro-dc-a:2,metro-dc-b:1
[chttpd]
port = 5984
bind_address = 0.0.0.0
require_valid_user = true
max_http_request_size = 4294967296
enable_cors = true
[httpd]
port = 5984
bind_address = 0.0.0.0
authentication_handlers = {cookie, default}
default_handler = {couch_httpd_db, handle_request}
secure_rewrites = true
allow_jsonp = false
[ssl]
enable = true
cert_file = /etc/cert.pem
password =
[cors]
origins = *
credentials = true
methods = GET, PUT, POST, HEAD, DELETE
headers = accept, authorization, content-type, origin, referer, x-csrf-token
[couch_httpd_auth]
require_valid_user = true
authentication_redirect = /_utils/session.html
timeout = 600
auth_cache_size = 50
allow_persistent_cookies = true
[compaction_daemon]
check_interval = 300
min_file_size = 131072
[database_compaction]
doc_buffer_size = 1000
[view_compaction]
keyvalue_buffer_size = 2097152
[replicator]
max_replication_retry_count = 10
)");
    auto config = Config::load({path}, "").value();
    for (const auto &notice : config->notices())
        EXPECT_EQ(notice.find("unknown"), std::string::npos) << notice;
    EXPECT_TRUE(config->boolean("chttpd", "require_valid_user"));
    EXPECT_EQ(config->integer("chttpd_auth", "timeout"), 600);
    EXPECT_EQ(config->list("cors", "methods").size(), 5u);
    EXPECT_EQ(config->notices().size(), 9u);
}

TEST(Http, RefusesWhatCouldRunCode) {
    EXPECT_FALSE(Config::check_http_change("query_servers", "x").ok());
    EXPECT_FALSE(Config::check_http_change("couchdb", "uuid").ok());
    EXPECT_TRUE(Config::check_http_change("log", "level").ok());
    EXPECT_TRUE(Config::check_http_change("custom", "x").ok());
}

} // namespace
} // namespace divan::config
