#include "config/config.h"
#include "replication/endpoint.h"
#include "replication/replication.h"
#include "replication/statistics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::replication {
namespace {

class ReplicationTest : public testing::Test {
  protected:
    Result<Replication> read(std::string_view text) {
        return read_replication(json::parse(text).value().object(), *config_, {"anna", {"_admin"}, ""});
    }
    // The reason, or "ok".
    std::string outcome(std::string_view text) {
        auto replication = read(text);
        return replication.ok() ? "ok" : replication.error().reason();
    }
    // With a good source and target.
    std::string outcome_of(const std::string &members) {
        return outcome(R"({"source":"http://h/a","target":"b",)" + members + "}");
    }
    Result<Endpoint> end(std::string_view json) {
        auto value = json::parse(json).value();
        return read_endpoint(&value, std::nullopt, *config_);
    }
    std::string id(std::string_view text, std::string_view filter_source = "") {
        return replication_id(read(text).value(), "uuid", filter_source).text();
    }
    void set(const char *key, const char *value) {
        ASSERT_TRUE(config_->set("replicator", key, value, false).ok());
    }

    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
};

TEST_F(ReplicationTest, NamesAreLocalDatabases) {
    EXPECT_EQ(end(R"("db")")->database, "db");
    EXPECT_EQ(end(R"("a%2Fb+c")")->database, "a/b+c");
    EXPECT_EQ(end(R"("a/b/")")->database, "a/b");
    EXPECT_EQ(end(R"({"url":"_users"})")->shown(), "_users");
    EXPECT_FALSE(end(R"("db")")->clear_text());
    for (const char *bad :
         {R"("Ab")", R"("")", R"("ftp://x/y")", R"("http://")", "1", R"({"url":1})", "{}",
          R"("http://h:0/db")", R"("http://h:x/db")", R"("http://h/db?x=1")", R"("http://h/db#x")",
          R"("http://::1/db")", R"("http://[::1/db")", R"("http://a b/db")"})
        EXPECT_EQ(end(bad).ok() ? "ok" : end(bad).error().reason(), "endpoint has an invalid url") << bad;
    EXPECT_EQ(outcome(R"({"source":"a"})"), "Missing replicator database");
}

TEST_F(ReplicationTest, UrlsAreTakenApart) {
    auto endpoint = end(R"("HTTPS://an%20na:p%40ss:w@Host.Example:6984/pre/a%2Fb//")").value();
    EXPECT_EQ(endpoint.user, "an na");
    EXPECT_EQ(endpoint.password, "p@ss:w");
    EXPECT_TRUE(endpoint.destination.tls);
    EXPECT_TRUE(endpoint.destination.tls_options.verify);
    EXPECT_EQ(endpoint.destination.host, "host.example");
    EXPECT_EQ(endpoint.destination.port, 6984);
    EXPECT_EQ(endpoint.path, "/pre/a%2Fb");
    EXPECT_EQ(endpoint.shown(), "https://host.example:6984/pre/a%2Fb/");
    auto six = end(R"("http://[2001:DB8::1]/db")").value();
    EXPECT_EQ(six.destination.host, "2001:db8::1");
    EXPECT_EQ(six.destination.port, 80);
    EXPECT_EQ(six.shown(), "http://[2001:db8::1]/db/");
    EXPECT_TRUE(six.clear_text());
    for (const char *here : {"http://localhost/d", "http://127.0.0.1:5984/d", "http://[::1]/d"})
        EXPECT_FALSE(end('"' + std::string(here) + '"')->clear_text()) << here;
    EXPECT_TRUE(end(R"("http://127.evil.example/d")")->clear_text());
    EXPECT_EQ(end("\"http://h/\xc3\xa4 b\"")->path, "/%C3%A4%20b");
}

TEST_F(ReplicationTest, CredentialsHaveAnOrder) {
    auto url_only = end(R"({"url":"http://u:p@h/d"})").value();
    EXPECT_EQ(url_only.user + ":" + url_only.password, "u:p");
    auto header =
        end(R"({"url":"http://u:p@h/d","headers":{"authorization":"Basic YTpi","X-A":"1"}})").value();
    EXPECT_EQ(header.user + ":" + header.password, "a:b");
    EXPECT_FALSE(header.headers.contains("Authorization"));
    EXPECT_EQ(header.headers.find("X-A"), "1");
    auto token = end(R"({"url":"http://u:p@h/d","headers":{"Authorization":"Bearer t"}})").value();
    EXPECT_EQ(token.user, "");
    EXPECT_EQ(token.headers.find("Authorization"), "Bearer t");
    auto auth = end(R"({"url":"http://u:p@h/d","headers":{"Authorization":"Basic YTpi"},
                        "auth":{"basic":{"username":"x","password":"y:z"}}})")
                    .value();
    EXPECT_EQ(auth.user + ":" + auth.password, "x:y:z");
    auto bearer = end(R"({"url":"http://u:p@h/d","auth":{"bearer":"abc"}})").value();
    EXPECT_EQ(bearer.bearer, "abc");
    EXPECT_EQ(bearer.user, "");
    for (const char *bad :
         {R"({"url":"http://h/d","headers":{"A":1}})", R"({"url":"http://h/d","headers":{"A b":"1"}})",
          R"({"url":"http://h/d","headers":{"A":"1\r\nB: 2"}})", R"({"url":"http://h/d","headers":[]})",
          R"({"url":"http://h/d","auth":1})", R"({"url":"http://h/d","auth":{"bearer":"a b"}})",
          R"({"url":"http://h/d","auth":{"basic":{"username":"x"}}})"})
        EXPECT_FALSE(end(bad).ok()) << bad;
    EXPECT_FALSE(end(R"({"url":"http://h/d","headers":{"Host":"x"}})")->headers.contains("Host"));
}

TEST_F(ReplicationTest, ProtocolsAndProxies) {
    EXPECT_EQ(read(R"({"source":"http://h/a","target":"b","proxy":"http://u:p@proxy:3128"})")
                  ->source.destination.proxy->password,
              "p");
    auto replication =
        read(R"({"source":"http://h/a","target":"http://h/b","source_proxy":"http://u:p@x:1"})");
    EXPECT_EQ(shown_proxy(replication->source), "http://x:1");
    EXPECT_EQ(shown_proxy(replication->target), "");
    EXPECT_EQ(outcome_of(R"("proxy":"http://x","source_proxy":"http://y")"),
              "`proxy` is mutually exclusive with `source_proxy`");
    EXPECT_NE(outcome_of(R"("proxy":"socks5://x:1")").find("socks5 proxies are not supported"),
              std::string::npos);
    EXPECT_EQ(outcome_of(R"("proxy":1)"), "proxy has an invalid url");
    set("valid_endpoint_protocols", "https");
    EXPECT_FALSE(end(R"("http://h/d")").ok());
    EXPECT_TRUE(end(R"("https://h/d")").ok());
    set("valid_endpoint_protocols", "http,https");
    set("encrypted_replication", "true");
    auto refused = end(R"("http://u:secret@h/d")");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason().find("secret"), std::string::npos);
    EXPECT_TRUE(end(R"("http://127.0.0.1/d")").ok());
}

TEST_F(ReplicationTest, TlsIsVerifiedUnlessToldOtherwise) {
    auto off =
        read(R"({"source":{"url":"https://h/a","verify_ssl_certificates":false},"target":"b"})").value();
    EXPECT_FALSE(off.source.destination.tls_options.verify);
    EXPECT_EQ(warnings(off).size(), 1U);
    EXPECT_FALSE(end(R"({"url":"https://h/a","verify_ssl_certificates":1})").ok());
    set("ssl_certificate_max_depth", "7");
    set("ssl_trusted_certificates_file", "/ca.pem");
    EXPECT_EQ(end(R"("https://h/d")")->destination.tls_options.chain_depth_max, 7);
    EXPECT_EQ(end(R"("https://h/d")")->destination.tls_options.ca_file, "/ca.pem");
}

TEST_F(ReplicationTest, MembersAreChecked) {
    EXPECT_EQ(outcome_of(R"("doc_ids":"x")"), "parameter `doc_ids` must be an array");
    EXPECT_EQ(outcome_of(R"("doc_ids":["a"],"selector":{})"),
              "`doc_ids`,`filter`,`selector` are mutually exclusive");
    EXPECT_EQ(outcome_of(R"("filter":"a/b","selector":{})"),
              "`doc_ids`,`filter`,`selector` are mutually exclusive");
    EXPECT_EQ(outcome_of(R"("selector":1)"), "parameter `selector` must be a JSON object");
    EXPECT_EQ(outcome_of(R"("continuous":"x")"), "parameter `continuous` must be a boolean");
    EXPECT_EQ(outcome_of(R"("create_target":null)"), "parameter `create_target` must be a boolean");
    EXPECT_EQ(outcome_of(R"("query_params":1)"), "parameter `query_params` must be an object");
    EXPECT_EQ(outcome_of(R"("filter":"x")"), "Invalid filter. Must match `ddocname/filtername`.");
    EXPECT_EQ(outcome_of(R"("filter":"_view","query_params":{"view":"x"})"), "Invalid `view` parameter.");
    EXPECT_EQ(outcome_of(R"("worker_processes":0)"), "ok");
    EXPECT_EQ(outcome_of(R"("worker_processes":-1)"),
              "parameter `worker_processes` must be a whole number from 1 to 100");
    EXPECT_EQ(outcome_of(R"("checkpoint_interval":1.5)"),
              "parameter `checkpoint_interval` must be a whole number from 100 to 86400000");
    EXPECT_EQ(outcome_of(R"("selector":{"$nope":1})").find("ok"), std::string::npos);
    EXPECT_EQ(outcome_of(R"("doc_ids":null,"filter":null,"foo":1,"socket_options":"x")"), "ok");
    auto full = read(R"({"source":"a","target":"b","doc_ids":["x%2Fy","b","b","50%"],"worker_batch_size":"7",
                         "use_bulk_get":false,"kilobytes_per_second":9,"since_seq":[1,"x"],"continuous":true,
                         "create_target_params":{"q":4,"partitioned":true}})")
                    .value();
    EXPECT_EQ(full.filter.doc_ids, (std::vector<std::string>{"50%", "b", "x/y"}));
    EXPECT_EQ(full.tuning.worker_batch_size, 7U);
    EXPECT_FALSE(full.tuning.use_bulk_get);
    EXPECT_EQ(full.tuning.kilobytes_per_second_max, 9U);
    EXPECT_EQ(json::to_text(*full.since_seq), R"([1,"x"])");
    EXPECT_EQ(full.create_q, 4U);
    EXPECT_TRUE(full.create_partitioned);
    EXPECT_EQ(full.principal.name, "anna");
}

TEST_F(ReplicationTest, Cancels) {
    auto cancel = [](const char *text) { return read_cancel(json::parse(text).value().object()); };
    EXPECT_FALSE(cancel("{}").value().has_value());
    EXPECT_FALSE(cancel(R"({"cancel":true})").value()->replication_id.has_value());
    EXPECT_EQ(cancel(R"({"cancel":true,"replication_id":"ab continuous"})").value()->replication_id,
              "ab+continuous");
    EXPECT_EQ(cancel(R"({"cancel":true,"_local_id":"ab"})").value()->replication_id, "ab");
    EXPECT_FALSE(cancel(R"({"cancel":1})").ok());
}

TEST_F(ReplicationTest, IdsTellReplicationsApart) {
    auto plain = id(R"({"source":"http://h/a","target":"b"})");
    EXPECT_EQ(plain.size(), 32U);
    for (const char *same :
         {R"({"source":"https://h/a/","target":"b"})", R"({"source":"http://h:5984/a","target":"b"})",
          R"({"source":"http://h/a","target":"b","winning_revs_only":false,"worker_processes":2})",
          R"({"source":{"url":"http://h/a","auth":{"bearer":"t"}},"target":"b"})"})
        EXPECT_EQ(id(same), plain) << same;
    EXPECT_EQ(id(R"({"source":"http://u:1@h/a","target":"b"})"),
              id(R"({"source":"http://u:2@h/a","target":"b"})"));
    EXPECT_EQ(id(R"({"source":"http://h/a","target":"b","continuous":true,"create_target":true})"),
              plain + "+continuous+create_target");
    for (const char *other :
         {R"({"source":"http://h:81/a","target":"b"})", R"({"source":"http://u:1@h/a","target":"b"})",
          R"({"source":"http://h/a","target":"http://h/b"})",
          R"({"source":"http://h/a","target":"b","winning_revs_only":true})",
          R"({"source":"http://h/a","target":"b","since_seq":1})",
          R"({"source":"http://h/a","target":"b","doc_ids":[]})",
          R"({"source":{"url":"http://h/a","headers":{"X":"1"}},"target":"b"})"})
        EXPECT_NE(id(other), plain) << other;
    auto selector = [&](const std::string &text) {
        return id(R"({"source":"a","target":"b","selector":)" + text + "}");
    };
    EXPECT_EQ(selector(R"({"a":1,"b":{"c":2}})"), selector(R"({"a":{"$eq":1},"b.c":2})"));
    EXPECT_NE(selector(R"({"a":1})"), selector(R"({"a":2})"));
    auto filter = [&](const char *source) {
        return id(R"({"source":"a","target":"b","filter":"d/f","query_params":{"x":"1"}})", source);
    };
    EXPECT_EQ(filter(" f() "), filter("f()"));
    EXPECT_NE(filter("f()"), filter("g()"));
}

TEST(Statistics, MembersAreCouchDbsAndThenOurs) {
    ManualClock clock;
    Progress progress;
    progress.statistics.docs_read = 3;
    progress.source_seq = R"("3-abc")";
    progress.changes_pending = 7;
    progress.caught_up_at = clock.now();
    progress.cause = Cause::network;
    progress.last_error = "could not connect";
    clock.advance(std::chrono::seconds(5));
    auto text = json::to_text(progress_json(progress, clock));
    EXPECT_TRUE(text.starts_with(R"({"revisions_checked":0,"missing_revisions_found":0,"docs_read":3,)"
                                 R"("docs_written":0,"changes_pending":7,"doc_write_failures":0,)"
                                 R"("bulk_get_docs":0,"bulk_get_attempts":0,"checkpointed_source_seq":null,)"
                                 R"("source_seq":"3-abc","through_seq":null,)"))
        << text;
    EXPECT_NE(text.find(R"("behind_seconds":5,)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("cause":"network","last_error":"could not connect"})"), std::string::npos) << text;
    EXPECT_EQ(json::to_text(completed_json(progress, clock.now()).find("start_time")[0]),
              '"' + rfc3339(clock.now()) + '"');
}

} // namespace
} // namespace divan::replication
